#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/systems/postgres_connection.hpp"

/// From rows to what a server said, without I/O: which statements are asked, and what their answers mean.
namespace qw::probes {

/// The connection over which a standby receives, as the standby tells.
struct PostgresReceiver {
  std::string status;  ///< "streaming" when all is well
  std::optional<std::uint64_t> timeline;
  std::string sender_host;
  std::uint16_t sender_port = 0;
  std::optional<Nanoseconds> silent_for;  ///< since the last message, on the standby's own clock
};

/// One receiver, as the server tells that sends to it.
struct PostgresSender {
  std::string application;
  std::string address;  ///< of the receiver; empty: a Unix socket
  std::string state;    ///< "streaming", "catchup", "startup", "backup", "stopping"
  bool synchronous = false;
  std::optional<std::uint64_t> replayed;
  std::string replied;  ///< when it last replied, by its own clock; another text means another reply
};

struct PostgresSlot {
  std::string name;
  bool active = false;
  std::optional<bool> lost;  ///< what it should have retained is gone; 12 does not tell
  std::optional<std::uint64_t> retained;
};

/// What a server said of itself. Parts that its role may not see are in `hidden`.
struct PostgresSaid {
  std::string member;
  Asked pinged;  ///< until it answered before any work: the round trip
  Asked asked;   ///< until it had told its role
  WallTime sent_wall;
  WallTime received_wall;

  bool in_recovery = false;
  bool read_only = false;  ///< a primary that the whole server's configuration keeps from writing
  std::optional<std::uint64_t> written, received, replayed;
  std::optional<std::uint64_t> timeline;  ///< of a primary: in which it writes
  std::uint64_t started = 0;              ///< the process, in microseconds: not the one of before a restart
  std::optional<WallTime> clock;
  bool wants_synchronous = false;
  std::optional<bool> replay_paused;
  Nanoseconds receiver_timeout{};  ///< the receiver asks for a message at half of it; 0: never
  Nanoseconds status_interval{};   ///< a standby's receiver replies at least so often; 0: only when asked
  bool may_replicate = false, may_read_files = false;

  std::string system;                           ///< its identifier; empty: hidden
  std::optional<std::uint64_t> known_timeline;  ///< of its last checkpoint or recovery: it may be an old one
  std::optional<PostgresReceiver> receiver;
  std::vector<PostgresSender> senders;
  std::vector<PostgresSlot> slots;
  std::vector<std::string_view> hidden;  ///< "identity", "receiver", "senders", "slots"
  bool told_all = false;                 ///< senders and slots were asked too

  bool hides(std::string_view part) const;
};

/// The statements of a look; the first ones are those of postgres_second_look.
std::vector<std::string> postgres_statements(int server_version, Nanoseconds time_left);
/// Only the role, the identity and the receiver.
std::vector<std::string> postgres_second_look(int server_version, Nanoseconds time_left);

/// The answers to either list. Errors: what the server must tell and does not.
Result<PostgresSaid> read_postgres(const std::string& member, const PostgresExchange& exchange);

}  // namespace qw::probes
