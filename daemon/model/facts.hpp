#pragma once
#include <chrono>
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
  bool names_leader = true;   ///< false: whom it follows was not to be learnt (a right is missing)
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

enum class ConsumerState : std::uint8_t {
  unknown,
  stable,
  rebalancing,
  empty,  ///< it has commits and no member
  dead,   ///< its coordinator knows it no more
};

/// How far a consumer group has committed in one partition or queue.
struct Commit {
  std::int32_t partition = 0;
  std::uint64_t committed = 0;  ///< the next message that it will read
};

struct GroupTopic {
  std::string topic;
  std::vector<Commit> commits;         ///< by partition, each once
  std::vector<std::int32_t> assigned;  ///< partitions that a living member has; sorted
};

/// One consumer group, as its coordinator tells it. What the coordinator did not tell is not here: a group
/// whose commits could not be read is absent, and `unanswered` names the member that should have told them.
struct ConsumerGroup {
  std::string name;
  Asked asked;              ///< the commits; always before the ends of `TopicLog` (design.md, truth rule 6)
  std::string coordinator;  ///< the member that answered
  ConsumerState state = ConsumerState::unknown;
  std::optional<std::uint32_t> members;  ///< living ones; nothing: not told
  /// Of the members and what is assigned to them: another value means that a rebalance has passed. Nothing:
  /// not told.
  std::optional<std::uint64_t> generation;
  std::vector<GroupTopic> topics;
};

/// One partition (or queue), as its leader tells it.
struct PartitionLog {
  std::int32_t partition = 0;
  bool leaderless = false;
  std::optional<std::uint64_t> end;  ///< high watermark; nothing: its leader did not answer
  std::optional<std::uint64_t>
      stable_end;                      ///< what readers of committed messages can reach; nothing: not asked
  std::optional<std::uint64_t> start;  ///< the first message that is still there, when last asked
  Asked asked_end;
};

struct TopicLog {
  std::string topic;
  /// Another one means that the topic was deleted and made again. Empty: the system has none.
  std::string identity;
  std::optional<Nanoseconds> retention;  ///< nothing: unlimited or not told
  bool compacted = false;                ///< offsets are not messages: some are gone
  std::vector<PartitionLog> partitions;  ///< by partition, each once
};

/// "Which is the first message at or after `at`?" (probes that can not answer leave it unanswered).
struct OffsetQuestion {
  std::string topic;
  std::int32_t partition = 0;
  WallTime at;  ///< on the clock that stamps the messages
};

/// The answer. It is exact for the log as it was when it was asked.
struct OffsetAt {
  OffsetQuestion question;
  Asked asked;
  WallTime asked_wall;                  ///< our own clock when the question went out
  std::optional<std::uint64_t> offset;  ///< nothing: there is no message that young
  std::optional<WallTime> timestamp;    ///< of that message
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
  /// Which of several ways it took: an address and, where several source ports are used, the port's number
  /// among them ("10.0.0.1#3"). Empty: there is one way.
  std::string path = {};
  /// How long the member itself held the packet (STAMP: T3 - T2); not part of `value`. Nothing: not told.
  std::optional<Nanoseconds> held = std::nullopt;
  /// How much later than planned we sent it.
  std::optional<Nanoseconds> send_lag = std::nullopt;
};

/// What became of the packets that went one way to a member in one look.
struct PacketTrain {
  std::string member;
  std::string method;
  std::string path;  ///< as in RoundTrip
  Asked asked;       ///< the first packet, and the end of waiting for the last
  std::uint64_t sent = 0;
  std::uint64_t received = 0;  ///< of these, each once
  /// Of the lost ones, by direction; nothing where the method can not tell.
  std::optional<std::uint64_t> lost_forward, lost_backward;
  /// When the lost ones were sent, in that order, so that one interruption is told from many losses; empty
  /// where it is not known.
  std::vector<SteadyTime> lost_at = {};
  SteadyTime last_sent = {};  ///< when the last packet left; nothing is lost after that
  std::uint64_t duplicates = 0;
  std::uint64_t reordered = 0;
  std::uint64_t late = 0;          ///< answers to packets of earlier looks, counted as lost there
  std::uint64_t disturbed = 0;     ///< answers that a clock step or a stall of our own made useless
  bool extra = false;              ///< asked for by a signal (TrainQuestion), not by the schedule
  std::string degraded_from = {};  ///< the better method that was wanted and is not to be had; empty: none
};

