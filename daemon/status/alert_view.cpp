#include "daemon/status/alert_view.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace qw::status {
namespace {

using journal::Severity;
using rules::ActiveAlert;
using rules::AlertState;

/// As the shipped rules name it; an alert without one may be anything.
Severity severity_of(const Labels& labels) {
  return journal::severity(labels.get("severity")).value_or(Severity::warning);
}

/// Or says nothing to whoever looks at this daemon's own page: whom it would be scraped as.
bool is_shown_elsewhere(std::string_view label) {
  constexpr std::string_view kLabels[] = {"alertname", "severity", "system", "target", "instance", "job"};
  return std::ranges::find(kLabels, label) != std::end(kLabels);
}

AlertView copy(const ActiveAlert& alert, Nanoseconds offset) {
  const auto wall = [offset](rules::Millis at) { return WallTime(std::chrono::milliseconds(at) + offset); };
  AlertView out;
  out.name = alert.labels.get("alertname");
  out.severity = severity_of(alert.labels);
  out.firing = alert.state == AlertState::firing;
  out.target = {.system = alert.system, .name = alert.target};
  for (const auto& [name, value] : alert.labels) {
    if (!is_shown_elsewhere(name)) out.labels.set(name, value);
  }
  out.value = alert.value;
  out.since = wall(alert.active_at);
  if (alert.unknown_since) out.unknown_since = wall(*alert.unknown_since);
  out.summary = alert.annotations.get("summary");
  out.description = alert.annotations.get("description");
  out.runbook_url = alert.annotations.get("runbook_url");
  return out;
}

auto rank(const ActiveAlert* alert) {
  return std::tuple(alert->state != AlertState::firing, -static_cast<int>(severity_of(alert->labels)),
                    alert->active_at);
}

}  // namespace

AlertViews alerts_of(const rules::RuleEngine& engine, Nanoseconds offset, std::size_t most) {
  AlertViews out;
  std::vector<const ActiveAlert*> active;
  for (std::size_t group = 0; group < engine.size(); ++group) {
    for (std::size_t rule = 0; rule < engine.group(group).size(); ++rule) {
      const auto& states = engine.group(group).alerts(rule);
      if (!states) continue;
      out.any_rules = true;
      for (const auto& entry : states->all()) {
        const auto& alert = *entry.alert;
        if (alert.state == AlertState::inactive) continue;
        active.push_back(&alert);
        ++(alert.state == AlertState::firing ? out.firing : out.pending);
        if (alert.unknown_since) ++out.unknown;
      }
    }
  }
  const auto shown = std::min(most, active.size());
  std::ranges::partial_sort(active, active.begin() + static_cast<std::ptrdiff_t>(shown), {}, rank);
  out.shown.reserve(shown);
  for (std::size_t i = 0; i < shown; ++i) out.shown.push_back(copy(*active[i], offset));
  return out;
}

}  // namespace qw::status
