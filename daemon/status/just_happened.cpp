#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

using journal::Change;
using journal::Event;
using journal::Kind;

constexpr Nanoseconds kLately = std::chrono::minutes(5);
constexpr std::size_t kMost = 3;

/// Who looks because of a page wants to know these even when they are over; the rest is in the timeline.
bool is_worth_it(const Event& event) {
  if (event.change == Change::ended) return event.kind == Kind::split_brain || event.what == "no_leader";
  constexpr Kind kKinds[] = {Kind::election, Kind::split_brain, Kind::clock, Kind::consumer,
                             Kind::replication};
  return event.change == Change::happened && std::ranges::find(kKinds, event.kind) != std::end(kKinds);
}

bool is_about_the_same(const Event& one, const Event& other) {
  return one.target == other.target && one.subject == other.subject && one.what == other.what &&
         one.change == other.change;
}

struct Line {
  const Event* event;  ///< the newest of its kind
  std::size_t times = 1;
};

std::vector<Line> find_lines(const View& view) {
  std::vector<Line> out;
  if (!view.events) return out;
  for (auto event = view.events->rbegin(); event != view.events->rend(); ++event) {
    if (event->at < view.wall - kLately) break;
    if (!is_worth_it(*event)) continue;
    const auto known =
        std::ranges::find_if(out, [&](const Line& line) { return is_about_the_same(*line.event, *event); });
    if (known != out.end()) {
      ++known->times;
    } else if (out.size() < kMost) {
      out.push_back({.event = &*event});
    }
  }
  return out;
}

std::string words_of(const Line& line) {
  const auto& event = *line.event;
  std::string out;
  if (!event.subject.empty()) out += event.subject + ": ";
  if (event.change == Change::ended) {
    auto what = event.what;
    std::ranges::replace(what, '_', ' ');
    out += fmt::format("over: {}: ", what);
  }
  out += event.text;
  if (line.times > 1) out += fmt::format(" ({} times in 5 min)", line.times);
  return out;
}

}  // namespace

void write_just_happened(const View& view, Html& html) {
  const auto lines = find_lines(view);
  if (lines.empty()) return;
  html.leaf("h3", {{"class", "soft"}}, "Just happened");
  const auto list = html.in("ul", {{"class", "just"}});
  for (const auto& line : lines) {
    const auto item = html.in("li");
    if (!line.event->target.name.empty()) {
      write_target(html, line.event->target);
      html.text(" ");
    }
    html.text(words_of(line) + " ");
    const auto since = html.in("span", {{"class", "since"}});
    write_time(html, line.event->at, view.wall);
  }
}

}  // namespace qw::status
