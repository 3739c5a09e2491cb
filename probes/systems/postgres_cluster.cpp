#include "probes/systems/postgres_cluster.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace qw::probes {

const MetricFamily kPostgresReadOnly{
    "quorumwatch_postgres_read_only", MetricType::gauge,
    "Whether a primary is kept from writing by default_transaction_read_only "
    "in the server's configuration.",
    "member"};
const MetricFamily kPostgresReplayPaused{"quorumwatch_postgres_replay_paused", MetricType::gauge,
                                         "Whether a standby was told to pause its replay.", "member"};
const MetricFamily kPostgresSynchronous{
    "quorumwatch_postgres_synchronous_standbys", MetricType::gauge,
    "Streaming standbys that commits wait for; 0: commits hang. Absent where none are asked for.", "member"};
const MetricFamily kPostgresSlotActive{"quorumwatch_postgres_slot_active", MetricType::gauge,
                                       "Whether somebody receives from the replication slot.", "member slot"};
const MetricFamily kPostgresSlotRetained{"quorumwatch_postgres_slot_retained_bytes", MetricType::gauge,
                                         "Write-ahead log that the server keeps for the replication slot.",
                                         "member slot"};
const MetricFamily kPostgresSlotLost{
    "quorumwatch_postgres_slot_lost", MetricType::gauge,
    "Whether log that the replication slot needs is gone (max_slot_wal_keep_size).", "member slot"};
const MetricFamily kPostgresHidden{"quorumwatch_postgres_hidden", MetricType::gauge,
                                   "A part that the role may not see: identity, receiver, senders, slots, or "
                                   "history (where a timeline left its parent).",
                                   "member part"};

namespace {

constexpr Nanoseconds kHistoryPause = std::chrono::seconds(30);
constexpr std::size_t kMostHistories = 64;

std::string lineage(const std::string& system, std::uint64_t timeline) {
  return fmt::format("{}/{}", system, timeline);
}

}  // namespace

PostgresCluster::PostgresCluster(const std::vector<net::HostPort>& members) : names_(members) {
  for (const auto& member : members) members_.insert(member.print());
}

void PostgresCluster::inherit(const PostgresCluster& before) {
  links_ = before.links_;
  histories_ = before.histories_;
  standbys_ = before.standbys_;
  leading_ = before.leading_;
  const auto is_gone = [this](const auto& one) { return !members_.contains(one.first); };
  std::erase_if(standbys_, is_gone);
  std::erase_if(leading_, is_gone);
}

std::optional<std::uint32_t> PostgresCluster::wants_history(const PostgresSaid& said, SteadyTime now) const {
  const bool may = said.may_replicate || said.may_read_files;
  if (said.in_recovery || said.system.empty() || !may || *said.timeline < 2) return std::nullopt;
  const auto known = histories_.find({said.system, *said.timeline});
  const bool wanted =
      known == histories_.end() || (known->second.failed && now - *known->second.failed > kHistoryPause);
  return wanted ? std::optional(static_cast<std::uint32_t>(*said.timeline)) : std::nullopt;
}

void PostgresCluster::learn_history(const PostgresSaid& said, SteadyTime now,
                                    const Result<std::vector<wire::TimelineSwitch>>& history) {
  if (histories_.size() >= kMostHistories) histories_.clear();
  auto& known = histories_[{said.system, *said.timeline}];
  known.failed = history ? std::nullopt : std::optional(now);
  if (history) known.switches = *history;
}

Facts PostgresCluster::read(const std::vector<PostgresOutcome>& outcomes) {
  Facts facts;
  for (const auto& outcome : outcomes) {
    if (outcome.said) continue;
    // Only of a primary is being told to end a hand-over.
    if (outcome.ended_in_order && leading_.contains(outcome.member)) {
      LeadershipClaim claim;
      claim.member = outcome.member;
      claim.asked = outcome.asked;
      claim.votes = false;
      claim.handing_over = true;
      facts.claims.push_back(std::move(claim));
    }
    facts.unanswered.push_back({outcome.member, outcome.asked, outcome.said.error()});
  }
  learn(outcomes);
  for (const auto& outcome : outcomes) {
    if (!outcome.said) continue;
    const PostgresSaid& said = *outcome.said;
    add_claim(said, facts);
    add_position(said, facts);
    add_senders(said, facts);
    add_readings(said, facts);
    facts.round_trips.push_back({.member = said.member,
                                 .method = "postgres",
                                 .asked = said.pinged,
                                 .value = said.pinged.received - said.pinged.sent,
                                 .error = {}});
    if (!said.clock) continue;
    facts.clocks.push_back({.member = said.member,
                            .source = "postgres",
                            .asked = said.asked,
                            .local_sent = said.sent_wall,
                            .local_received = said.received_wall,
                            .remote = *said.clock,
                            .resolution = std::chrono::microseconds(1)});
  }
  return facts;
}

void PostgresCluster::learn(const std::vector<PostgresOutcome>& outcomes) {
  for (const auto& outcome : outcomes) {
    names_.learn(outcome.member, outcome.peer);
    if (!outcome.said) continue;
    const PostgresSaid& said = *outcome.said;
    if (said.in_recovery) {
      leading_.erase(said.member);
    } else {
      leading_[said.member] = {said.system, *said.timeline};
    }
    links_.learn(said);
    if (said.receiver && said.receiver->timeline) {
      standbys_[said.member] = {said.started, *said.receiver->timeline};
    }
  }
  for (const auto& outcome : outcomes) {
    if (outcome.said) links_.learn(*outcome.said, names_);
  }
}

