#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/store/store.hpp"

namespace qw::store {

/// When the rounds of one target were. All its series share this: eight bytes a round, not a sample.
class RoundTimes {
 public:
  using Number = std::uint32_t;

  /// The next round; not before the one before.
  void push(SteadyTime at) { times_.push_back(at); }
  void drop_before(SteadyTime time);

  Number first() const { return base_ + static_cast<Number>(front_); }
  /// One past the last.
  Number next() const { return base_ + static_cast<Number>(times_.size()); }
  /// Of a round in [first(), next()).
  SteadyTime at(Number round) const { return times_[round - base_]; }
  /// The first round at or after `time`, and the first one after it; next() where there is none.
  Number at_or_after(SteadyTime time) const;
  Number after(SteadyTime time) const;
  /// Rounds that come from now on are not for those who look at what is marked.
  void mark() { marked_ = next(); }
  Number after(SteadyTime time, Seen seen) const {
    return seen == Seen::marked ? std::min(after(time), marked_) : after(time);
  }

 private:
  std::vector<SteadyTime> times_;
  std::size_t front_ = 0;  // what lies before it is dropped
  Number base_ = 0;        // the number of times_[0]
  Number marked_ = 0;
};

/// The values of one series, round by round. Most of what a cluster says is the same for hours, so a value is
/// kept once for all the rounds in a row that had it, in twelve bytes.
class Track {
 public:
  using Number = RoundTimes::Number;

  Track(SeriesPtr series, const RoundTimes& times) : series_(std::move(series)), times_(&times) {}

  /// The value of a round; rounds come in order, and one that is left out had none. The first value of a
  /// round counts.
  void push(Number round, double value);
  /// Gives back what the rounds before `times.first()` took.
  void drop_old();
  /// Nothing is left that between() could find.
  bool empty() const { return end_ <= times_->first(); }

  const SeriesPtr& series() const { return series_; }
  /// The newest point in [from, to]; a stale marker where the series had ended by then.
  std::optional<Point> newest(SteadyTime from, SteadyTime to, Seen seen = Seen::all) const;
  std::vector<Point> between(SteadyTime from, SteadyTime to) const;
  /// The same without making a list: visit(time, value) for each point, in order.
  template <class Visit>
  void visit(SteadyTime from, SteadyTime to, Visit visit, Seen seen = Seen::all) const;
  /// At least as many as between() gives.
  std::size_t points_between(SteadyTime from, SteadyTime to, Seen seen = Seen::all) const;
  double last_value() const { return run(count_ - 1).value(); }
  std::size_t bytes() const { return sizeof(*this) + capacity_ * sizeof(Run); }

 private:
  /// Its value holds from round `first` up to the next run; a stale marker in its first round alone.
  struct Run {
    Number first;
    std::array<Number, 2> bits;
    double value() const { return std::bit_cast<double>(bits); }
  };

  const Run& run(std::size_t index) const { return runs_[slot(index)]; }
  std::size_t slot(std::size_t index) const {
    const auto at = head_ + index;
    return at < capacity_ ? at : at - capacity_;
  }
  void append(Run run);
  /// The last run that begins before round `before`; count_ where there is none.
  std::size_t run_before(Number before) const;

  SeriesPtr series_;
  const RoundTimes* times_;
  std::unique_ptr<Run[]> runs_;  // a ring, that grows by a quarter and not by half: it is most of the store
  std::uint32_t capacity_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t count_ = 0;
  Number end_ = 0;  // one past the last round that had a value
};

template <class Visit>
void Track::visit(SteadyTime from, SteadyTime to, Visit visit, Seen seen) const {
  const auto begin = times_->at_or_after(from);
  const auto end = std::min(times_->after(to, seen), end_);
  if (end <= begin || count_ == 0) return;
  std::size_t index = run_before(begin + 1);
  if (index == count_) index = 0;
  for (; index < count_ && run(index).first < end; ++index) {
    const auto first = run(index).first;
    const auto value = run(index).value();
    const auto next = index + 1 < count_ ? std::min(run(index + 1).first, end) : end;
    const auto last = is_stale_marker(value) ? std::min(first + 1, end) : next;
    for (auto round = std::max(first, begin); round < last; ++round) visit(times_->at(round), value);
  }
}

}  // namespace qw::store
