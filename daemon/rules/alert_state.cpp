#include "daemon/rules/alert_state.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qw::rules {

std::string_view name(AlertState state) {
  switch (state) {
    case AlertState::inactive:
      return "inactive";
    case AlertState::pending:
      return "pending";
    case AlertState::firing:
      break;
  }
  return "firing";
}

AlertStates::AlertStates(RulePtr rule)
    : rule_(std::move(rule)),
      selectors_(selectors_of(*rule_->expr)),
      asks_for_absence_(rules::asks_for_absence(*rule_->expr)),
      range_(longest_range(*rule_->expr)) {}

Result<void> AlertStates::update(std::vector<Candidate> candidates, Millis at, std::size_t limit,
                                 const DataHealth* health) {
  std::map<Labels, Candidate*> by_labels;
  for (auto& candidate : candidates) {
    if (by_labels.emplace(candidate.labels, &candidate).second) continue;
    return fail(ErrorKind::rejected,
                "vector contains metrics with the same labelset after applying alert labels");
  }
  for (const auto& [labels, candidate] : by_labels) {
    auto& alert = alerts_[labels];
    const bool is_new = alert.labels.empty() || alert.state == AlertState::inactive;
    if (is_new) {
      alert = ActiveAlert();
      alert.labels = labels;
      alert.active_at = at;
      ++transitions_;
    }
    alert.value = candidate->value;
    alert.annotations = std::move(candidate->annotations);
    alert.system = std::move(candidate->system);
    alert.target = std::move(candidate->target);
  }
  std::size_t active = 0;
  for (auto entry = alerts_.begin(); entry != alerts_.end();) {
    const auto outcome =
        by_labels.contains(entry->first) ? present(entry->second, at) : missing(entry->second, at, health);
    active += outcome == Outcome::active ? 1 : 0;
    entry = outcome == Outcome::gone ? alerts_.erase(entry) : std::next(entry);
  }
  if (limit > 0 && active > limit) {
    alerts_.clear();
    ++transitions_;
    return fail(ErrorKind::rejected, fmt::format("exceeded limit of {} with {} alerts", limit, active));
  }
  return {};
}

AlertStates::Outcome AlertStates::present(ActiveAlert& alert, Millis at) {
  if (alert.unknown_since) ++transitions_;
  alert.keep_firing_since = std::nullopt;
  alert.unknown_since = std::nullopt;
  const bool due = at - alert.active_at >= rule_->hold;
  if (alert.state == AlertState::pending && due) {
    alert.state = AlertState::firing;
    alert.fired_at = at;
    ++transitions_;
  } else if (alert.state == AlertState::firing && !due) {
    // A reload made `for` longer.
    alert.state = AlertState::pending;
    alert.fired_at = std::nullopt;
    ++transitions_;
  }
  return Outcome::active;
}

AlertStates::Outcome AlertStates::missing(ActiveAlert& alert, Millis at, const DataHealth* health) {
  if (alert.state != AlertState::inactive && health && is_unknown(alert, at, *health)) {
    if (!alert.unknown_since) ++transitions_;
    alert.unknown_since = alert.unknown_since.value_or(at);
    return Outcome::active;
  }
  alert.unknown_since = std::nullopt;
  if (keeps_firing(alert, at)) return Outcome::active;
  const bool over = alert.resolved_at && at - *alert.resolved_at > kResolvedRetention;
  if (alert.state == AlertState::pending || over) {
    ++transitions_;
    return Outcome::gone;
  }
  if (alert.state == AlertState::firing) {
    alert.state = AlertState::inactive;
    alert.resolved_at = at;
    ++transitions_;
  }
  return Outcome::ended;
}

bool AlertStates::keeps_firing(ActiveAlert& alert, Millis at) const {
  if (alert.state != AlertState::firing || rule_->keep_firing <= 0) return false;
  if (!alert.keep_firing_since) alert.keep_firing_since = at;
  return at - *alert.keep_firing_since < rule_->keep_firing;
}

bool AlertStates::is_unknown(const ActiveAlert& alert, Millis at, const DataHealth& health) const {
  if (asks_for_absence_) return false;
  // What made it true may lie before our start, in history that nobody has any more.
  const bool older = alert.active_at < health.since;
  if (older && range_ > 0 && at - range_ < health.since) return true;
  return std::ranges::any_of(health.targets, [&](const TargetHealth& target) {
    return !target.answered && may_come_from(alert, target);
  });
}

bool AlertStates::may_come_from(const ActiveAlert& alert, const TargetHealth& target) const {
  if (!alert.system.empty() && alert.system != target.system) return false;
  if (!alert.target.empty() && alert.target != target.target) return false;
  return std::ranges::any_of(selectors_, [&](const RuleSelector& selector) {
    if (!selector.can_match_target(target.system, target.target)) return false;
    if (!target.names) return true;
    if (!selector.name().empty()) return target.names->contains(selector.name());
    return std::ranges::any_of(*target.names,
                               [&](const std::string& name) { return selector.can_match_name(name); });
  });
}

AlertState AlertStates::state() const {
  auto highest = AlertState::inactive;
  for (const auto& [labels, alert] : alerts_) highest = std::max(highest, alert.state);
  return highest;
}

void AlertStates::restore(std::vector<ActiveAlert> alerts) {
  for (auto& alert : alerts) {
    auto labels = alert.labels;
    alerts_.insert_or_assign(std::move(labels), std::move(alert));
  }
}

}  // namespace qw::rules
