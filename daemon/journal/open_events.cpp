#include "daemon/journal/open_events.hpp"

#include <algorithm>

#include "daemon/base/stable_sort.hpp"
#include "daemon/journal/findings.hpp"

namespace qw::journal {

void OpenEvents::take(const Event& event) {
  if (event.change == Change::happened) return;
  Key key{event.target, event.kind, event.what, event.subject};
  if (event.change == Change::ended) {
    open_.erase(key);
  } else if (open_.size() < kMost) {
    open_.try_emplace(std::move(key), event);
  }
}

std::vector<Event> OpenEvents::list() const {
  std::vector<Event> out;
  out.reserve(open_.size());
  for (const auto& [key, event] : open_) out.push_back(event);
  sort_stably(out, &Event::at);
  return out;
}

bool is_same(const Event& one, const Event& other) {
  return one.kind == other.kind && one.target == other.target && one.subject == other.subject &&
         one.what == other.what;
}

Event beginning_of(const Condition& condition) {
  return {.at = condition.since,
          .kind = condition.kind,
          .change = Change::began,
          .severity = condition.severity,
          .target = condition.target,
          .subject = condition.subject,
          .what = condition.what,
          .text = condition.text,
          .evidence = {}};
}

Event end_of(const Event& began, WallTime at, std::string text,
             std::vector<std::pair<std::string, std::string>> evidence) {
  evidence.emplace_back("lasted_seconds", print_number(std::max(0.0, seconds(at - began.at))));
  return {.at = at,
          .kind = began.kind,
          .change = Change::ended,
          .severity = Severity::info,
          .target = began.target,
          .subject = began.subject,
          .what = began.what,
          .text = text.empty() ? "it is over" : std::move(text),
          .evidence = std::move(evidence)};
}

}  // namespace qw::journal
