#include "probes/systems/postgres_facts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"
#include "probes/wire/postgres_text.hpp"

namespace qw::probes {
namespace {

constexpr int kVersion13 = 130000;
// Names come from others; labels and memory are bounded.
constexpr std::size_t kLongestName = 64;

// Columns of each statement, in their order.
enum Role : std::size_t {
  kInRecovery,
  kSegment,
  kWritten,
  kReceived,
  kReplayed,
  kStarted,
  kClock,
  kWantsSynchronous,
  kReadOnly,
  kPaused,
  kReceiverTimeout,
  kStatusInterval,
  kMayReplicate,
  kMayReadFiles
};
enum Identity : std::size_t { kSystem, kRecoveryTimeline, kCheckpointTimeline };
enum Receiver : std::size_t { kStatus, kReceivedTimeline, kSenderHost, kSenderPort, kSilentFor };
enum Sender : std::size_t { kApplication, kAddress, kState, kSynchronous, kReplayedThere, kReplied };
enum Slot : std::size_t { kSlotName, kActive, kLost, kRetained };
// Statements, in their order.
enum Part : std::size_t { kRolePart, kIdentityPart, kReceiverPart, kSendersPart, kSlotsPart, kParts };

// The clock stands first: it is read before the rest is worked out. A name of the log's segment has the
// timeline in which the server writes; the control file keeps the old one until the first checkpoint after a
// promotion (facts/leadership-and-replication.md, finding 6). What a role or a database sets for itself
// (source 'user') says nothing about the server.
constexpr std::string_view kRoleStatement =
    "SELECT pg_is_in_recovery()::int,"
    " CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_lsn()) END,"
    " CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_lsn() END,"
    " pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(),"
    " (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,"
    " now_us,"
    " (current_setting('synchronous_standby_names') <> '')::int,"
    " CASE WHEN current_setting('default_transaction_read_only') = 'on' THEN"
    "  (SELECT (source IN ('configuration file', 'command line'))::int FROM pg_settings"
    "   WHERE name = 'default_transaction_read_only') ELSE 0 END,"
    " CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused()::int END,"
    " (extract(epoch FROM current_setting('wal_receiver_timeout')::interval) * 1000)::bigint,"
    " (extract(epoch FROM current_setting('wal_receiver_status_interval')::interval) * 1000)::bigint,"
    " (SELECT (rolreplication OR rolsuper)::int FROM pg_roles WHERE rolname = current_user),"
    " has_function_privilege('pg_read_file(text)', 'execute')::int,"
    " set_config('statement_timeout', '{}', false)"
    " FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us OFFSET 0) AS clock";

constexpr std::string_view kIdentityStatement =
    "SELECT s.system_identifier, r.min_recovery_end_timeline, c.timeline_id"
    " FROM pg_control_system() s, pg_control_recovery() r, pg_control_checkpoint() c";

constexpr std::string_view kReceiverStatement =
    "SELECT status, received_tli, sender_host, sender_port,"
    " (extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000)::bigint FROM "
    "pg_stat_wal_receiver";

constexpr std::string_view kSendersStatement =
    "SELECT application_name, host(client_addr), state, (sync_state IN ('sync', 'quorum'))::int, replay_lsn,"
    " reply_time::text FROM pg_stat_replication ORDER BY application_name, client_addr LIMIT 64";

constexpr std::string_view kSlotsStatement =
    "SELECT slot_name, active::int, {}, pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN "
    "pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)"
    " FROM pg_replication_slots ORDER BY restart_lsn NULLS LAST, slot_name LIMIT 32";

/// One row, by column. A column that is not there is null.
class Row {
 public:
  explicit Row(const PostgresRow& row) : row_(row) {}
  std::optional<std::string_view> text(std::size_t column) const {
    if (column >= row_.size() || !row_[column]) return std::nullopt;
    return *row_[column];
  }
  std::string name(std::size_t column) const { return sanitize(text(column).value_or(""), kLongestName); }
  std::optional<std::uint64_t> number(std::size_t column) const {
    const auto found = text(column);
    return found ? parse_uint64(*found) : std::nullopt;
  }
  std::optional<std::uint64_t> lsn(std::size_t column) const {
    const auto found = text(column);
    return found ? wire::parse_lsn(*found) : std::nullopt;
  }
  bool flag(std::size_t column) const { return number(column) == 1; }
  /// Of milliseconds; what is less than nothing (a clock that was set) is nothing.
  std::optional<Nanoseconds> milliseconds(std::size_t column) const {
    const auto found = text(column);
    const auto value = found ? parse_int64(*found) : std::nullopt;
    constexpr std::int64_t kMost = std::int64_t{1'000'000'000} * 1000;
    if (!value) return std::nullopt;
    return std::chrono::milliseconds(std::clamp<std::int64_t>(*value, 0, kMost));
  }

 private:
  const PostgresRow& row_;
};

std::optional<WallTime> wall_time(std::optional<std::uint64_t> microseconds) {
  constexpr std::uint64_t kMost = UINT64_MAX / 2 / 1000;
  if (!microseconds || *microseconds > kMost) return std::nullopt;
  return WallTime(std::chrono::microseconds(static_cast<std::int64_t>(*microseconds)));
}

Result<void> read_role(const PostgresTable& table, PostgresSaid& into) {
  if (table.size() != 1) return fail(ErrorKind::protocol, "expected one row about its role");
  const Row row(table.front());
  if (!row.number(kInRecovery)) return fail(ErrorKind::protocol, "it does not say whether it is in recovery");
  into.in_recovery = row.flag(kInRecovery);
  into.read_only = !into.in_recovery && row.flag(kReadOnly);
  into.written = row.lsn(kWritten);
  into.received = row.lsn(kReceived);
  into.replayed = row.lsn(kReplayed);
  into.timeline = wire::timeline_of_segment(row.text(kSegment).value_or(""));
  into.started = row.number(kStarted).value_or(0);
  into.clock = wall_time(row.number(kClock));
  into.wants_synchronous = row.flag(kWantsSynchronous);
  if (row.number(kPaused)) into.replay_paused = row.flag(kPaused);
  into.receiver_timeout = row.milliseconds(kReceiverTimeout).value_or(Nanoseconds{});
  into.status_interval = row.milliseconds(kStatusInterval).value_or(Nanoseconds{});
  into.may_replicate = row.flag(kMayReplicate);
  into.may_read_files = row.flag(kMayReadFiles);
  if (!into.in_recovery && (!into.written || !into.timeline)) {
    return fail(ErrorKind::protocol, "a primary without position or timeline");
  }
  return {};
}

void read_identity(const PostgresTable& table, PostgresSaid& into) {
  if (table.size() != 1) return;
  const Row row(table.front());
  into.system = row.name(kSystem);
  const auto timeline =
      std::max(row.number(kRecoveryTimeline).value_or(0), row.number(kCheckpointTimeline).value_or(0));
  if (timeline > 0) into.known_timeline = timeline;
}

void read_receiver(const PostgresTable& table, PostgresSaid& into) {
  if (table.empty()) return;
  const Row row(table.front());
  // Without pg_read_all_stats there is the row, and nothing in it.
  if (!row.text(kStatus)) {
    into.hidden.push_back("receiver");
    return;
  }
  into.receiver =
      PostgresReceiver{.status = row.name(kStatus),
                       .timeline = row.number(kReceivedTimeline),
                       .sender_host = row.name(kSenderHost),
                       .sender_port = static_cast<std::uint16_t>(row.number(kSenderPort).value_or(0)),
                       .silent_for = row.milliseconds(kSilentFor)};
  if (into.receiver->timeline == 0) into.receiver->timeline.reset();
}

void read_senders(const PostgresTable& table, PostgresSaid& into) {
  for (const PostgresRow& one : table) {
    const Row row(one);
    if (!row.text(kState)) {
      into.hidden.push_back("senders");
      into.senders.clear();
      return;
    }
    into.senders.push_back({.application = row.name(kApplication),
                            .address = row.name(kAddress),
                            .state = row.name(kState),
                            .synchronous = row.flag(kSynchronous),
                            .replayed = row.lsn(kReplayedThere),
                            .replied = row.name(kReplied)});
  }
}

void read_slots(const PostgresTable& table, PostgresSaid& into) {
  for (const PostgresRow& one : table) {
    const Row row(one);
    const auto retained = row.text(kRetained);
    const auto bytes = retained ? parse_int64(*retained) : std::nullopt;
    PostgresSlot slot{.name = row.name(kSlotName), .active = row.flag(kActive), .lost = {}, .retained = {}};
    if (row.number(kLost)) slot.lost = row.flag(kLost);
    // A standby that has replayed less than the slot needs retains nothing for it.
    if (bytes) slot.retained = static_cast<std::uint64_t>(std::max<std::int64_t>(*bytes, 0));
    into.slots.push_back(std::move(slot));
  }
}

using Reader = void (*)(const PostgresTable&, PostgresSaid&);
struct PartReader {
  std::string_view name;
  Reader read;
};
constexpr PartReader kReaders[]{{"identity", &read_identity},
                                {"receiver", &read_receiver},
                                {"senders", &read_senders},
                                {"slots", &read_slots}};

}  // namespace

bool PostgresSaid::hides(std::string_view part) const {
  return std::ranges::find(hidden, part) != hidden.end();
}

std::vector<std::string> postgres_second_look(int, Nanoseconds time_left) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time_left).count();
  return {fmt::format(kRoleStatement, std::max<std::int64_t>(ms, 1)), std::string(kIdentityStatement),
          std::string(kReceiverStatement)};
}

