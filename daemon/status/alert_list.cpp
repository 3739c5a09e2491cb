#include <fmt/format.h>

#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

constexpr RowList::Limits kRows{.rows = 30, .bytes = 9'000};

/// A link is followed by a person who trusts this page: nothing but the web.
bool is_web_link(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://") ||
         (url.starts_with("/") && !url.starts_with("//"));
}

void write_state(Html& html, const AlertView& alert, WallTime now) {
  const auto cell = html.in("td", {{"data-n", "state"}});
  html.leaf("span", {{"class", alert.firing ? "bad" : "part"}}, alert.firing ? "fires" : "pending");
  html.text(" since ");
  write_time(html, alert.since, now);
  if (!alert.unknown_since) return;
  const auto note = html.in("p", {{"class", "unknown"}});
  html.text("unknown since ");
  write_time(html, *alert.unknown_since, now);
  html.text(": its target does not answer");
}

std::string evidence_of(const AlertView& alert) {
  std::string out = "value " + number(alert.value);
  for (const auto& [name, value] : alert.labels) out += fmt::format(", {} {}", name, value);
  return out;
}

void write_alert(Html& html, const AlertView& alert, WallTime now) {
  const auto line = html.in("tr");
  {
    const auto cell = html.in("th", {{"scope", "row"}});
    write_severity(html, alert.severity);
    html.text(" ");
    html.leaf("span", {{"class", "name"}}, alert.name);
    if (!alert.target.name.empty()) {
      const auto target = html.in("div");
      write_target(html, alert.target);
    }
  }
  write_state(html, alert, now);
  {
    const auto cell = html.in("td", {{"data-n", "evidence"}});
    html.text(alert.description.empty() ? alert.summary : alert.description);
    html.leaf("p", {{"class", "soft"}}, evidence_of(alert));
  }
  const auto cell = html.in("td", {{"data-n", "runbook"}});
  if (is_web_link(alert.runbook_url)) {
    const auto label = "runbook of " + alert.name;
    html.leaf("a", {{"href", alert.runbook_url}, {"rel", "noreferrer"}, {"aria-label", label}}, "runbook");
  } else {
    html.text(alert.runbook_url.empty() ? "none" : alert.runbook_url);
  }
}

}  // namespace

void write_alert_list(const View& view, Html& html) {
  const auto& alerts = view.alerts;
  const auto section = begin_section(html, "alerts", "Alerts");
  if (alerts.shown.empty()) {
    html.leaf("p", {{"class", "soft"}},
              alerts.any_rules ? "None is pending or fires." : "No rules are loaded that could raise any.");
    return;
  }
  html.leaf("p", {{"class", "soft"}},
            fmt::format("{} firing, {} pending, {} of them unknown.", alerts.firing, alerts.pending,
                        alerts.unknown));
  RowList rows(html, kRows);
  {
    const auto table = html.in("table");
    {
      const auto head = html.in("thead");
      const auto line = html.in("tr");
      for (const std::string_view name : {"alert", "state", "evidence", "what to do"}) {
        html.leaf("th", {{"scope", "col"}}, name);
      }
    }
    const auto body = html.in("tbody");
    for (const auto& alert : alerts.shown) {
      const auto write = [&](Html& row) { write_alert(row, alert, view.wall); };
      if (!rows.add(write)) break;
    }
  }
  rows.finish(html, alerts.firing + alerts.pending, " alerts");
}

}  // namespace qw::status
