#include "daemon/status/drawings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr double kWidth = 120, kHeight = 28;
constexpr std::size_t kMostPoints = 40;

/// At most kMostPoints of it, the largest of each stretch, so that no peak is lost.
std::vector<store::Point> thinned(const Trend& trend) {
  std::vector<store::Point> out;
  const auto stretch = (trend.size() + kMostPoints - 1) / kMostPoints;
  for (std::size_t i = 0; i < trend.size(); i += stretch) {
    const auto end = std::min(i + stretch, trend.size());
    store::Point peak = trend[i];
    for (auto j = i; j < end; ++j) {
      if (trend[j].value > peak.value) peak = trend[j];
    }
    out.push_back(peak);
  }
  return out;
}

std::string shown(double value) {
  return fmt::format("{:.1f}", value);
}

}  // namespace

void write_sparkline(Html& html, const Trend& trend, std::string_view what) {
  const auto points = thinned(trend);
  if (points.size() < 2) return;
  const double largest = std::ranges::max(points, {}, &store::Point::value).value;
  const double first = seconds(points.front().at.time_since_epoch());
  const double span = std::max(seconds(points.back().at.time_since_epoch()) - first, 1e-9);
  std::string path;
  for (const auto& point : points) {
    const double x = (seconds(point.at.time_since_epoch()) - first) / span * (kWidth - 4) + 2;
    const double y = kHeight - 2 - (largest > 0 ? point.value / largest : 0) * (kHeight - 4);
    path += fmt::format("{}{:.0f} {:.0f}", path.empty() ? "M" : "L", x, y);
  }
  const auto label = fmt::format("{} over the last {}: now {}, at most {}", what,
                                 age(Nanoseconds(static_cast<std::int64_t>(span * 1e9))),
                                 duration(points.back().value), duration(largest));
  const auto svg = html.in("svg", {{"class", "spark"},
                                   {"viewBox", "0 0 120 28"},
                                   {"width", "120"},
                                   {"height", "28"},
                                   {"role", "img"},
                                   {"aria-label", label}});
  const auto line = html.in("path", {{"d", path}});
}

std::optional<double> seconds_to_zero(const Trend& trend) {
  constexpr auto kLookBack = std::chrono::minutes(1);
  if (trend.size() < 2) return std::nullopt;
  const auto& last = trend.back();
  const auto first =
      std::ranges::find_if(trend, [&](const auto& point) { return point.at >= last.at - kLookBack; });
  const double passed = seconds(last.at - first->at);
  if (passed <= 0 || last.value >= first->value) return std::nullopt;
  return last.value / ((first->value - last.value) / passed);
}

void write_clock_axis(Html& html, const ClocksRow& clocks, std::size_t most) {
  constexpr double kAxis = 600, kMiddle = kAxis / 2, kRow = 18, kTop = 20;
  const auto rows = std::min(most, clocks.members.size());
  double reach = clocks.limit_seconds.value_or(0) * 1.5;
  for (const auto& row : clocks.members) {
    if (row.offset_seconds) {
      reach = std::max(reach, std::abs(*row.offset_seconds) + row.bound_seconds.value_or(0));
    }
  }
  // One clock that is off by a year must not make points of all others.
  if (clocks.limit_seconds) reach = std::min(reach, *clocks.limit_seconds * 20);
  if (rows == 0 || reach <= 0) return;
  const auto x = [&](double offset) {
    return shown(std::clamp(kMiddle + offset / reach * (kMiddle - 4), 2.0, kAxis - 2));
  };
  const auto height = kTop + static_cast<double>(rows) * kRow;
  const auto bottom = shown(height);
  const auto svg =
      html.in("svg", {{"class", "axis"},
                      {"viewBox", fmt::format("0 0 {:.0f} {:.0f}", kAxis, height)},
                      {"role", "img"},
                      {"aria-label", "offsets of the clocks as intervals; the list below says the same"}});
  if (const auto limit = clocks.limit_seconds) {
    const auto from = x(-*limit);
    const auto width = shown(2 * *limit / reach * (kMiddle - 4));
    const auto band = html.in(
        "rect",
        {{"class", "band"}, {"x", from}, {"y", "17"}, {"width", width}, {"height", shown(height - 17)}});
  }
  const auto zero = shown(kMiddle);
  {
    const auto line =
        html.in("line", {{"class", "zero"}, {"x1", zero}, {"x2", zero}, {"y1", "0"}, {"y2", bottom}});
  }
  html.leaf("text", {{"x", "2"}, {"y", "12"}}, fmt::format("behind by {}", duration(reach)));
  html.leaf("text", {{"x", "598"}, {"y", "12"}, {"text-anchor", "end"}},
            fmt::format("ahead by {}", duration(reach)));
  for (std::size_t i = 0; i < rows; ++i) {
    const auto& row = clocks.members[i];
    if (!row.offset_seconds) continue;
    const auto y = shown(kTop + (static_cast<double>(i) + 0.5) * kRow);
    const auto bound = row.bound_seconds.value_or(0);
    const auto kind = row.proof == ClockProof::proved_skewed  ? "bad"
                      : row.proof == ClockProof::cannot_prove ? "part"
                                                              : "good";
    const auto group = html.in("g", {{"class", kind}});
    {
      const auto line = html.in("line", {{"x1", x(*row.offset_seconds - bound)},
                                         {"x2", x(*row.offset_seconds + bound)},
                                         {"y1", y},
                                         {"y2", y}});
    }
    const auto dot = html.in("circle", {{"cx", x(*row.offset_seconds)}, {"cy", y}, {"r", "3.5"}});
  }
}

}  // namespace qw::status