/// "Send so many more packets to this member now": a signal has seen something suspicious.
struct TrainQuestion {
  std::string member;
  std::string method;
  std::uint32_t packets = 0;
};

/// A look at a member's clock. The offset lies within [remote_sent - local_received, remote + resolution -
/// local_sent], where remote_sent is `remote` when the member said only one time.
struct ClockReading {
  std::string member;
  std::string source;  ///< "redis_time", "http_date", "ntp", "stamp", ...
  Asked asked;
  WallTime local_sent;
  WallTime local_received;
  WallTime remote;           ///< what the member's clock said, truncated to its resolution
  Nanoseconds resolution{};  ///< 1 s for an HTTP Date, 1 us for Redis TIME
  /// What it said when its answer left (T3 of a four-timestamp exchange).
  std::optional<WallTime> remote_sent = std::nullopt;
};

/// What a member says of its own clock. Offsets are of its clock ahead of true time.
struct ClockState {
  std::string member;
  std::string source;  ///< "ntp", "chrony", "kernel", "stamp"
  Asked asked;
  std::optional<bool> synchronised;
  std::optional<Nanoseconds> offset;  ///< as it estimates it
  std::optional<Nanoseconds> bound;   ///< the truth lies within offset +- bound, as it claims
  std::optional<int> leap;            ///< a leap second to come: 1 inserted, -1 deleted, 0 none
  std::optional<std::uint32_t> stratum;
  std::optional<double> frequency_error;  ///< of its oscillator, in parts (1e-6 is 1 ppm)
};

/// The clocks of this machine at one instant: what tells a step from a slew and from a suspension.
struct LocalClocks {
  SteadyTime steady;       ///< CLOCK_MONOTONIC
  WallTime wall;           ///< CLOCK_REALTIME
  Nanoseconds boottime{};  ///< CLOCK_BOOTTIME; runs on while the machine is suspended
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

/// How much of the consumers is exported; from the target's configuration.
struct ConsumerDetail {
  std::uint32_t worst_partitions = 3;   ///< single partitions of a group and topic, besides those in trouble
  std::uint32_t series_limit = 20'000;  ///< for groups and partitions together; the rest is counted
  Nanoseconds window = std::chrono::minutes(1);  ///< over which a consumer is judged
  /// The names that kafka-lag-exporter gave its series, besides ours.
  bool kafka_lag_exporter_names = false;
};

/// What is known of the system itself, so that signals need no table of systems.
struct Traits {
  Fencing fencing = Fencing::unfenced;
  /// How long the system takes at least to notice a dead leader (etcd: election time-out).
  Nanoseconds failure_detection{};
  /// How long two claims are normal after a fail-over (etcd: two election time-outs; Sentinel: until it
  /// demotes the old one).
  Nanoseconds settling{};
  ConsumerDetail consumers = {};
  /// Of the consensus protocol, as read from the target or configured: what the round trip is held against.
  std::optional<Nanoseconds> election_timeout = std::nullopt;
  std::optional<Nanoseconds> heartbeat_interval = std::nullopt;
  /// Whom a clock offset hurts, by name of a profile ("cockroachdb"); empty: the default limits.
  std::string clock_profile = {};
};

/// All that one look at a target found out.
struct Facts {
  Traits traits;
  std::vector<LeadershipClaim> claims;
  std::vector<Membership> memberships;
  std::vector<ReplicaPosition> positions;
  std::vector<ConsumerGroup> groups;
  std::vector<TopicLog> topics;
  std::vector<OffsetAt> offsets;
  std::vector<RoundTrip> round_trips;
  std::vector<PacketTrain> trains;
  std::vector<ClockReading> clocks;
  std::vector<ClockState> clock_states;
  std::vector<LocalClocks> local_clocks;
  std::vector<Reading> readings;
  std::vector<Unanswered> unanswered;

  /// Appends what `other` found out; the traits stay.
  void append(Facts&& other);
};

}  // namespace qw
