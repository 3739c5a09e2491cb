#include "probes/signals/replication.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "probes/signals/position_history.hpp"

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kSeconds{"quorumwatch_replication_lag_seconds", gauge,
                                "How long ago the leader went beyond what the replica has, by our own "
                                "history of the leader's positions; grows while the "
                                "replica is cut off or the leader can not be asked.",
                                "member"};
constexpr MetricFamily kLowerBound{
    "quorumwatch_replication_lag_is_lower_bound", gauge,
    "Whether the lag in seconds is only known to be at least as long, because it began before our history, "
    "or while the leader could not be asked.",
    "member"};
constexpr MetricFamily kBytes{
    "quorumwatch_replication_lag_bytes", gauge,
    "What the leader has written and the replica has not; absent while the leader can not be asked.",
    "member"};
constexpr MetricFamily kEntries{
    "quorumwatch_replication_lag_entries", gauge,
    "Log entries that the leader has and the replica has not; absent while the leader can not be asked.",
    "member"};
constexpr MetricFamily kLinkUp{"quorumwatch_replication_link_up", gauge,
                               "Whether the replica's link to its leader is up; absent when nobody says.",
                               "member"};
constexpr const MetricFamily* kFamilies[] = {&kSeconds, &kLowerBound, &kBytes, &kEntries, &kLinkUp};

// Names and lineages come from the network too: beyond these numbers, those of earlier rounds are forgotten.
constexpr std::size_t kMostHistories = 8;
constexpr std::size_t kMostReplicas = 256;

/// What a member's own word, or the leader's about it, tells about a member.
struct Standpoint {
  std::string member;
  std::optional<ReplicaPosition> own, reported;
  bool own_now = false, reported_now = false;  ///< of this round
  /// It had all that its leader had written until then, when it was last known to be linked.
  std::optional<SteadyTime> complete_until;
  /// Its link has been down in every round since then.
  std::optional<SteadyTime> down_since;

  const ReplicaPosition* position() const {
    if (own_now && own->role != Role::unknown) return &*own;
    if (reported_now) return &*reported;
    return nullptr;
  }
  bool leads() const { return own_now && own->role == Role::leader; }
  Link link() const {
    if (own_now && own->link != Link::unknown) return own->link;
    return reported_now ? reported->link : Link::unknown;
  }
  bool linked() const { return link() != Link::down; }

  /// A replica that is linked has in full what the leader did not go beyond while we watched. Of one that is
  /// not, its position says that it was linked when the leader came there.
  void learn_completeness(const PositionHistory& past, const std::optional<PositionHistory::Passed>& passed) {
    auto until = past.reached(position()->position);
    if (linked() && !passed) until = past.last()->at;
    if (linked() && passed && !passed->at_latest) until = passed->at;
    complete_until = std::max(complete_until, until);
  }
  void learn_link() {
    if (linked()) {
      down_since.reset();
    } else if (!down_since) {
      down_since = position()->asked.received;
    }
  }
};

/// One history, as the member that leads in it tells.
struct History {
  std::string lineage;
  std::optional<Fork> forked_from;
  PositionHistory past;
  /// The furthest position of a leader in this round; nothing: none could be asked.
  struct Now {
    Asked asked;
    std::uint64_t position;
  };
  std::optional<Now> now;
  bool interrupted = false;  ///< since the last point there was a round without a leader
};

struct Lag {
  Nanoseconds age{};
  bool at_least = false;
  std::optional<std::uint64_t> distance;
};

SteadyTime middle(const Asked& asked) {
  return asked.sent + (asked.received - asked.sent) / 2;
}

}  // namespace

struct Replication::State {
  std::vector<Standpoint> members;
  std::vector<History> histories;
  std::size_t next = 0;

  Standpoint& look_up(std::string_view member);
  History& history_of(const ReplicaPosition& leader);
  void follow_leaders();
  const History* find_history(const ReplicaPosition& replica) const;
  std::optional<Lag> measure(Standpoint& member, SteadyTime now) const;
};

Replication::Replication() : state_(std::make_unique<State>()) {}
Replication::~Replication() = default;
Replication::Replication(Replication&&) noexcept = default;
Replication& Replication::operator=(Replication&&) noexcept = default;

void Replication::begin() {
  auto& members = state_->members;
  if (members.size() > kMostReplicas) {
    std::erase_if(members, [](const Standpoint& m) { return !m.own_now && !m.reported_now; });
  }
  for (auto& member : members) {
    if (!member.own_now && !member.reported_now) member.down_since.reset();
    member.own_now = member.reported_now = false;
  }
  for (auto& history : state_->histories) {
    history.interrupted |= !history.now;
    history.now.reset();
  }
  state_->next = 0;
}

void Replication::observe(const Facts& facts) {
  for (const auto& position : facts.positions) {
    auto& member = state_->look_up(position.member);
    const bool own = position.reported_by == position.member;
    auto& known = own ? member.own : member.reported;
    if (known && position.asked.sent < known->asked.sent) continue;  // overtaken
    known = position;
    (own ? member.own_now : member.reported_now) = true;
  }
}

void Replication::keep_only(const MemberNames& members) {
  std::erase_if(state_->members, [&](const Standpoint& one) { return !members.contains(one.member); });
  state_->next = 0;
}

