#include "daemon/store/track.hpp"

#include <algorithm>

namespace qw::store {

void RoundTimes::drop_before(SteadyTime time) {
  while (front_ < times_.size() && times_[front_] < time) ++front_;
  // Moving the rest down only when half is unused keeps the cost of each round constant.
  if (front_ * 2 <= times_.size()) return;
  times_.erase(times_.begin(), times_.begin() + static_cast<std::ptrdiff_t>(front_));
  base_ += static_cast<Number>(front_);
  front_ = 0;
}

RoundTimes::Number RoundTimes::at_or_after(SteadyTime time) const {
  const auto found =
      std::lower_bound(times_.begin() + static_cast<std::ptrdiff_t>(front_), times_.end(), time);
  return base_ + static_cast<Number>(found - times_.begin());
}

RoundTimes::Number RoundTimes::after(SteadyTime time) const {
  const auto found =
      std::upper_bound(times_.begin() + static_cast<std::ptrdiff_t>(front_), times_.end(), time);
  return base_ + static_cast<Number>(found - times_.begin());
}

void Track::push(Number round, double value) {
  if (round < end_) return;
  const bool gap = count_ > 0 && round != end_;
  // A gap needs an end to what was before; a series that ends in order has its marker already.
  if (gap && !is_stale_marker(last_value())) {
    append({.first = end_, .bits = std::bit_cast<std::array<Number, 2>>(stale_marker())});
  }
  const auto bits = std::bit_cast<std::array<Number, 2>>(value);
  if (count_ == 0 || is_stale_marker(last_value()) || run(count_ - 1).bits != bits)
    append({.first = round, .bits = bits});
  end_ = round + 1;
}

void Track::append(Run added) {
  if (count_ == capacity_) {
    const auto larger = std::max<std::uint32_t>(capacity_ + capacity_ / 4, capacity_ + 1);
    auto runs = std::make_unique<Run[]>(larger);
    for (std::uint32_t i = 0; i < count_; ++i) runs[i] = run(i);
    runs_ = std::move(runs);
    capacity_ = larger;
    head_ = 0;
  }
  runs_[slot(count_++)] = added;
}

void Track::drop_old() {
  const auto first = times_->first();
  while (count_ > 1 && run(1).first <= first) {
    head_ = static_cast<std::uint32_t>(slot(1));
    --count_;
  }
  // After a burst of changes, or of a shorter retention, the ring is far too large.
  if (capacity_ < 16 || count_ * 2 > capacity_) return;
  const auto smaller = count_ + count_ / 4 + 1;
  auto runs = std::make_unique<Run[]>(smaller);
  for (std::uint32_t i = 0; i < count_; ++i) runs[i] = run(i);
  runs_ = std::move(runs);
  capacity_ = smaller;
  head_ = 0;
}

std::size_t Track::run_before(Number before) const {
  // Mostly it is the last one.
  if (count_ > 0 && run(count_ - 1).first < before) return count_ - 1;
  std::size_t low = 0;
  std::size_t high = count_;
  while (low < high) {
    const auto middle = (low + high) / 2;
    if (run(middle).first < before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low == 0 ? count_ : low - 1;
}

std::optional<Point> Track::newest(SteadyTime from, SteadyTime to, Seen seen) const {
  const auto end = std::min(times_->after(to, seen), end_);
  if (end <= times_->first()) return std::nullopt;
  const auto index = run_before(end);
  if (index == count_) return std::nullopt;
  const auto value = run(index).value();
  const auto round = is_stale_marker(value) ? run(index).first : end - 1;
  if (round < times_->first() || times_->at(round) < from) return std::nullopt;
  return Point{.at = times_->at(round), .value = value};
}

std::size_t Track::points_between(SteadyTime from, SteadyTime to, Seen seen) const {
  const auto begin = times_->at_or_after(from);
  const auto end = std::min(times_->after(to, seen), end_);
  return end > begin ? end - begin : 0;
}

std::vector<Point> Track::between(SteadyTime from, SteadyTime to) const {
  std::vector<Point> out;
  out.reserve(points_between(from, to));
  visit(from, to, [&out](SteadyTime at, double value) { out.push_back({.at = at, .value = value}); });
  return out;
}

}  // namespace qw::store
