// Measures which PostgreSQL server takes writes and on which timeline, how far its standbys are behind and
// whether their links are up, how far two primaries have diverged, what replication slots retain; round trip
// and clock of each server from the same answers.
// Asks five statements in one pipeline over a kept connection to each member (role, identity, receiver,
// senders, slots; permissions: kPostgres.asks), and once a timeline the primary for that timeline's history.
// Cannot see where a history left another one without the right to read that (no diverged bytes then), and
// whether a standby that is cut off has missed anything before two of its status intervals have passed.
// Facts: facts/leadership-and-replication.md 2 (PostgreSQL), facts/servers.md 6.
#include <fmt/format.h>

#include <array>
#include <deque>
#include <set>

#include "probes/clock_profile.hpp"
#include "probes/members.hpp"
#include "probes/probe.hpp"
#include "probes/systems/postgres_cluster.hpp"

namespace qw::probes {
namespace {

constexpr std::uint16_t kPort = 5432;
// PostgreSQL itself notices nothing. Those who fail it over wait longer than this (Patroni's ttl is at least
// 20 s), so what is over within it nobody took for a failure.
constexpr Nanoseconds kFailureDetection = std::chrono::seconds(10);

struct Options {
  std::vector<std::string> members;
  bool finds_members = false;  ///< there may be none yet
  std::string username;
  config::SecretFile password;
  std::string database = "postgres";
  std::optional<std::string> sslmode;
  config::TlsOptions tls;
  std::string clock_profile = "default";
};

class PostgresProbe final : public Probe {
 public:
  PostgresProbe(const ProbeContext& context, const std::vector<net::HostPort>& members,
                const PostgresLogin& login, std::string clock_profile)
      : context_(context), login_(login), clock_profile_(std::move(clock_profile)), cluster_(members) {
    for (const auto& member : members) {
      members_.push_back(
          {member, member.print(), PostgresConnection(context.net, context.clock, turns_, member, login)});
    }
  }

  void inherit(Probe& before) override {
    if (const auto* const other = dynamic_cast<PostgresProbe*>(&before)) cluster_.inherit(other->cluster_);
  }

  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override {
    const bool second_look = !question.only.empty();
    std::vector<Task<PostgresOutcome>> tasks;
    for (Member& member : members_) {
      if (question.includes(member.name)) tasks.push_back(ask_member(member, second_look, deadline));
    }
    const auto outcomes = co_await async::all(std::move(tasks));
    co_await ask_histories(outcomes, deadline);
    Facts facts = cluster_.read(outcomes);
    // Nobody fences a second primary: two that write at one instant are two too many at once.
    facts.traits = {
        .fencing = Fencing::unfenced, .failure_detection = kFailureDetection, .settling = Nanoseconds{}};
    facts.traits.clock_profile = clock_profile_;
    co_return facts;
  }

 private:
  struct Member {
    net::HostPort address;
    std::string name;
    PostgresConnection connection;
  };

  Task<PostgresOutcome> ask_member(Member& member, bool second_look, SteadyTime deadline) {
    const SteadyTime since = context_.clock.steady();
    const auto statements = second_look ? &postgres_second_look : &postgres_statements;
    const auto exchange = co_await member.connection.exchange(statements, deadline);
    auto said = exchange ? read_postgres(member.name, *exchange) : std::unexpected(exchange.error());
    co_return PostgresOutcome{.member = member.name,
                              .peer = member.connection.peer(),
                              .asked = said ? said->asked : Asked{since, context_.clock.steady()},
                              .said = std::move(said),
                              .ended_in_order = member.connection.ended_in_order()};
  }

  /// Once a timeline. What was said before stays as it is, so this may take half of the time that is left.
  Task<void> ask_histories(const std::vector<PostgresOutcome>& outcomes, SteadyTime deadline) {
    for (const auto& outcome : outcomes) {
      const SteadyTime now = context_.clock.steady();
      const auto timeline = outcome.said ? cluster_.wants_history(*outcome.said, now) : std::nullopt;
      if (!timeline) continue;
      for (Member& member : members_) {
        if (member.name != outcome.member) continue;
        const auto history =
            co_await ask_history(member, *outcome.said, *timeline, now + (deadline - now) / 2);
        cluster_.learn_history(*outcome.said, now, history);
      }
    }
  }

  /// A role with REPLICATION may still be kept out by pg_hba.conf.
  Task<Result<std::vector<wire::TimelineSwitch>>> ask_history(Member& member, const PostgresSaid& said,
                                                              std::uint32_t timeline, SteadyTime deadline) {
    Result<PostgresTable> table = fail(ErrorKind::rejected, "no right to read it");
    if (said.may_replicate) {
      PostgresLogin login = login_;
      login.replication = true;
      PostgresConnection connection(context_.net, context_.clock, turns_, member.address, login);
      table = co_await connection.command(fmt::format("TIMELINE_HISTORY {}", timeline), deadline);
    }
    if (!table && said.may_read_files) {
      const PostgresStatements statements = [timeline](int, Nanoseconds) {
        return std::vector{fmt::format("SELECT '', pg_read_file('pg_wal/{:08X}.history')", timeline)};
      };
      auto exchange = co_await member.connection.exchange(statements, deadline);
      if (exchange) table = std::move(exchange->answers.front().table);
    }
    if (!table) co_return std::unexpected(table.error());
    // The file's name, then its content.
    const bool there = table->size() == 1 && table->front().size() == 2 && table->front()[1];
    if (!there) co_return fail(ErrorKind::protocol, "no history");
    co_return wire::parse_timeline_history(*table->front()[1]);
  }

