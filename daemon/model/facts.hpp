#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/base/time.hpp"
#include "daemon/model/metric.hpp"

/// Facts: what members said, and when. Plain values that know no protocol. A fact is never a judgement:
/// whether two claims are a split brain, or a position is a lag, is for the signals (probes/signals).
///
/// `member` is always the name under which the member is configured (for example "10.0.0.1:2379"), so that
/// labels never change with what a member says of itself. A member that was not configured but that others
/// speak of has the name that they give it.
namespace qw {

/// When a question went out and when its whole answer was there, on our own monotonic clock. What the answer
/// says was true at some instant in between; nobody knows at which (an answer can wait for seconds in the
/// socket of a stopped process).
struct Asked {
  SteadyTime sent;
  SteadyTime received;
};

enum class Claim : std::uint8_t {
  unknown,  ///< it answered, but does not know or does not say ("not serving")
  not_leader,
  leader,
};

/// One uninterrupted time in office. A member can not lose the leadership and gain it again within the same
/// tenure: that is what makes the proof of an overlap possible (design.md, truth rule 4).
struct Tenure {
  /// The identity of the cluster as the member knows it (etcd: cluster id; PostgreSQL: system identifier).
  /// Epochs of different lineages can not be compared. Empty: the system has no such identity.
  std::string lineage;
  /// The true epoch (raft term, config epoch, timeline); nothing where the member does not know one.
  std::optional<std::uint64_t> epoch;
  /// Tells tenures apart where the system counts no epoch: Redis "runid/replid". Empty elsewhere.
  std::string token;
  bool operator==(const Tenure&) const = default;
};

/// What one member says about who leads.
struct LeadershipClaim {
  std::string member;
  Asked asked;
  Claim claim = Claim::unknown;
  Tenure tenure;
  /// Whom the member itself follows or names as leader; nothing when it names nobody.
  std::optional<std::string> follows;
  bool votes = true;          ///< its vote counts for the quorum (false: learner, Redis data node)
  bool may_lead = true;       ///< it can become leader (false: learner, Sentinel)
  bool campaigning = false;   ///< it is standing for election
  bool handing_over = false;  ///< it says that it is passing the leadership on, as it was told to
};

/// The members that one member counts, by its own configuration.
struct Membership {
  std::string member;  ///< who says so
  Asked asked;
  std::string lineage;
  unsigned voters = 0;
  unsigned learners = 0;
};

enum class Role : std::uint8_t { unknown, leader, replica };
enum class Link : std::uint8_t { unknown, up, down };
enum class PositionUnit : std::uint8_t { bytes, entries };

/// The point at which this history left another one: up to `position` both are the same.
struct Fork {
  std::string lineage;
  std::uint64_t position = 0;
};

/// How far a member has got in a history.
struct ReplicaPosition {
  std::string member;
  std::string reported_by;  ///< who says so: the member itself, or the leader about it
  Asked asked;
  Role role = Role::unknown;
  /// The history that the position counts in (Redis: replid; PostgreSQL: system identifier and timeline).
  std::string lineage;
  std::uint64_t position = 0;
  PositionUnit unit = PositionUnit::bytes;
  /// Beyond this the history holds nothing but the system's own traffic (Sentinels' greetings on Redis), so
  /// that no data is lost with it; nothing: all of it may be data.
  std::optional<std::uint64_t> data_until = std::nullopt;
  Link link = Link::unknown;  ///< of the replica to its leader
  std::optional<Fork> forked_from;
};

enum class ConsumerState : std::uint8_t { unknown, stable, rebalancing, empty, dead };

/// How far a consumer group has got in one partition or queue.
struct ConsumerPosition {
  std::string consumer_group;
  std::string topic;
  std::int32_t partition = 0;
  Asked asked_commit;  ///< always before asked_end (design.md, truth rule 6)
  Asked asked_end;
  std::optional<std::uint64_t> committed;
  std::optional<std::uint64_t> end;
  std::optional<std::uint64_t> start;
  ConsumerState state = ConsumerState::unknown;
  std::optional<std::string> assigned_to;
};

/// One measured round trip to a member.
struct RoundTrip {
  std::string member;
  std::string method;  ///< "http", "redis", "stamp", "icmp", "tcp_info"
  Asked asked;
  Nanoseconds value{};
  /// How much of the value may be ours or the peer's rather than the network's; nothing where it is not
  /// known.
  std::optional<Nanoseconds> error;
};

/// A look at a member's clock. The offset lies within [remote - local_received, remote + resolution -
/// local_sent].
struct ClockReading {
  std::string member;
  std::string source;  ///< "redis_time", "http_date", "ntp", ...
  Asked asked;
  WallTime local_sent;
  WallTime local_received;
  WallTime remote;           ///< what the member's clock said, truncated to its resolution
  Nanoseconds resolution{};  ///< 1 s for an HTTP Date, 1 us for Redis TIME
};

/// A number of one system that no signal judges (an alarm raised, a Sentinel in tilt); exported as it is.
struct Reading {
  const MetricFamily* family;
  std::vector<std::pair<std::string, std::string>> labels;  ///< besides system and target
  double value = 0;
};

/// A member that could not be asked, and why. Unknown is a state: its claim is not "not leader".
struct Unanswered {
  std::string member;
  Asked asked;
  Error error;
};

enum class Fencing : std::uint8_t {
  fenced,    ///< a deposed leader can not commit (raft, zab): harmless to the data
  unfenced,  ///< every leader takes writes (PostgreSQL, Redis): a second one loses data
};

/// What is known of the system itself, so that signals need no table of systems.
struct Traits {
  Fencing fencing = Fencing::unfenced;
  /// How long the system takes at least to notice a dead leader (etcd: election time-out).
  Nanoseconds failure_detection{};
  /// How long two claims are normal after a fail-over (etcd: two election time-outs; Sentinel: until it
  /// demotes the old one).
  Nanoseconds settling{};
};

/// All that one look at a target found out.
struct Facts {
  Traits traits;
  std::vector<LeadershipClaim> claims;
  std::vector<Membership> memberships;
  std::vector<ReplicaPosition> positions;
  std::vector<ConsumerPosition> consumers;
  std::vector<RoundTrip> round_trips;
  std::vector<ClockReading> clocks;
  std::vector<Reading> readings;
  std::vector<Unanswered> unanswered;

  /// Appends what `other` found out; the traits stay.
  void append(Facts&& other);
};

}  // namespace qw