// What takes no writes leads nobody, even where it has not given its office up.
void PostgresCluster::add_claim(const PostgresSaid& said, Facts& into) const {
  LeadershipClaim claim;
  claim.member = said.member;
  claim.asked = said.asked;
  claim.claim = said.in_recovery || said.read_only ? Claim::not_leader : Claim::leader;
  claim.votes = false;
  claim.tenure.lineage = said.system;
  if (!said.in_recovery) {
    claim.tenure.epoch = said.timeline;
    // A server that ended and came back as a primary may have had another one in between.
    claim.tenure.token = std::to_string(said.started);
  } else if (said.receiver) {
    claim.tenure.epoch = said.receiver->timeline;
    if (!said.receiver->sender_host.empty()) {
      claim.follows = names_.sender(said.receiver->sender_host, said.receiver->sender_port);
    }
  }
  into.claims.push_back(std::move(claim));
}

void PostgresCluster::add_position(const PostgresSaid& said, Facts& into) const {
  ReplicaPosition position;
  position.member = position.reported_by = said.member;
  position.asked = said.asked;
  position.role = said.in_recovery ? Role::replica : Role::leader;
  auto timeline = said.timeline;
  if (said.in_recovery) {
    const auto known = standbys_.find(said.member);
    const bool same = known != standbys_.end() && known->second.started == said.started;
    timeline = same ? std::optional(known->second.timeline) : said.known_timeline;
    position.link = links_.link_of(said, names_);
  } else {
    position.forked_from = fork_of(said);
  }
  const auto reached = said.in_recovery ? said.replayed : said.written;
  if (!reached || !timeline) return;
  position.position = *reached;
  position.lineage = lineage(said.system, *timeline);
  into.positions.push_back(std::move(position));
}

/// What a primary says of its replicas. One that is not a member has the name that it gave itself.
void PostgresCluster::add_senders(const PostgresSaid& said, Facts& into) const {
  if (said.in_recovery) return;
  std::set<std::string> named;
  for (const auto& sender : said.senders) {
    if (!is_replica(sender)) continue;
    const auto member = names_.receiver(sender.address);
    std::string name = member.value_or(sender.application);
    if (!member && named.contains(name)) name += "@" + sender.address;
    if (name.empty() || name == said.member || !named.insert(name).second) continue;
    const bool flows = sender.state == "streaming" || sender.state == "catchup";
    ReplicaPosition position;
    position.member = std::move(name);
    position.reported_by = said.member;
    position.asked = said.asked;
    position.role = Role::replica;
    position.lineage = lineage(said.system, *said.timeline);
    position.position = *sender.replayed;
    position.link = member ? links_.seen_by(said.member, *member) : (flows ? Link::up : Link::down);
    into.positions.push_back(std::move(position));
  }
}

void PostgresCluster::add_readings(const PostgresSaid& said, Facts& into) const {
  using Label = std::pair<std::string, std::string>;
  const auto add = [&](const MetricFamily& family, double value, const std::optional<Label>& label = {}) {
    Reading reading{.family = &family, .labels = {{"member", said.member}}, .value = value};
    if (label) reading.labels.push_back(*label);
    into.readings.push_back(std::move(reading));
  };
  if (!said.in_recovery) add(kPostgresReadOnly, said.read_only ? 1 : 0);
  if (said.replay_paused) add(kPostgresReplayPaused, *said.replay_paused ? 1 : 0);
  if (!said.told_all) return;
  if (!said.in_recovery && said.wants_synchronous && !said.hides("senders")) {
    const auto waited_for = std::ranges::count_if(said.senders, [](const PostgresSender& sender) {
      return sender.synchronous && sender.state == "streaming";
    });
    add(kPostgresSynchronous, static_cast<double>(waited_for));
  }
  for (const auto& slot : said.slots) {
    const Label label{"slot", slot.name};
    add(kPostgresSlotActive, slot.active ? 1 : 0, label);
    if (slot.lost) add(kPostgresSlotLost, *slot.lost ? 1 : 0, label);
    if (slot.retained) add(kPostgresSlotRetained, static_cast<double>(*slot.retained), label);
  }
  for (const auto part : said.hidden) add(kPostgresHidden, 1, Label{"part", part});
  const auto history = said.in_recovery ? histories_.end() : histories_.find({said.system, *said.timeline});
  const bool untold = !said.in_recovery && *said.timeline > 1 &&
                      (history == histories_.end() || history->second.switches.empty());
  if (untold) add(kPostgresHidden, 1, Label{"part", "history"});
}

/// Where its history left that of another primary; where there is no other, where it left its parent's.
std::optional<Fork> PostgresCluster::fork_of(const PostgresSaid& leader) const {
  const auto history = histories_.find({leader.system, *leader.timeline});
  if (history == histories_.end() || history->second.switches.empty()) return std::nullopt;
  const auto& switches = history->second.switches;
  const auto* chosen = &switches.back();
  for (const auto& one : switches) {
    const Timeline left{leader.system, one.timeline};
    const bool leads = std::ranges::any_of(leading_, [&](const auto& other) { return other.second == left; });
    if (leads) chosen = &one;
  }
  return Fork{.lineage = lineage(leader.system, chosen->timeline), .position = chosen->position};
}

}  // namespace qw::probes
