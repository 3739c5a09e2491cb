#include "probes/signals/partition_logs.hpp"

#include <algorithm>
#include <limits>

namespace qw::signals {
namespace {

// Long enough to tell a topic that was made again from a new one.
constexpr auto kRemembered = std::chrono::minutes(10);
// Names come from the network.
constexpr std::size_t kMostTopics = 50'000;

void follow_transactions(PartitionState& state, const PartitionLog& log) {
  const bool was_told = state.has_stable_end;
  const auto before = state.stable_end;
  state.has_stable_end = log.stable_end.has_value();
  if (!log.stable_end) {
    state.stuck_looks = 0;
    return;
  }
  state.stable_end = *log.stable_end;
  const bool open = log.end && *log.stable_end < *log.end;
  state.transactional |= open;
  if (!open || !was_told || before != state.stable_end) {
    state.stuck_looks = open ? 1 : 0;
  } else if (state.stuck_looks < std::numeric_limits<std::uint8_t>::max()) {
    ++state.stuck_looks;
  }
}

void follow(PartitionState& state, const PartitionLog& log, std::uint32_t round) {
  state.leaderless = log.leaderless;
  state.has_end = log.end.has_value();
  if (log.start) {
    state.start = *log.start;
    state.has_start = true;
  }
  if (!log.end) {
    state.has_stable_end = false;
    state.stuck_looks = 0;
    return;
  }
  state.end_moved = state.history.end() != log.end;
  state.end = *log.end;
  state.round = round;
  if (state.history.add(log.asked_end, *log.end)) {
    state.disturbed = true;
    if (state.truths) state.truths->truncate(*log.end);
  }
  follow_transactions(state, log);
}

}  // namespace

PartitionState* TopicState::find(std::int32_t partition) {
  const auto index = static_cast<std::size_t>(partition);
  if (partition >= 0 && index < partitions.size() && partitions[index].partition == partition)
    return &partitions[index];
  const auto found = std::ranges::lower_bound(partitions, partition, {}, &PartitionState::partition);
  return found != partitions.end() && found->partition == partition ? &*found : nullptr;
}

void PartitionLogs::observe(const TopicLog& log, std::uint32_t round) {
  auto found = topics_.find(log.topic);
  if (found == topics_.end()) {
    if (topics_.size() >= kMostTopics) return;
    found = topics_.emplace(log.topic, std::make_unique<TopicState>()).first;
    found->second->name = log.topic;
    found->second->identity = log.identity;
    found->second->partitions.reserve(log.partitions.size());
  }
  auto& topic = *found->second;
  for (const auto& partition : log.partitions)
    topic.seen = std::max(topic.seen, partition.asked_end.received);
  if (!log.identity.empty() && log.identity != topic.identity) {
    if (!topic.identity.empty()) {
      topic.recreated = topic.seen;
      topic.partitions.clear();
    }
    topic.identity = log.identity;
  }
  topic.retention = log.retention;
  topic.compacted = log.compacted;
  topic.round = round;
  for (const auto& partition : log.partitions) {
    auto* state = topic.find(partition.partition);
    if (!state) {
      const auto place =
          std::ranges::upper_bound(topic.partitions, partition.partition, {}, &PartitionState::partition);
      state = &*topic.partitions.emplace(place);
      state->partition = partition.partition;
      state->disturbed = true;
    } else {
      state->disturbed = false;
    }
    follow(*state, partition, round);
  }
}

void PartitionLogs::forget(std::uint32_t round, SteadyTime now) {
  std::erase_if(topics_, [&](const auto& entry) {
    return entry.second->round != round && now - entry.second->seen > kRemembered;
  });
}

TopicState* PartitionLogs::find(std::string_view topic) {
  const auto found = topics_.find(topic);
  return found != topics_.end() ? found->second.get() : nullptr;
}

PartitionState* PartitionLogs::observe(const OffsetAt& answer, std::uint32_t look) {
  tie_ = ClockTie{answer.asked_wall.time_since_epoch() - answer.asked.sent.time_since_epoch()};
  auto* topic = find(answer.question.topic);
  auto* log = topic ? topic->find(answer.question.partition) : nullptr;
  if (!log || !log->history.end()) return nullptr;
  if (!log->truths) log->truths = std::make_unique<OffsetTruths>();
  log->truths->add(answer, *log->history.end(), look);
  log->truths->compare(log->history, answer, *tie_);
  // The log begins later than we thought, if its oldest message does.
  if (answer.question.at <= kBeforeAll && answer.offset) {
    log->start = log->has_start ? std::max(log->start, *answer.offset) : *answer.offset;
    log->has_start = true;
  }
  return log;
}

}  // namespace qw::signals
