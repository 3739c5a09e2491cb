#include "probes/signals/end_history.hpp"

#include <algorithm>
#include <span>

namespace qw::signals {
namespace {

// A gap of 8 % of its age dates a message to 4 %.
constexpr double kFinest = 0.08;
// With less than this freed, one of the next looks would have to thin out again.
constexpr std::size_t kRoom = EndHistory::kMostPoints / 8;
constexpr std::uint64_t kWidest = (1U << 12) - 1;

SteadyTime at(std::uint64_t microseconds) {
  return SteadyTime(std::chrono::microseconds(static_cast<std::int64_t>(microseconds)));
}
std::chrono::milliseconds half(std::uint64_t milliseconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(milliseconds));
}

}  // namespace

SteadyTime EndHistory::Point::sent() const {
  return at(microseconds) - half(half_milliseconds);
}

SteadyTime EndHistory::Point::received() const {
  return at(microseconds) + half(half_milliseconds);
}

EndHistory::Point EndHistory::make_point(const Asked& asked, std::uint64_t end) {
  const auto width = std::max(Nanoseconds{}, Nanoseconds(asked.received - asked.sent));
  const auto middle = (asked.sent + width / 2).time_since_epoch();
  const auto half_width = std::chrono::ceil<std::chrono::milliseconds>(width / 2);
  Point point{};
  point.end = end;
  point.microseconds =
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::microseconds>(middle).count()) &
      ((1ULL << 52) - 1);
  point.half_milliseconds = std::min(static_cast<std::uint64_t>(half_width.count()), kWidest) & kWidest;
  return point;
}

bool EndHistory::add(const Asked& asked, std::uint64_t end) {
  const auto point = make_point(asked, end);
  if (!points_.empty() && point.microseconds <= points_.back().microseconds) return false;
  bool back = false;
  for (; !points_.empty() && points_.back().end > end; back = true) points_.pop_back();
  // While the log stands still, two points say when that began and how long it lasts.
  const auto count = points_.size();
  if (count >= 2 && points_[count - 1].end == end && points_[count - 2].end == end) {
    points_.back() = point;
    return back;
  }
  make_room();
  points_.push_back(point);
  return back;
}

/// Most often it is at `near`, or beside it.
std::size_t EndHistory::first_beyond(std::uint64_t offset, std::size_t near) const {
  std::size_t from = 0;
  std::size_t until = points_.size();
  if (near < until) {
    if (points_[near].end <= offset) {
      from = near + 1;
    } else if (near == 0 || points_[near - 1].end <= offset) {
      return near;
    } else {
      until = near;
    }
  }
  if (from < until && points_[from].end > offset) return from;
  const auto searched = std::span(points_).subspan(from, until - from);
  return from + static_cast<std::size_t>(std::ranges::upper_bound(searched, offset, {}, &Point::end) -
                                         searched.begin());
}

std::optional<EndHistory::Passed> EndHistory::passed(std::uint64_t offset, std::size_t* near) const {
  const auto index = first_beyond(offset, near ? *near : points_.size());
  if (near) *near = index;
  if (index == points_.size()) return std::nullopt;
  const auto& beyond = points_[index];
  if (index == 0) {
    return Passed{.after = std::nullopt, .before = beyond.received(), .about = beyond.received()};
  }
  const auto& before = points_[index - 1];
  // The messages in between came at an even pace, each in the middle of its share of the time.
  const auto part =
      (static_cast<double>(offset - before.end) + 0.5) / static_cast<double>(beyond.end - before.end);
  const auto span = static_cast<double>(beyond.microseconds - before.microseconds);
  return Passed{.after = before.sent(),
                .before = beyond.received(),
                .about = at(before.microseconds + static_cast<std::uint64_t>(part * span))};
}

std::optional<std::uint64_t> EndHistory::end() const {
  return points_.empty() ? std::nullopt : std::optional(points_.back().end);
}

// Most partitions are quiet and need two points; room for more is taken as it is needed.
void EndHistory::make_room() {
  const auto count = points_.size();
  if (count < points_.capacity()) return;
  if (count < kMostPoints) {
    points_.reserve(std::min(kMostPoints, std::max<std::size_t>(2, count * 2)));
    return;
  }
  for (double ratio = kFinest; points_.size() + kRoom > kMostPoints; ratio *= 1.5) thin_out(ratio);
}

// A point goes where the gap that it leaves is small beside its age. The end of a stand-still thus stays, as
// the gap before it is the whole stand-still.
void EndHistory::thin_out(double ratio) {
  const auto now = points_.back().microseconds;
  constexpr auto kGone = (1ULL << 52) - 1;
  auto newer = points_.back().microseconds;
  for (std::size_t i = points_.size() - 2; i > 0; --i) {
    const auto gap = static_cast<double>(newer - points_[i - 1].microseconds);
    if (gap <= ratio * static_cast<double>(now - newer)) {
      points_[i].microseconds = kGone;
    } else {
      newer = points_[i].microseconds;
    }
  }
  std::erase_if(points_, [](const Point& point) { return point.microseconds == kGone; });
}

}  // namespace qw::signals