  ProbeContext context_;
  PostgresLogin login_;
  std::string clock_profile_;
  PostgresCluster cluster_;
  PostgresTurns turns_;
  std::deque<Member> members_;
};

void declare(config::Fields& fields, Options& options) {
  options.finds_members =
      fields.addresses("members", &options.members, address_rule(kPort),
                       "Address of every server, primary and standbys, each its own and not a pooler's; the "
                       "port defaults to 5432.");
  fields.required("username", &options.username, "A role in pg_monitor.");
  fields.optional("password_file", &options.password,
                  "The role's password; without it, servers that ask for one refuse.");
  fields.optional("database", &options.database, "The database to connect to; nothing in it is read.");
  fields.optional(
      "sslmode", &options.sslmode,
      "TLS as libpq names it: disable, require, verify-ca or verify-full. Without it: verify-full "
      "where 'tls' is there (require with insecure_skip_verify), else disable. The last two need "
      "tls.ca_file.");
  config::tls_fields(fields, options.tls);
  clock_profile_field(fields, options.clock_profile);
}

std::string sslmode(const Options& options) {
  if (options.sslmode) return *options.sslmode;
  if (!options.tls.enabled) return "disable";
  return options.tls.insecure_skip_verify ? "require" : "verify-full";
}

void check(config::Fields& fields, const Options& options) {
  const std::string mode = sslmode(options);
  const bool verifies = mode == "verify-ca" || mode == "verify-full";
  fields.check("members", options.finds_members || !options.members.empty(), "needs at least one address");
  fields.check("username", !options.username.empty(), "must not be empty");
  fields.check("database", !options.database.empty(), "must not be empty");
  fields.check(
      "sslmode", mode == "disable" || mode == "require" || mode == "verify-ca" || mode == "verify-full",
      "must be disable, require, verify-ca or verify-full (allow and prefer fall back to plain text)");
  fields.check("sslmode", mode != "disable" || !options.tls.enabled, "'disable' contradicts 'tls'");
  fields.check(options.sslmode ? "sslmode" : "tls", !verifies || !options.tls.ca_file.value.empty(),
               fmt::format("'{}' needs tls.ca_file: libpq knows no authorities of the system", mode));
  fields.check("sslmode", !verifies || !options.tls.insecure_skip_verify,
               "contradicts tls.insecure_skip_verify");
  fields.check("tls", !options.tls.insecure_skip_verify || options.tls.ca_file.value.empty(),
               "insecure_skip_verify contradicts ca_file");
  fields.check("tls", options.tls.server_name.empty() || mode == "verify-full",
               "server_name is only looked at with sslmode verify-full");
}

ProbeMaker read(config::Fields& fields) {
  Options options;
  declare(fields, options);
  check(fields, options);
  std::set<net::HostPort> seen;
  const auto members = read_members(fields, {.default_port = kPort}, options.members, seen);
  return [options, members](const ProbeContext& context) -> Result<std::unique_ptr<Probe>> {
    // Tells of files that are missing or broken now, and not at the first connection.
    auto checked = context.tls(options.tls);
    if (!checked) return std::unexpected(checked.error());
    forget_postgres_environment();
    const PostgresLogin login{.username = options.username,
                              .password = options.password.value,
                              .database = options.database,
                              .sslmode = sslmode(options),
                              .ca_file = options.tls.ca_file.value,
                              .cert_file = options.tls.cert_file.value,
                              .key_file = options.tls.key_file.value,
                              .server_name = options.tls.server_name};
    return std::make_unique<PostgresProbe>(context, members, login, options.clock_profile);
  };
}

constexpr std::array<const MetricFamily*, 7> kFamilies{
    &kPostgresReadOnly,     &kPostgresReplayPaused, &kPostgresSynchronous, &kPostgresSlotActive,
    &kPostgresSlotRetained, &kPostgresSlotLost,     &kPostgresHidden};

}  // namespace

extern const ProbeKind kPostgres;
const ProbeKind kPostgres{
    .system = "postgres",
    .summary = "PostgreSQL 12 to 17 with streaming replication",
    .measures =
        "Which server takes writes and on which timeline, how far its standbys are behind and whether their "
        "links are up, how far two primaries have diverged, and what replication slots retain.",
    .asks =
        "pg_stat_replication, pg_stat_wal_receiver, pg_replication_slots and functions of every server, over "
        "one kept connection each (a role in pg_monitor). More rights add the bytes that two primaries have "
        "diverged by: REPLICATION and a replication line in pg_hba.conf (TIMELINE_HISTORY), or EXECUTE on "
        "pg_read_file(text) with pg_read_server_files.",
    .cannot_see =
        "How far two primaries have diverged without those rights; that an idle standby is cut off, before "
        "two of its wal_receiver_status_interval have passed; which of several standbys on one address is "
        "which.",
    .metrics = kFamilies,
    .read = &read,
    .threads_ended = &wait_for_postgres_turns,
};

}  // namespace qw::probes
