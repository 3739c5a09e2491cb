#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"

/// What etcd 3.4 to 3.7 answers over HTTP, read without trust: at most 1 MiB, 32 levels and 1,024 entries a
/// list; unknown fields are ignored, a malformed known one is ErrorKind::protocol. Formats:
/// facts/leadership-and-replication.md 2 and facts/servers-more.md. No I/O here.
namespace qw::wire {

/// The state of one member in raft (`raftState`).
enum class EtcdState : std::uint8_t { follower, pre_candidate, candidate, leader };

/// How a leader sends to one peer (`state` of its progress); `unknown` for words of a later version.
enum class EtcdSending : std::uint8_t { unknown, probe, replicate, snapshot };

/// What the leader knows of one member's log; there is an entry for the leader itself too.
struct EtcdProgress {
  std::uint64_t id = 0;
  std::uint64_t match = 0;  ///< the last entry that is known to be there
  EtcdSending sending = EtcdSending::unknown;
};

/// `raft.status` of GET /debug/vars: raft's own, atomic view, and the only place that tells the true term.
/// Ids are hex there.
struct EtcdVars {
  std::uint64_t id = 0;
  std::uint64_t term = 0;
  std::uint64_t commit = 0;
  std::uint64_t applied = 0;
  std::uint64_t lead = 0;             ///< 0: names no leader
  std::uint64_t lead_transferee = 0;  ///< 0: no transfer is under way
  EtcdState state = EtcdState::follower;
  std::vector<EtcdProgress> progress;  ///< empty but on the leader
  /// The process' command line was shown, and no configuration file makes etcd ignore it.
  bool flags_count = false;
  /// --election-timeout and --heartbeat-interval on it; nothing when they are not there.
  std::optional<Nanoseconds> election_timeout;
  std::optional<Nanoseconds> heartbeat_interval;
};
Result<EtcdVars> parse_etcd_vars(std::string_view body);

struct EtcdAlarm {
  std::uint64_t member_id = 0;
  std::string alarm;  ///< "NOSPACE", "CORRUPT"
};

/// POST /v3/maintenance/status. Numbers are decimal strings, zero fields are left out.
struct EtcdStatus {
  std::uint64_t cluster_id = 0;
  std::uint64_t member_id = 0;
  std::string version;
  std::uint64_t leader = 0;  ///< 0: names no leader
  std::uint64_t commit = 0;  ///< raftIndex
  /// The term of the last *applied* entry: a lower bound of the true term (facts/servers-more.md, etcd
  /// traps).
  std::uint64_t applied_term = 0;
  bool learner = false;
  /// Of the whole cluster, from `errors`. Asking /v3/maintenance/alarm would say the same, but appends a raft
  /// entry each time.
  std::vector<EtcdAlarm> alarms;
};
Result<EtcdStatus> parse_etcd_status(std::string_view body);

struct EtcdMember {
  std::uint64_t id = 0;
  std::vector<std::string> client_urls;  ///< empty before its first start
  bool learner = false;
};

/// POST /v3/cluster/member/list.
struct EtcdMembers {
  std::uint64_t cluster_id = 0;
  std::uint64_t member_id = 0;  ///< who answers
  std::vector<EtcdMember> members;
};
Result<EtcdMembers> parse_etcd_members(std::string_view body);

/// The body of POST /v3/auth/authenticate, and the token in its reply.
std::string make_etcd_login(std::string_view name, std::string_view password);
Result<std::string> parse_etcd_token(std::string_view body);

/// Why a reply that is not 200 refuses: `rejected` where rights, names or passwords are the matter, else
/// `protocol`. The text is etcd's own where there is one, made harmless for logs.
Error read_etcd_refusal(unsigned status, std::string_view body);

}  // namespace qw::wire
