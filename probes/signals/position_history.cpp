#include "probes/signals/position_history.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <utility>

namespace qw::signals {
namespace {

using Point = PositionHistory::Point;

// When the leader came to `position`, if it went from one point to the next at an even pace.
SteadyTime date(const Point& before, const Point& beyond, std::uint64_t position) {
  if (beyond.position == before.position) return before.at;
  const auto part = static_cast<double>(position - before.position) /
                    static_cast<double>(beyond.position - before.position);
  const auto span = static_cast<double>((beyond.at - before.at).count());
  return before.at + Nanoseconds(static_cast<Nanoseconds::rep>(part * span));
}

}  // namespace

void PositionHistory::add(SteadyTime at, std::uint64_t position) {
  while (!points_.empty() && points_.back().position > position) points_.pop_back();
  forget_gaps_beyond();
  if (!points_.empty() && at <= points_.back().at) return;
  // While the leader stands still, two points say when that began and how long it lasts.
  const auto count = points_.size();
  if (count >= 2 && points_[count - 1].position == position && points_[count - 2].position == position) {
    points_.back().at = at;
    return;
  }
  if (count == kMostPoints) thin_out();
  if (points_.capacity() == 0) points_.reserve(kMostPoints);
  points_.push_back({at, position});
}

void PositionHistory::add_after_gap(SteadyTime at, std::uint64_t position) {
  add(at, position);
  const auto count = points_.size();
  if (count < 2 || points_[count - 1].at != at || points_[count - 2].position == position) return;
  if (gaps_.size() == kMostGaps) gaps_.erase(gaps_.begin());
  gaps_.push_back(at);
}

void PositionHistory::inherit(const PositionHistory& from, std::uint64_t until) {
  points_ = from.points_;
  gaps_ = from.gaps_;
  while (!points_.empty() && points_.back().position > until) points_.pop_back();
  forget_gaps_beyond();
}

std::optional<PositionHistory::Passed> PositionHistory::passed(std::uint64_t position) const {
  const auto beyond = std::ranges::upper_bound(points_, position, {}, &Point::position);
  if (beyond == points_.end()) return std::nullopt;
  if (beyond == points_.begin() || ends_gap(*beyond)) return Passed{.at = beyond->at, .at_latest = true};
  // It left `position` as it came to the next one. Where one entry was written between two looks, that is the
  // later look: a lag must not begin before the write.
  return Passed{.at = date(*std::prev(beyond), *beyond, position + 1)};
}

std::optional<SteadyTime> PositionHistory::reached(std::uint64_t position) const {
  const auto there = std::ranges::lower_bound(points_, position, {}, &Point::position);
  if (there == points_.begin()) return std::nullopt;
  if (there == points_.end()) return points_.back().at;
  return ends_gap(*there) ? there->at : date(*std::prev(there), *there, position);
}

bool PositionHistory::ends_gap(const Point& point) const {
  return std::ranges::binary_search(gaps_, point.at);
}

void PositionHistory::forget_gaps_beyond() {
  while (!gaps_.empty() && (points_.empty() || gaps_.back() > points_.back().at)) gaps_.pop_back();
}

// Of every second point of the older three quarters, the half goes whose absence is felt least: measured by
// how wrong the date of its own position becomes, in proportion to its age. The end of a long stand-still is
// never among them.
void PositionHistory::thin_out() {
  const auto loss = [this](std::size_t i) {
    const auto& point = points_[i];
    if (ends_gap(point)) return std::numeric_limits<double>::infinity();
    const auto error = point.at - date(points_[i - 1], points_[i + 1], point.position);
    return static_cast<double>(std::abs(error.count())) /
           static_cast<double>((points_.back().at - point.at).count());
  };
  constexpr std::size_t kOld = kMostPoints * 3 / 4;
  std::array<std::pair<double, std::size_t>, kOld / 2> candidates;
  for (std::size_t n = 0; n < candidates.size(); ++n) candidates[n] = {loss(2 * n + 1), 2 * n + 1};
  const auto half = candidates.begin() + candidates.size() / 2;
  std::ranges::nth_element(candidates, half);
  for (auto gone = candidates.begin(); gone != half; ++gone) points_[gone->second].at = SteadyTime::min();
  std::erase_if(points_, [](const Point& point) { return point.at == SteadyTime::min(); });
}

}  // namespace qw::signals
