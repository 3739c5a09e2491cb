#include <fmt/format.h>

#include <algorithm>

#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

std::string_view words_of(journal::Change change) {
  switch (change) {
    case journal::Change::began:
      return "began";
    case journal::Change::ended:
      return "over";
    case journal::Change::happened:
      break;
  }
  return "";
}

void write_event(Html& html, const journal::Event& event, bool with_target, WallTime now) {
  const auto severity = event.change == journal::Change::ended ? "info" : class_of(event.severity);
  const auto item = html.in("li", {{"class", severity}});
  write_time(html, event.at, now);
  html.text(" ");
  if (with_target && !event.target.name.empty()) {
    write_target(html, event.target);
    html.text(" ");
  }
  const auto change = words_of(event.change);
  if (!change.empty()) {
    html.leaf("b", change);
    html.text(": ");
  }
  if (!event.subject.empty()) html.text(event.subject + ": ");
  // What ends has often no more to say than that it ended: of what?
  if (event.change == journal::Change::ended && !event.what.empty() && event.kind != journal::Kind::alert) {
    auto what = event.what;
    std::ranges::replace(what, '_', ' ');
    html.text(what + ": ");
  }
  html.text(event.text.empty() ? event.what : event.text);
}

/// The page has the newest; the journal goes back for days.
void write_journal_link(Html& html, const TargetId* target) {
  constexpr std::string_view kTargetPages = "/target/";
  std::string url = "/api/v1/journal?limit=100";
  if (target) url += "&target=" + path_of(*target).substr(kTargetPages.size());
  const auto line = html.in("p", {{"class", "more"}});
  html.leaf("a", {{"href", url}}, "the journal as JSON");
  html.text(", with since=, until= and kind=, days back");
}

}  // namespace

void write_events(const View& view, const TargetId* target, std::size_t most, std::size_t bytes, Html& html) {
  if (!view.events || view.events->empty()) {
    html.leaf("p", {{"class", "soft"}}, "Nothing has changed since the daemon began to watch.");
    return;
  }
  RowList rows(html, {.rows = most, .bytes = bytes});
  std::size_t all = 0;
  {
    const auto list = html.in("ol", {{"class", "events"}});
    for (auto event = view.events->rbegin(); event != view.events->rend(); ++event) {
      if (target && event->target != *target) continue;
      ++all;
      rows.add([&](Html& row) { write_event(row, *event, target == nullptr, view.wall); });
    }
  }
  if (all == 0) html.leaf("p", {{"class", "soft"}}, "Nothing of this target has changed lately.");
  rows.finish(html, all, " earlier ones");
  write_journal_link(html, target);
}

void write_timeline(const View& view, Html& html) {
  const auto section = begin_section(html, "timeline", "What changed");
  write_events(view, nullptr, 40, 7'000, html);
}

}  // namespace qw::status
