#include "daemon/rules/rule_engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "daemon/promql/printer.hpp"
#include "daemon/rules/template_builtins.hpp"

namespace qw::rules {
namespace {

std::tuple<std::string, std::string, std::string> key_of(const RuleGroup& group, const Rule& rule) {
  return {group.name, rule.name, print_labels_of(rule)};
}

std::vector<ActiveAlert> alerts_of(const AlertStates& states) {
  std::vector<ActiveAlert> out;
  for (const auto& entry : states.all()) out.push_back(*entry.alert);
  return out;
}

/// What another daemon goes on with: the pending and firing alerts of a target.
void keep_those_of(const TargetId& target, std::vector<ActiveAlert>& alerts) {
  std::erase_if(alerts, [&](const ActiveAlert& alert) {
    return alert.state == AlertState::inactive || alert.system != target.system ||
           alert.target != target.name;
  });
}

}  // namespace

void RuleEngine::replace(std::vector<RuleGroup> groups, const GroupSettings& settings, Millis now) {
  const auto same_settings =
      settings_.interval == settings.interval && settings_.query_offset == settings.query_offset &&
      settings_.external_url == settings.external_url &&
      settings_.keep_without_data == settings.keep_without_data && settings_.external_labels &&
      settings.external_labels && *settings_.external_labels == *settings.external_labels;
  settings_ = settings;
  std::erase_if(orphans_,
                [now](const auto& alert) { return now - *alert->resolved_at > kResolvedRetention; });
  const auto before = transitions();
  auto old = std::exchange(groups_, {});
  for (auto& group : groups) {
    const auto same = std::ranges::find_if(old, [&](const auto& one) {
      return one && same_settings && one->group().file == group.file && one->group().name == group.name &&
             one->group().fingerprint == group.fingerprint;
    });
    groups_.push_back(same != old.end() ? std::move(*same)
                                        : std::make_shared<ActiveGroup>(std::move(group), settings));
  }
  selectors_.clear();
  for (const auto& group : groups_) {
    auto& all = selectors_.emplace_back();
    for (const auto& rule : group->group().rules) {
      for (auto& selector : selectors_of(*rule->expr)) all.push_back(std::move(selector));
    }
  }
  Known known;
  for (const auto& group : old) {
    if (!group) continue;
    for (std::size_t i = 0; i < group->size(); ++i) {
      const auto& states = group->alerts(i);
      if (states && !states->all().empty()) {
        known.emplace(key_of(group->group(), states->rule()), alerts_of(*states));
      }
    }
  }
  const bool any = !known.empty();
  hand_over(std::move(known), now);
  // The sum over the groups may have become smaller; it must only ever rise.
  transitions_ += before + (any ? 1 : 0);
}

void RuleEngine::hand_over(Known known, Millis now) {
  for (const auto& group : groups_) {
    for (std::size_t i = 0; i < group->size(); ++i) {
      const auto& states = group->alerts(i);
      if (!states || !states->all().empty()) continue;
      const auto found = known.find(key_of(group->group(), states->rule()));
      if (found == known.end()) continue;
      group->restore(i, std::move(found->second));
      known.erase(found);
    }
  }
  for (auto& [key, alerts] : known) {
    for (auto& alert : alerts) {
      if (alert.state == AlertState::pending) continue;
      if (alert.state == AlertState::firing) {
        alert.state = AlertState::inactive;
        alert.resolved_at = now;
        alert.unknown_since = std::nullopt;
      }
      orphans_.push_back(std::make_shared<const ActiveAlert>(std::move(alert)));
    }
  }
}

std::size_t RuleEngine::rules() const {
  std::size_t sum = 0;
  for (const auto& group : groups_) sum += group->size();
  return sum;
}

std::vector<std::size_t> RuleEngine::groups_of(const TargetId& target,
                                               const std::set<std::string, std::less<>>& names) const {
  const auto looks_at = [&](const RuleSelector& selector) {
    if (!selector.name().empty() && !names.contains(selector.name())) return false;
    if (!selector.can_match_target(target.system, target.name)) return false;
    return !selector.name().empty() ||
           std::ranges::any_of(names, [&](const std::string& name) { return selector.can_match_name(name); });
  };
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (std::ranges::any_of(selectors_[i], looks_at)) out.push_back(i);
  }
  return out;
}

Millis RuleEngine::reach() const {
  Millis longest = 0;
  for (const auto& group : groups_) {
    const auto offset = group->group().query_offset.value_or(settings_.query_offset);
    for (const auto& rule : group->group().rules) {
      longest = std::max(longest, promql::reach(*rule->expr, settings_.promql) + offset);
    }
  }
  return longest;
}

AlertView RuleEngine::view() const {
  AlertView out;
  for (const auto& group : groups_) {
    for (std::size_t i = 0; i < group->size(); ++i) {
      const auto& states = group->alerts(i);
      if (states && !states->all().empty()) out.rules_.push_back({group, states});
    }
  }
  out.orphans_ = orphans_;
  out.handed_over_ = handed_over_;
  out.external_url_ = settings_.external_url;
  return out;
}

std::vector<AlertPtr> RuleEngine::alerts(Millis now, Nanoseconds offset) const {
  AlertView::Made made;
  return view().alerts(now, offset, made);
}