void Replication::report(SteadyTime now, Samples& out) {
  state_->follow_leaders();
  for (auto& member : state_->members) {
    const auto* position = member.position();
    if (!position || member.leads()) {
      member.down_since.reset();
      continue;
    }
    if (const auto link = member.link(); link != Link::unknown) {
      out.add(kLinkUp, link == Link::up ? 1 : 0, {{"member", member.member}});
    }
    member.learn_link();
    const auto lag = state_->measure(member, now);
    if (!lag) continue;
    out.add(kSeconds, seconds(lag->age), {{"member", member.member}});
    out.add(kLowerBound, lag->at_least ? 1 : 0, {{"member", member.member}});
    if (!lag->distance) continue;
    const auto& family = position->unit == PositionUnit::bytes ? kBytes : kEntries;
    out.add(family, static_cast<double>(*lag->distance), {{"member", member.member}});
  }
}

std::optional<std::uint64_t> Replication::diverged(std::string_view member, std::string_view survivor) const {
  const auto find = [this](std::string_view name) -> const ReplicaPosition* {
    const auto found = std::ranges::find(state_->members, name, &Standpoint::member);
    return found != state_->members.end() && found->own ? &*found->own : nullptr;
  };
  const auto* lost = find(member);
  const auto* kept = find(survivor);
  if (!lost || !kept || !kept->forked_from || kept->forked_from->lineage != lost->lineage)
    return std::nullopt;
  const auto common = kept->forked_from->position;
  const auto end = std::min(lost->position, lost->data_until.value_or(lost->position));
  return end > common ? end - common : 0;
}

Standpoint& Replication::State::look_up(std::string_view member) {
  for (std::size_t tried = 0; tried < members.size(); ++tried, ++next) {
    if (next >= members.size()) next = 0;
    if (members[next].member == member) return members[next++];
  }
  next = 0;
  return members.emplace_back(Standpoint{
      .member = std::string(member), .own = {}, .reported = {}, .complete_until = {}, .down_since = {}});
}

// A history that left another one begins with that one's past.
History& Replication::State::history_of(const ReplicaPosition& leader) {
  const auto found = std::ranges::find(histories, leader.lineage, &History::lineage);
  if (found != histories.end()) return *found;
  if (histories.size() == kMostHistories) histories.erase(histories.begin());
  History history{.lineage = leader.lineage, .forked_from = leader.forked_from, .past = {}, .now = {}};
  if (leader.forked_from) {
    const auto from = std::ranges::find(histories, leader.forked_from->lineage, &History::lineage);
    if (from != histories.end()) {
      history.past.inherit(from->past, leader.forked_from->position);
      history.interrupted = from->interrupted;
    }
  }
  return histories.emplace_back(std::move(history));
}

void Replication::State::follow_leaders() {
  for (const auto& member : members) {
    if (!member.leads()) continue;
    auto& history = history_of(*member.own);
    if (!history.now || member.own->position > history.now->position) {
      history.now = History::Now{member.own->asked, member.own->position};
    }
  }
  // A point that bounds dates instead of giving them counts from when the answer was there.
  for (auto& [lineage, forked_from, past, now, interrupted] : histories) {
    if (!now) continue;
    if (interrupted) {
      past.add_after_gap(now->asked.received, now->position);
    } else {
      past.add(past.last() ? middle(now->asked) : now->asked.received, now->position);
    }
    interrupted = false;
  }
  // A leader has all that was written, should it be a replica tomorrow; unless another one has written more.
  for (auto& member : members) {
    if (!member.leads()) continue;
    const auto& furthest = history_of(*member.own).now;
    if (member.own->position == furthest->position) member.complete_until = middle(furthest->asked);
  }
}

// The history that the replica's position counts in: its own lineage, if somebody leads in it; else one that
// left that lineage where the replica has not passed the fork.
const History* Replication::State::find_history(const ReplicaPosition& replica) const {
  const History* asleep = nullptr;
  for (const auto& history : histories) {
    if (history.lineage != replica.lineage) continue;
    if (history.now) return &history;
    asleep = &history;
  }
  for (const auto& history : histories) {
    const auto& fork = history.forked_from;
    if (!history.now || !fork || fork->lineage != replica.lineage) continue;
    return replica.position <= fork->position ? &history : nullptr;
  }
  return asleep;
}

std::optional<Lag> Replication::State::measure(Standpoint& member, SteadyTime now) const {
  const auto& replica = *member.position();
  const auto* history = find_history(replica);
  if (!history || !history->past.last()) return std::nullopt;

  Lag lag;
  const auto passed = history->past.passed(replica.position);
  if (history->now) {
    lag.distance = history->now->position - std::min(history->now->position, replica.position);
    if (passed) {
      const auto asked = passed->at_latest ? replica.asked.sent : replica.asked.received;
      lag.age = std::max(Nanoseconds{}, Nanoseconds(asked - passed->at));
      lag.at_least = passed->at_latest;
    }
  }
  member.learn_completeness(history->past, passed);
  if (member.linked() && history->now) return lag;

  // Of who was never seen complete, only that is known for which it was seen cut off or behind.
  auto since = member.complete_until;
  if (!since && passed && passed->at_latest) since = passed->at;
  if (!member.complete_until && member.down_since)
    since = since ? std::min(*since, *member.down_since) : *member.down_since;
  if (since && now - *since > lag.age) {
    lag.age = now - *since;
    lag.at_least = !member.complete_until;
  }
  return lag;
}

std::span<const MetricFamily* const> Replication::families() {
  return kFamilies;
}

}  // namespace qw::signals
