#include "probes/signals/lag_seconds.hpp"

#include <algorithm>
#include <limits>

#include "probes/signals/retention.hpp"

namespace qw::signals {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

double non_negative(Nanoseconds d) {
  return std::max(0.0, seconds(d));
}

const PartitionState* log_of(const Consumer& consumer, const Place& place) {
  return consumer.log ? consumer.log->find(place.partition) : nullptr;
}

bool told_now(const PartitionState* log, std::uint32_t round) {
  return log && log->has_end && log->round == round;
}

/// All that waits is the mark at the end of a transaction, which nobody reads.
bool is_mark(const PartitionState& log, const Place& place) {
  return log.transactional && place.lag == 1 && place.lag_known && log.has_stable_end &&
         log.stable_end == log.end && !log.end_moved;
}

/// The worst partition counts; but another one may truly be further behind, as far as errors allow.
class Worst {
 public:
  void add(const Place& place, const LagSeconds& lag) {
    sure_ = std::max(sure_, lag.value - lag.below);
    possible_ = std::max(possible_, lag.value + lag.above);
    if (place_ && std::pair(lag.value, place.lag) <= std::pair(worst_.value, place_->lag)) return;
    worst_ = lag;
    place_ = &place;
  }
  const Place* place() const { return place_; }
  LagSeconds lag() const {
    auto lag = worst_;
    lag.below = std::max(0.0, worst_.value - sure_);
    lag.above = std::max(0.0, possible_ - worst_.value);
    return lag;
  }

 private:
  const Place* place_ = nullptr;
  LagSeconds worst_;
  double sure_ = 0, possible_ = 0;
};

void add_rates(const Consumer& consumer, LagSummary& sum) {
  const auto* base = consumer.base();
  if (!base) return;
  const auto span = seconds(consumer.now.at - base->at);
  sum.in = static_cast<double>(consumer.now.end - base->end) / span;
  sum.out = static_cast<double>(consumer.now.committed - base->committed) / span;
  if (!sum.messages || sum.unknown > 0) return;
  if (*sum.messages == 0) {
    sum.catch_up = 0;
  } else if (*sum.out > *sum.in) {
    sum.catch_up = *sum.messages / (*sum.out - *sum.in);
  }
}

}  // namespace

std::optional<LagSeconds> lag_seconds(const Group& group, const Consumer& consumer, const Place& place,
                                      std::uint32_t round) {
  const auto* log = log_of(consumer, place);
  if (!place.has_commit || !log || beyond_end(consumer, place, round) > 0) return std::nullopt;
  if (place.lag == 0) return place.lag_known ? std::optional(LagSeconds{}) : std::nullopt;
  if (!place.dated) return std::nullopt;
  const auto now = group.looked();
  const auto half = seconds(group.asked.received - group.asked.sent) / 2;
  const auto value = non_negative(now - place.about);
  LagSeconds lag{.value = value,
                 .below = std::min(value, non_negative(place.latest - place.about) + half),
                 .above = kUnbounded,
                 .by = place.dated_by};
  if (place.dated_by != DatedBy::at_least) lag.above = non_negative(place.about - place.earliest) + half;
  if (is_mark(*log, place)) lag = {.value = 0, .below = 0, .above = lag.value + lag.above, .by = lag.by};
  return lag;
}

std::uint64_t beyond_end(const Consumer& consumer, const Place& place, std::uint32_t round) {
  const auto* log = log_of(consumer, place);
  return place.has_commit && told_now(log, round) && place.committed > log->end ? place.committed - log->end
                                                                                : 0;
}

LagSummary summarize(const Group& group, const Consumer& consumer, std::uint32_t round) {
  LagSummary sum;
  Worst worst;
  std::uint64_t messages = 0, blocked = 0, beyond = 0, most = 0;
  std::size_t known = 0;
  bool stable = false;
  for (const auto& place : consumer.places) {
    if (!place.has_commit) continue;
    messages += place.lag;
    if (place.lag_known) {
      ++known;
      most = std::max(most, place.lag);
    } else {
      ++sum.unknown;
      beyond += beyond_end(consumer, place, round);
    }
    const auto* log = log_of(consumer, place);
    if (place.lag_known && log->has_stable_end) {
      stable = true;
      blocked += log->end - std::min(log->end, std::max(log->stable_end, place.position(*log)));
    }
    if (const auto lag = lag_seconds(group, consumer, place, round)) worst.add(place, *lag);
    if (place.lag > 0 && place.dated && log) {
      const auto left = time_until_lost(*consumer.log, group.looked(), place.about);
      if (left && (!sum.retention || *left < *sum.retention)) sum.retention = left;
    }
  }
  // Beside partitions that nobody knows, a zero would be false.
  if (known + sum.unknown > 0 && (sum.unknown == 0 || messages > 0))
    sum.messages = static_cast<double>(messages);
  if (worst.place() && (sum.unknown == 0 || worst.lag().value > 0)) {
    sum.seconds = worst.lag();
    sum.worst = worst.place();
  }
  if (stable) sum.blocked = static_cast<double>(blocked);
  if (beyond > 0) sum.beyond_end = static_cast<double>(beyond);
  if (messages > 0 && known > 0 && most > 0) {
    sum.skew =
        static_cast<double>(most) * static_cast<double>(known + sum.unknown) / static_cast<double>(messages);
  }
  add_rates(consumer, sum);
  return sum;
}

}  // namespace qw::signals
