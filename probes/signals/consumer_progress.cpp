#include "probes/signals/consumer_progress.hpp"

#include <algorithm>
#include <limits>

#include "probes/signals/consumer_status.hpp"

namespace qw::signals {
namespace {

// Until enough commits were seen: clients commit every 5 s by default, and looks are some seconds apart.
constexpr Nanoseconds kFirstGap = std::chrono::seconds(3);
constexpr std::uint16_t kEnoughMoves = 16;
// A share of what comes in; who reads less than the rest falls behind.
constexpr std::uint64_t kClearly = 5;

template <class T>
void count_up(T& counter) {
  if (counter < std::numeric_limits<T>::max()) ++counter;
}

std::uint32_t saturated(std::uint64_t value) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(value, std::numeric_limits<std::uint32_t>::max()));
}

bool told_now(const PartitionState* log, std::uint32_t round) {
  return log && log->has_end && log->round == round;
}

/// Follows one partition of a consumer from one look to the next.
class Step {
 public:
  Step(Group& group, Consumer& consumer, std::uint32_t round)
      : group_(group), consumer_(consumer), round_(round) {}

  void take(Place& place, std::uint64_t committed) {
    const auto now = group_.asked.received;
    auto* log = consumer_.log ? consumer_.log->find(place.partition) : nullptr;
    const bool first = !place.has_commit || (log && log->disturbed && consumer_.log->recreated);
    const auto before = place.committed;
    const auto lag_before = place.lag;
    place.has_commit = true;
    place.committed = committed;
    if (first || (log && (log->disturbed || place.position(*log) != place.oldest_unread)))
      place.dated = false;
    measure(place, log);
    if (first) {
      place.looks = place.frozen_looks = place.growing_looks = 0;
      place.moved = place.frozen_until = now;
      place.lost_until = committed;
      place.rewound = place.lost = false;
    } else {
      move(place, before, lag_before, now);
    }
    count_up(place.looks);
    if (log && told_now(log, round_)) count_lost(place, *log, now);
  }
  /// After all places: what this look says of the consumer's habits.
  void learn(Nanoseconds window) {
    if (moved_) consumer_.learn_gap(std::min(longest_, window / 2), in_trouble_);
  }

 private:
  void measure(Place& place, const PartitionState* log) {
    place.lag_known = told_now(log, round_) && place.committed <= log->end;
    place.lag = 0;
    if (!log) return;
    // Ends do not go back: what was there is there.
    const auto position = place.position(*log);
    place.lag = log->end > position ? log->end - position : 0;
  }

  void move(Place& place, std::uint64_t before, std::uint64_t lag_before, SteadyTime now) {
    if (place.committed < before) {
      place.rewound = true;
      place.lost = false;
      place.event = now;
      place.lost_until = std::max(place.lost_until, before);  // it had read those
    }
    if (place.committed != before) {
      if (place.committed > before) {
        if (lag_before > 0) longest_ = std::max(longest_, Nanoseconds(place.frozen_until - place.moved));
        in_trouble_ |= place.status != ConsumerStatus::ok && place.status != ConsumerStatus::slow;
        moved_ = true;
        if (group_.had_no_members && group_.has_no_members()) group_.commits_without_members = true;
      }
      place.moved = place.frozen_until = now;
      place.frozen_looks = 0;
    } else if (place.lag == 0 || lag_before == 0) {
      place.moved = place.frozen_until = now;
      place.frozen_looks = 0;
    } else {
      place.frozen_until = now;
      count_up(place.frozen_looks);
    }
    const auto read = place.committed - std::min(before, place.committed);
    if (place.lag <= lag_before) {
      place.growing_looks = 0;
    } else if ((place.lag - lag_before) * (kClearly - 1) >= read) {
      count_up(place.growing_looks);
    }
  }

  void count_lost(Place& place, const PartitionState& log, SteadyTime now) {
    if (!log.has_start || log.start <= place.committed || consumer_.log->compacted) return;
    const auto from = std::max(place.committed, place.lost_until);
    if (log.start <= from) return;
    const auto gone = log.start - from;
    place.lost_until = log.start;
    // The mark at the end of a transaction is no message.
    if (gone == 1 && log.has_stable_end && log.start == log.end) return;
    consumer_.lost += gone;
    place.lost = true;
    place.rewound = false;
    place.event = now;
  }

  Group& group_;
  Consumer& consumer_;
  std::uint32_t round_;
  Nanoseconds longest_{};  ///< between two commits, of those that moved now
  bool moved_ = false, in_trouble_ = false;
};

