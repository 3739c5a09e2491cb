#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "daemon/status/row_list.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/status/words.hpp"

namespace qw::status {
namespace {

using journal::Condition;
using journal::Severity;

constexpr RowList::Limits kCards{.rows = 24, .bytes = 10'000};
/// Of one target; the rest is on its own page.
constexpr std::size_t kMostLines = 4;

/// All that is wrong with one target.
struct Trouble {
  TargetId target;
  Severity severity = Severity::info;
  WallTime newest;
  std::vector<const Condition*> conditions;
  std::vector<const AlertView*> alerts;

  void take(Severity with, WallTime at) {
    severity = std::max(severity, with);
    newest = std::max(newest, at);
  }
};

/// What has stood there for days must not hide what has just begun. Of what began together, who does not
/// answer stands before what that led to: as the kinds of events are ordered.
auto newest_first(const Condition* condition) {
  constexpr auto kTogether = std::chrono::seconds(10);
  const auto since = condition->since.time_since_epoch();
  return std::tuple(-static_cast<int>(condition->severity), -(since / kTogether), condition->kind, -since);
}

std::vector<Trouble> find_troubles(const View& view) {
  std::map<TargetId, Trouble> by_target;
  for (const auto& condition : view.conditions) {
    if (condition.severity == Severity::info) continue;
    auto& trouble = by_target[condition.target];
    trouble.take(condition.severity, condition.since);
    trouble.conditions.push_back(&condition);
  }
  for (const auto& alert : view.alerts.shown) {
    if (!alert.firing || alert.severity == Severity::info) continue;
    auto& trouble = by_target[alert.target];
    trouble.take(alert.severity, alert.since);
    trouble.alerts.push_back(&alert);
  }
  std::vector<Trouble> out;
  for (auto& [target, trouble] : by_target) {
    trouble.target = target;
    std::ranges::sort(trouble.conditions, {}, newest_first);
    out.push_back(std::move(trouble));
  }
  std::ranges::sort(out, {}, [](const Trouble& trouble) {
    return std::tuple(-static_cast<int>(trouble.severity), -trouble.newest.time_since_epoch());
  });
  return out;
}

void write_unknown(Html& html, const std::optional<WallTime>& since, WallTime now) {
  if (!since) return;
  const auto note = html.in("span", {{"class", "unknown"}});
  html.text(" \xE2\x80\x93 not known any more since ");
  write_time(html, *since, now);
}

void write_condition(Html& html, const Condition& condition, WallTime now) {
  const auto line = html.in("p", {{"class", "what"}});
  html.text(condition.subject.empty() ? sentence(condition.text) : condition.subject + ": " + condition.text);
  const auto since = html.in("span", {{"class", "since"}});
  html.text(" since ");
  write_time(html, condition.since, now);
  write_unknown(html, condition.unknown_since, now);
}

/// `others`: as many of the same name, which this line stands for.
void write_alert(Html& html, const AlertView& alert, bool alone, WallTime now, std::size_t others = 0) {
  const auto line = html.in("p", {{"class", alone ? "what" : "alerting"}});
  if (alone) html.text((alert.description.empty() ? alert.summary : alert.description) + " ");
  html.text("Alert ");
  html.leaf("b", alert.name);
  const auto since = html.in("span", {{"class", "since"}});
  html.text(" since ");
  write_time(html, alert.since, now);
  if (others > 0) html.text(fmt::format(", and {} more of it", others));
  write_unknown(html, alert.unknown_since, now);
}

struct SameAlerts {
  const AlertView* newest;
  std::size_t count = 1;
};

/// In the order in which they are first met.
std::vector<SameAlerts> by_name(const std::vector<const AlertView*>& alerts) {
  std::vector<SameAlerts> out;
  for (const auto* alert : alerts) {
    const auto known =
        std::ranges::find_if(out, [&](const SameAlerts& same) { return same.newest->name == alert->name; });
    if (known == out.end()) {
      out.push_back({.newest = alert});
      continue;
    }
    ++known->count;
    if (alert->since > known->newest->since) known->newest = alert;
  }
  return out;
}

/// No condition of the target is as severe: the alert must say in words what it is about.
bool says_more(const AlertView& alert, const Trouble& trouble) {
  return std::ranges::none_of(
      trouble.conditions, [&](const Condition* condition) { return condition->severity >= alert.severity; });
}

void write_card(Html& html, const Trouble& trouble, WallTime now) {
  const auto item = html.in("li", {{"class", fmt::format("card {}", class_of(trouble.severity))}});
  {
    const auto heading = html.in("h3");
    write_severity(html, trouble.severity);
    html.text(" ");
    if (trouble.target.name.empty()) {
      html.leaf("strong", "quorumwatch itself");
    } else {
      write_target(html, trouble.target);
    }
  }
  std::size_t lines = 0;
  for (const auto* condition : trouble.conditions) {
    if (lines++ < kMostLines) write_condition(html, *condition, now);
  }
  for (const auto& same : by_name(trouble.alerts)) {
    if (lines++ < kMostLines)
      write_alert(html, *same.newest, says_more(*same.newest, trouble), now, same.count - 1);
  }
  if (lines > kMostLines) html.leaf("p", {{"class", "more"}}, fmt::format("and {} more", lines - kMostLines));
}

void write_cards(Html& html, const std::vector<Trouble>& troubles, WallTime now) {
  RowList cards(html, kCards);
  {
    const auto list = html.in("ul", {{"class", "cards"}});
    for (const auto& trouble : troubles) {
      const auto write = [&](Html& row) { write_card(row, trouble, now); };
      if (!cards.add(write)) break;
    }
  }
  cards.finish(html, troubles.size(), " targets in trouble");
}

std::string headline(const std::vector<Trouble>& troubles, const View& view) {
  if (view.snapshot->rounds.empty() && troubles.empty()) return "No target has been asked yet.";
  if (troubles.empty()) return "Nothing is wrong.";
  const auto critical = std::ranges::count(troubles, Severity::critical, &Trouble::severity);
  const auto targets = count(troubles.size(), "target");
  return fmt::format("{} {} in trouble{}.", targets, troubles.size() == 1 ? "is" : "are",
                     critical > 0 ? fmt::format(", {} critical",
                                                critical == std::ssize(troubles)
                                                    ? std::string(critical == 1 ? "and it is" : "all of them")
                                                    : fmt::format("{} of them", critical))
                                  : "");
}

std::string what_else(const View& view) {
  const auto& rounds = view.snapshot->rounds;
  const auto answering = std::ranges::count_if(rounds, [](const auto& round) { return round->success; });
  std::string out = fmt::format("{} of {} answer.", answering, count(rounds.size(), "target"));
  if (view.alerts.pending > 0) {
    out += fmt::format(" {} pending.", count(view.alerts.pending, "alert"));
  }
  return out;
}

}  // namespace

void write_wrong_now(const View& view, Html& html) {
  const auto troubles = find_troubles(view);
  const auto worst = troubles.empty() ? "good" : class_of(troubles.front().severity);
  const auto section =
      html.in("section", {{"id", "wrong"}, {"class", worst}, {"aria-labelledby", "wrong-title"}});
  {
    // What changes in here is read out; the script leaves it alone while it stays the same.
    const auto status = html.in("h2", {{"id", "wrong-title"}, {"role", "status"}, {"aria-live", "polite"}});
    html.leaf("span", {{"class", "mark"}, {"aria-hidden", "true"}},
              troubles.empty() ? "\xE2\x9C\x93 " : "! ");
    html.text(headline(troubles, view));
  }
  html.leaf("p", {{"class", "soft"}}, what_else(view));
  const auto behind = replicas_behind(view);
  if (!behind.empty()) html.leaf("p", {{"class", "behind"}}, behind);
  if (!troubles.empty()) write_cards(html, troubles, view.wall);
  write_just_happened(view, html);
}

void write_conditions_of(const View& view, const TargetId& target, Html& html) {
  const auto troubles = find_troubles(view);
  const auto found = std::ranges::find(troubles, target, &Trouble::target);
  const auto worst = found == troubles.end() ? "good" : class_of(found->severity);
  const auto section =
      html.in("section", {{"id", "wrong"}, {"class", worst}, {"aria-labelledby", "wrong-title"}});
  const bool fine = found == troubles.end();
  {
    const auto status = html.in("h2", {{"id", "wrong-title"}, {"role", "status"}, {"aria-live", "polite"}});
    html.leaf("span", {{"class", "mark"}, {"aria-hidden", "true"}}, fine ? "\xE2\x9C\x93 " : "! ");
    html.text(fine ? "Nothing is wrong with it." : "It is in trouble.");
  }
  if (fine) return;
  RowList lines(html, {.rows = 100, .bytes = 20'000});
  const auto card = html.in("div", {{"class", fmt::format("card {}", worst)}});
  for (const auto* condition : found->conditions) {
    const auto write = [&](Html& row) { write_condition(row, *condition, view.wall); };
    if (!lines.add(write)) break;
  }
  for (const auto* alert : found->alerts) {
    const auto write = [&](Html& row) { write_alert(row, *alert, says_more(*alert, *found), view.wall); };
    if (!lines.add(write)) break;
  }
  lines.finish(html, found->conditions.size() + found->alerts.size());
}

}  // namespace qw::status
