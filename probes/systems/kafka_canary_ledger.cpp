#include "probes/systems/kafka_canary_ledger.hpp"

#include <algorithm>

namespace qw::probes {
namespace {

constexpr Nanoseconds kMinute = std::chrono::minutes(1);

}  // namespace

std::uint64_t KafkaCanaryLedger::send(SteadyTime now) {
  if (open_.size() >= kRemembered) open_.erase(open_.begin());
  const std::uint64_t number = next_++;
  open_.emplace_hint(open_.end(), number, Message{.sent = now, .acknowledged = {}});
  ++counts_.sent;
  return number;
}

void KafkaCanaryLedger::acknowledge(std::uint64_t number, SteadyTime now) {
  ++counts_.acknowledged;
  const auto message = open_.find(number);
  if (message == open_.end()) return;
  message->second.acknowledged = now;
  forget_if_settled(message);
}

void KafkaCanaryLedger::fail(std::uint64_t number) {
  ++counts_.failed;
  const auto message = open_.find(number);
  if (message == open_.end()) return;
  message->second.failed = true;
  forget_if_settled(message);
}

void KafkaCanaryLedger::receive(std::uint64_t number, std::int32_t partition, SteadyTime now) {
  if (number >= next_) return;  // nothing that we sent
  const auto message = open_.find(number);
  if (message == open_.end() || message->second.received) {
    ++counts_.duplicated;
    return;
  }
  message->second.received = true;
  ++counts_.received;
  if (message->second.lost) ++counts_.late;

  const auto [youngest, first] = youngest_.try_emplace(partition, number);
  if (!first && number < youngest->second) ++counts_.reordered;
  youngest->second = std::max(youngest->second, number);
  note({.at = now, .latency = now - message->second.sent});
  forget_if_settled(message);
}

void KafkaCanaryLedger::judge(SteadyTime now) {
  for (auto& [number, message] : open_) {
    if (message.received || message.lost || !message.acknowledged) continue;
    if (now - *message.acknowledged < lost_after_) continue;
    message.lost = true;
    ++counts_.lost;
  }
}

std::uint64_t KafkaCanaryLedger::waiting() const {
  return static_cast<std::uint64_t>(std::ranges::count_if(open_, [](const auto& entry) {
    const Message& message = entry.second;
    return !message.received && !message.failed && !message.lost;
  }));
}

std::optional<Nanoseconds> KafkaCanaryLedger::latency(SteadyTime now) const {
  if (!last_ || now - last_->at > lost_after_) return std::nullopt;
  return last_->latency;
}

std::optional<Nanoseconds> KafkaCanaryLedger::longest_latency(SteadyTime now) const {
  const auto recent =
      std::ranges::find_if(slowest_, [now](const Arrival& arrival) { return now - arrival.at <= kMinute; });
  if (recent == slowest_.end()) return std::nullopt;
  return recent->latency;
}

void KafkaCanaryLedger::forget_if_settled(std::map<std::uint64_t, Message>::iterator message) {
  if (message->second.received && (message->second.acknowledged || message->second.failed))
    open_.erase(message);
}

void KafkaCanaryLedger::note(Arrival arrival) {
  last_ = arrival;
  while (!slowest_.empty() && slowest_.back().latency <= arrival.latency) slowest_.pop_back();
  slowest_.push_back(arrival);
  while (arrival.at - slowest_.front().at > kMinute) slowest_.pop_front();
}

}  // namespace qw::probes