// The places that the coordinator told now: by partition, those that are told no more are gone.
void match(std::vector<Place>& places, const GroupTopic& told) {
  const auto same = places.size() == told.commits.size() &&
                    std::ranges::equal(places, told.commits, {}, &Place::partition, &Commit::partition);
  if (same) return;
  std::vector<Place> next;
  next.reserve(told.commits.size());
  for (const auto& commit : told.commits) {
    const auto known = std::ranges::lower_bound(places, commit.partition, {}, &Place::partition);
    const bool found = known != places.end() && known->partition == commit.partition;
    next.push_back(found ? *known : Place{.partition = commit.partition});
  }
  std::ranges::sort(next, {}, &Place::partition);
  const auto again = std::ranges::unique(next, {}, &Place::partition);
  next.erase(again.begin(), again.end());
  places = std::move(next);
}

// Partitions that a member has and for which nothing was committed yet.
void add_uncommitted(std::vector<Place>& places, const GroupTopic& told) {
  for (const auto partition : told.assigned) {
    const auto place = std::ranges::lower_bound(places, partition, {}, &Place::partition);
    if (place == places.end() || place->partition != partition) {
      places.insert(place, Place{.partition = partition, .assigned = true});
    }
  }
}

void sum_up(Consumer& consumer, SteadyTime now, Nanoseconds window, std::uint32_t round) {
  consumer.now = {.at = now};
  for (const auto& place : consumer.places) {
    const auto* log = consumer.log ? consumer.log->find(place.partition) : nullptr;
    if (!place.has_commit || !told_now(log, round)) continue;
    consumer.now.committed += place.committed;
    consumer.now.end += log->end;
    ++consumer.now.places;
  }
  if (consumer.before.at != SteadyTime{} && now - consumer.before.at < window / 2) return;
  consumer.long_before = consumer.before.at == SteadyTime{} ? consumer.now : consumer.before;
  consumer.before = consumer.now;
  for (auto& place : consumer.places) {
    place.lag_long_before = place.lag_before;
    place.lag_before = saturated(place.lag);
  }
}

void follow(Group& group, Consumer& consumer, const GroupTopic& told, std::uint32_t round,
            Nanoseconds window) {
  consumer.round = round;
  if (consumer.places.size() != told.commits.size())
    std::erase_if(consumer.places, [](auto& p) { return !p.has_commit; });
  match(consumer.places, told);
  Step step(group, consumer, round);
  auto place = consumer.places.begin();
  auto assigned = told.assigned.begin();
  // All three lists are in the order of the partitions, and mostly the same ones are in each.
  for (const auto& commit : told.commits) {
    if (place == consumer.places.end() || place->partition != commit.partition) {
      place = std::ranges::lower_bound(consumer.places, commit.partition, {}, &Place::partition);
    }
    if (assigned == told.assigned.end() || *assigned != commit.partition) {
      assigned = std::ranges::lower_bound(told.assigned, commit.partition);
    }
    place->assigned = assigned != told.assigned.end() && *assigned == commit.partition;
    if (place->assigned) ++assigned;
    step.take(*place++, commit.committed);
  }
  step.learn(window);
  add_uncommitted(consumer.places, told);
  sum_up(consumer, group.asked.received, window, round);
}

bool within(SteadyTime event, SteadyTime now, Nanoseconds window) {
  return now - event < window;
}

ConsumerEvidence evidence_of(const Group& group, const Consumer& consumer, const Place& place,
                             Nanoseconds window, std::uint32_t round) {
  const auto now = group.asked.received;
  const auto* log = consumer.log ? consumer.log->find(place.partition) : nullptr;
  const bool told = told_now(log, round);
  ConsumerEvidence e;
  e.end_known = told;
  e.leaderless = log && log->leaderless;
  e.recreated = consumer.log && consumer.log->recreated && within(*consumer.log->recreated, now, window);
  e.beyond_end = told && place.committed > log->end;
  const bool gone = told && !consumer.log->compacted && log->has_start && place.lost_until > place.committed;
  e.lost = (gone && place.lost) || (place.lost && within(place.event, now, window));
  e.rewound = place.rewound && within(place.event, now, window);
  if (told && log->has_stable_end) {
    // The mark of the transaction before is a place too, and not every client commits beyond it: librdkafka
    // commits what follows the last message.
    const bool all_read = place.committed == log->stable_end || place.committed + 1 == log->stable_end;
    e.open_transaction = log->stuck_looks >= 2 && all_read;
    e.perhaps_a_mark = place.lag == 1 && log->stable_end == log->end && !log->end_moved;
  }
  e.members_known = group.members_known();
  e.has_members = !group.has_no_members();
  e.assigned = !group.assignment_known || place.assigned;
  e.rebalancing = group.rebalances.going_on() ||
                  (place.lag > 0 && ((group.rebalances.just_now() && place.frozen_looks >= 1) ||
                                     group.rebalances.storm(now, window)));
  e.commits_without_members = group.commits_without_members;
  e.lag = place.lag;
  e.lag_age = place.dated ? std::max(Nanoseconds{}, Nanoseconds(now - place.latest)) : Nanoseconds{};
  e.looks = place.looks;
  e.frozen_looks = place.frozen_looks;
  e.frozen = now - place.moved;
  e.growing_looks = place.growing_looks;
  e.not_shrinking =
      consumer.base() && saturated(place.lag) >= place.lag_long_before && place.lag_long_before > 0;
  e.usual_gap = consumer.usual_gap();
  e.interval = group.interval;
  e.window = window;
  return e;
}

}  // namespace