std::vector<AlertPtr> AlertView::alerts(Millis now, Nanoseconds offset, Made& made) const {
  const auto wall = [offset](Millis at) { return WallTime(std::chrono::milliseconds(at) + offset); };
  Made next;
  std::vector<AlertPtr> out;
  const auto add = [&](const ActiveAlertPtr& alert, const auto& url) {
    if (alert->state == AlertState::pending || !alert->fired_at) return;
    if (alert->resolved_at && now - *alert->resolved_at > kResolvedRetention) return;
    auto known = made.extract(alert.get());
    if (!known) {
      made.emplace(alert.get(), std::pair(alert, std::make_shared<const Alert>(Alert{
                                                     .labels = alert->labels,
                                                     .annotations = alert->annotations,
                                                     .starts_at = wall(*alert->fired_at),
                                                     .ends_at = alert->resolved_at
                                                                    ? std::optional(wall(*alert->resolved_at))
                                                                    : std::nullopt,
                                                     .generator_url = url(),
                                                     .handed_over = false})));
      known = made.extract(alert.get());
    }
    out.push_back(known.mapped().second);
    next.insert(std::move(known));
  };
  for (const auto& [group, states] : rules_) {
    std::string url;
    const auto url_of_rule = [&] {
      if (url.empty()) {
        url = fmt::format("{}/graph?g0.expr={}&g0.tab=1", external_url_,
                          query_escape(promql::print(*states->rule().expr)));
      }
      return url;
    };
    for (const auto& entry : states->all()) add(entry.alert, url_of_rule);
  }
  if (!orphans_.empty() || !handed_over_.empty()) {
    // One that another rule has taken up is not over, and one that came back is ours.
    std::set<Labels> alive;
    for (const auto& alert : out) alive.insert(alert->labels);
    for (const auto& alert : orphans_) {
      if (!alive.contains(alert->labels)) add(alert, [this] { return external_url_; });
    }
    for (const auto& [alert, at] : handed_over_) {
      if (now - at > kResolvedRetention || alive.contains(alert->labels)) continue;
      out.push_back(std::make_shared<const Alert>(Alert{.labels = alert->labels,
                                                        .annotations = alert->annotations,
                                                        .starts_at = wall(*alert->fired_at),
                                                        .ends_at = std::nullopt,
                                                        .generator_url = "",
                                                        .handed_over = true}));
    }
  }
  made = std::move(next);
  return out;
}

AlertView::Counts AlertView::count() const {
  Counts out;
  for (const auto& [group, states] : rules_) {
    for (const auto& entry : states->all()) {
      out.pending += entry.alert->state == AlertState::pending ? 1 : 0;
      out.firing += entry.alert->state == AlertState::firing ? 1 : 0;
      out.unknown += entry.alert->unknown_since ? 1 : 0;
    }
  }
  return out;
}

SavedState AlertView::save(Millis now) const {
  SavedState out;
  out.at = now;
  for (const auto& [group, states] : rules_) {
    auto [name, rule, labels] = key_of(group->group(), states->rule());
    out.rules.push_back({std::move(name), std::move(rule), std::move(labels), alerts_of(*states)});
  }
  std::vector<ActiveAlert> recent;
  for (const auto& alert : orphans_) {
    if (now - *alert->resolved_at <= kResolvedRetention) recent.push_back(*alert);
  }
  if (!recent.empty()) out.rules.push_back({"", "", "", std::move(recent)});
  return out;
}

SavedState AlertView::save(Millis now, const TargetId& target) const {
  auto out = save(now);
  for (auto& rule : out.rules) {
    keep_those_of(target, rule.alerts);
  }
  std::erase_if(out.rules, [](const SavedRule& rule) { return rule.alerts.empty(); });
  return out;
}

void RuleEngine::adopt(SavedState state, const TargetId& target) {
  for (auto& rule : state.rules) {
    keep_those_of(target, rule.alerts);
    if (rule.alerts.empty()) continue;
    for (const auto& group : groups_) {
      for (std::size_t i = 0; i < group->size(); ++i) {
        const auto& states = group->alerts(i);
        if (!states || key_of(group->group(), states->rule()) != std::tie(rule.group, rule.rule, rule.labels))
          continue;
        group->adopt(i, std::exchange(rule.alerts, {}));
      }
    }
  }
  std::erase_if(handed_over_, [&](const HandedOver& one) {
    return one.alert->system == target.system && one.alert->target == target.name;
  });
}

void RuleEngine::let_go(const TargetId& target, Millis now) {
  std::erase_if(handed_over_, [&](const HandedOver& one) { return now - one.at > kResolvedRetention; });
  for (const auto& group : groups_) {
    for (auto& alert : group->let_go(target.system, target.name)) {
      if (alert->state == AlertState::firing) handed_over_.push_back({std::move(alert), now});
    }
  }
}

bool RuleEngine::is_handed_over(const Labels& alert) const {
  return std::ranges::any_of(handed_over_, [&](const HandedOver& one) { return one.alert->labels == alert; });
}

void RuleEngine::restore(SavedState state, Millis now) {
  Known known;
  for (auto& rule : state.rules) {
    known.emplace(std::tuple(std::move(rule.group), std::move(rule.rule), std::move(rule.labels)),
                  std::move(rule.alerts));
  }
  hand_over(std::move(known), now);
}

std::uint64_t RuleEngine::transitions() const {
  auto sum = transitions_;
  for (const auto& group : groups_) sum += group->transitions();
  return sum;
}

bool RuleEngine::any_pending() const {
  return std::ranges::any_of(groups_, [](const auto& group) { return group->any_pending(); });
}

}  // namespace qw::rules
