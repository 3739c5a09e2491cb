#include "probes/wire/redis_reply.hpp"

#include <fmt/format.h>

#include <limits>

#include "daemon/base/text.hpp"

namespace qw::wire {
namespace {

using Kind = RespValue::Kind;

constexpr std::uint64_t kMostSeconds =
    9'000'000'000;  // what nanoseconds since the epoch hold, roughly the year 2255

std::unexpected<Error> malformed(std::string_view command, std::string_view what) {
  return fail(ErrorKind::protocol, fmt::format("{}: {}", command, what));
}

std::optional<RedisRole> role_named(std::string_view word) {
  if (word == "master") return RedisRole::master;
  if (word == "slave" || word == "replica") return RedisRole::replica;
  if (word == "sentinel") return RedisRole::sentinel;
  return std::nullopt;
}

std::uint16_t port_in(std::string_view text) {
  const auto number = parse_uint64(text);
  return number && *number <= std::numeric_limits<std::uint16_t>::max() ? static_cast<std::uint16_t>(*number)
                                                                        : std::uint16_t{0};
}

std::optional<WallTime> wall_time(std::uint64_t seconds, std::uint64_t microseconds) {
  if (seconds > kMostSeconds || microseconds >= 1'000'000) return std::nullopt;
  return WallTime(std::chrono::seconds(seconds) + std::chrono::microseconds(microseconds));
}

struct Line {
  std::string_view key;
  std::string_view value;
};

/// "key:value"; nothing for blank lines and "# Section".
std::optional<Line> split_line(std::string_view line) {
  line = trim(line);
  const std::size_t colon = line.find(':');
  if (line.starts_with('#') || colon == std::string_view::npos) return std::nullopt;
  return Line{line.substr(0, colon), line.substr(colon + 1)};
}

/// Calls `take` with every line of an INFO text.
template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto line = split_line(text.substr(0, end))) take(*line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// "slave0" to "slave99999", and nothing like "slave_priority".
bool names_replica(std::string_view key) {
  if (key.starts_with("slave")) return parse_uint64(key.substr(5)).has_value();
  return key.starts_with("replica") && parse_uint64(key.substr(7)).has_value();
}

/// "ip=10.0.0.2,port=6379,state=online,offset=123,lag=0"
RedisReplica read_replica(std::string_view value) {
  RedisReplica replica;
  for (const std::string_view part : split(value, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view key = part.substr(0, equals);
    const std::string_view text = part.substr(equals + 1);
    if (key == "ip")
      replica.ip = text;
    else if (key == "port")
      replica.port = port_in(text);
    else if (key == "state")
      replica.state = text;
    else if (key == "offset")
      replica.offset = parse_uint64(text);
  }
  return replica;
}

void take_line(const Line& line, RedisInfo& info) {
  const auto& [key, value] = line;
  if (key == "role")
    info.role = role_named(value);
  else if (key == "run_id")
    info.run_id = value;
  else if (key == "master_replid")
    info.replid = value;
  else if (key == "master_replid2")
    info.replid2 = value.find_first_not_of('0') == std::string_view::npos ? "" : value;
  else if (key == "master_repl_offset")
    info.repl_offset = parse_uint64(value);
  else if (key == "second_repl_offset")
    info.second_offset = parse_uint64(value);
  else if (key == "slave_repl_offset")
    info.replica_offset = parse_uint64(value);
  else if (key == "master_host")
    info.master_host = value;
  else if (key == "master_port")
    info.master_port = port_in(value);
  else if (key == "master_link_status")
    info.link_up = value == "up";
  else if (key == "master_failover_state")
    info.failing_over = value != "no-failover";
  else if (key == "rdb_changes_since_last_save")
    info.changes = parse_uint64(value);
  else if (key == "server_time_usec") {
    const auto time = parse_uint64(value);
    if (time) info.server_time = wall_time(*time / 1'000'000, *time % 1'000'000);
  } else if (names_replica(key))
    info.replicas.push_back(read_replica(value));
}

void take_flags(std::string_view flags, SentinelMaster& master) {
  for (const std::string_view flag : split(flags, ',')) {
    if (flag == "s_down")
      master.subjectively_down = true;
    else if (flag == "o_down")
      master.objectively_down = true;
    else if (flag == "failover_in_progress")
      master.failing_over = true;
    else if (flag == "force_failover")
      master.forced = true;
  }
}

void take_field(std::string_view key, std::string_view value, SentinelMaster& master) {
  if (key == "name")
    master.name = value;
  else if (key == "ip")
    master.ip = value;
  else if (key == "port")
    master.port = port_in(value);
  else if (key == "runid")
    master.run_id = value;
  else if (key == "flags")
    take_flags(value, master);
  else if (key == "config-epoch")
    master.config_epoch = parse_uint64(value);
  else if (key == "quorum")
    master.quorum = parse_uint64(value);
  else if (key == "num-other-sentinels")
    master.other_sentinels = parse_uint64(value);
  else if (key == "down-after-milliseconds") {
    const auto milliseconds = parse_uint64(value);
    if (milliseconds && *milliseconds <= kMostSeconds * 1000)
      master.down_after = std::chrono::milliseconds(*milliseconds);
  }
}

}  // namespace

std::string_view error_code(const RespValue& reply) {
  if (!reply.is(Kind::error)) return {};
  return std::string_view(reply.text).substr(0, reply.text.find(' '));
}

Result<RedisRole> read_redis_role(const RespValue& reply) {
  if (!reply.is(Kind::array) || reply.items.empty() || !reply.items[0].is_text()) {
    return malformed("ROLE", "expected an array that starts with a word");
  }
  const auto role = role_named(reply.items[0].text);
  if (!role) return malformed("ROLE", fmt::format("unknown role '{}'", sanitize(reply.items[0].text, 40)));
  return *role;
}

Result<WallTime> read_redis_time(const RespValue& reply) {
  if (!reply.is(Kind::array) || reply.items.size() != 2) return malformed("TIME", "expected two numbers");
  const auto seconds = parse_uint64(reply.items[0].text);
  const auto microseconds = parse_uint64(reply.items[1].text);
  if (!seconds || !microseconds) return malformed("TIME", "expected two numbers");
  const auto time = wall_time(*seconds, *microseconds);
  if (!time) return malformed("TIME", "out of range");
  return *time;
}

void read_redis_info(std::string_view text, RedisInfo& into) {
  each_line(text, [&into](const Line& line) { take_line(line, into); });
  // A replica that has no master's state (never linked, or in a full resynchronization) writes 1, which is no
  // position.
  if (into.replica_offset && *into.replica_offset <= 1) into.replica_offset.reset();
}

Result<SentinelMaster> read_sentinel_master(const RespValue& reply) {
  if (!reply.is(Kind::array) || reply.items.size() % 2 != 0)
    return malformed("SENTINEL", "expected names with values");
  SentinelMaster master;
  for (std::size_t i = 0; i < reply.items.size(); i += 2)
    take_field(reply.items[i].text, reply.items[i + 1].text, master);
  if (master.name.empty() || master.ip.empty() || master.port == 0) {
    return malformed("SENTINEL", "a master without name, ip or port");
  }
  return master;
}

Result<std::vector<SentinelMaster>> read_sentinel_masters(const RespValue& reply) {
  if (!reply.is(Kind::array)) return malformed("SENTINEL MASTERS", "expected an array");
  std::vector<SentinelMaster> masters;
  for (const RespValue& item : reply.items) {
    auto master = read_sentinel_master(item);
    if (!master) return std::unexpected(master.error());
    masters.push_back(std::move(*master));
  }
  return masters;
}

std::optional<bool> read_sentinel_tilt(std::string_view info) {
  std::optional<bool> tilt;
  each_line(info, [&tilt](const Line& line) {
    if (line.key != "sentinel_tilt") return;
    if (line.value == "0") tilt = false;
    if (line.value == "1") tilt = true;
  });
  return tilt;
}

}  // namespace qw::wire