Nanoseconds Consumer::usual_gap() const {
  return moves >= kEnoughMoves ? longest_gap : std::max(longest_gap, kFirstGap);
}

// An old habit is forgotten in the course of some dozen commits. A gap that was taken for trouble becomes a
// habit only when it comes again and again.
void Consumer::learn_gap(Nanoseconds gap, bool in_trouble) {
  count_up(moves);
  if (gap <= longest_gap) {
    longest_gap = std::max(gap, longest_gap - longest_gap / 64);
  } else {
    longest_gap = in_trouble ? longest_gap + (gap - longest_gap) / 8 : gap;
  }
}

const Consumer::Sums* Consumer::base() const {
  const bool comparable = long_before.places == now.places && long_before.at < now.at &&
                          long_before.committed <= now.committed && long_before.end <= now.end;
  return comparable && now.places > 0 ? &long_before : nullptr;
}

void follow(Group& group, const ConsumerGroup& told, PartitionLogs& logs, std::uint32_t round,
            Nanoseconds window) {
  if (group.round != 0 && told.asked.received > group.asked.received) {
    group.interval = told.asked.received - group.asked.received;
  }
  group.had_no_members = group.round != 0 && group.has_no_members();
  group.round = round;
  group.asked = told.asked;
  group.state = told.state;
  group.members = told.members;
  group.rebalances.observe(told);
  if (!group.has_no_members()) group.commits_without_members = false;
  group.assignment_known =
      std::ranges::any_of(told.topics, [](const GroupTopic& topic) { return !topic.assigned.empty(); });
  std::size_t next = 0;
  for (const auto& topic : told.topics) {
    auto& consumers = group.consumers;
    if (next >= consumers.size() || consumers[next].topic != topic.topic) {
      const auto known = std::ranges::find(consumers, topic.topic, &Consumer::topic);
      next = static_cast<std::size_t>(known - consumers.begin());
      if (known == consumers.end()) consumers.push_back({.topic = topic.topic});
    }
    auto& consumer = consumers[next++];
    consumer.log = logs.find(topic.topic);
    if (consumer.log && consumer.log->round != round) consumer.log = nullptr;
    follow(group, consumer, topic, round, window);
  }
  // What it reads no more is gone; after a topic was made again its commits are gone too, but not the news.
  std::erase_if(group.consumers, [&](Consumer& consumer) {
    if (consumer.round == round) return false;
    consumer.log = logs.find(consumer.topic);
    const bool news = consumer.log && consumer.log->recreated &&
                      within(*consumer.log->recreated, group.asked.received, window);
    if (news) {
      consumer.places.clear();
      consumer.round = round;
    }
    return !news;
  });
}

void judge(Group& group, Consumer& consumer, Nanoseconds window, std::uint32_t round) {
  auto worst = ConsumerStatus::ok;
  bool committed = false;
  for (auto& place : consumer.places) {
    if (!place.has_commit) {
      place.status = ConsumerStatus::uncommitted;
      continue;
    }
    committed = true;
    place.status = signals::judge(evidence_of(group, consumer, place, window, round));
    worst = std::min(worst, place.status);
  }
  const bool recreated = consumer.log && consumer.log->recreated &&
                         within(*consumer.log->recreated, group.asked.received, window);
  consumer.status = recreated ? ConsumerStatus::recreated : committed ? worst : ConsumerStatus::uncommitted;
}

}  // namespace qw::signals