std::vector<std::string> postgres_statements(int server_version, Nanoseconds time_left) {
  auto statements = postgres_second_look(server_version, time_left);
  statements.emplace_back(kSendersStatement);
  statements.push_back(
      fmt::format(kSlotsStatement, server_version < kVersion13 ? "NULL" : "(wal_status = 'lost')::int"));
  return statements;
}

Result<PostgresSaid> read_postgres(const std::string& member, const PostgresExchange& exchange) {
  const auto& answers = exchange.answers;
  if (answers.size() != kParts && answers.size() != kSendersPart) {
    return fail(ErrorKind::protocol, fmt::format("{} answers", answers.size()));
  }
  const auto& role = answers[kRolePart];
  if (!role.table) return std::unexpected(role.table.error());
  PostgresSaid said;
  said.member = member;
  said.pinged = {exchange.sent, exchange.pinged};
  said.asked = {exchange.sent, role.received};
  said.sent_wall = exchange.sent_wall;
  said.received_wall = role.received_wall;
  said.told_all = answers.size() == kParts;
  auto read = read_role(*role.table, said);
  if (!read) return std::unexpected(read.error());
  for (std::size_t part = kIdentityPart; part < answers.size(); ++part) {
    const auto& [name, reader] = kReaders[part - 1];
    if (answers[part].table) {
      reader(*answers[part].table, said);
    } else {
      said.hidden.push_back(name);
    }
  }
  return said;
}

}  // namespace qw::probes
