#include "daemon/rules/alert_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

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
      selectors_(std::make_shared<const std::vector<RuleSelector>>(selectors_of(*rule_->expr))),
      asks_for_absence_(rules::asks_for_absence(*rule_->expr)),
      range_(longest_range(*rule_->expr)) {}

std::size_t AlertStates::place_of(const Labels& labels) const {
  const auto found = std::ranges::lower_bound(
      alerts_, labels, {}, [](const Entry& entry) -> const Labels& { return entry.alert->labels; });
  const bool there = found != alerts_.end() && found->alert->labels == labels;
  return there ? static_cast<std::size_t>(found - alerts_.begin()) : alerts_.size();
}

const ActiveAlert* AlertStates::find(const Labels& labels) const {
  const auto place = place_of(labels);
  return place == alerts_.size() ? nullptr : alerts_[place].alert.get();
}

std::optional<std::size_t> AlertStates::recall(std::size_t& cursor, const Labels& source) const {
  // A few results may have gone since; where more did, it is only slower for once.
  constexpr std::size_t kAhead = 8;
  for (auto i = cursor; i < std::min(order_.size(), cursor + kAhead); ++i) {
    const auto& entry = alerts_[order_[i]];
    if (!entry.source || *entry.source != source) continue;
    cursor = i + 1;
    return order_[i];
  }
  return std::nullopt;
}

Result<void> AlertStates::update(std::vector<Candidate> candidates, Millis at, std::size_t limit,
                                 const DataHealth* health, const Look& look) {
  const auto twice = [] {
    return fail(ErrorKind::rejected,
                "vector contains metrics with the same labelset after applying alert labels");
  };
  // First where each one belongs, as the same labels twice must change nothing.
  constexpr std::size_t kNobody = static_cast<std::size_t>(-1);
  std::vector<std::size_t> candidate_of(alerts_.size(), kNobody);
  std::vector<std::size_t> added;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto place = candidates[i].known ? *candidates[i].known : place_of(candidates[i].labels);
    if (place == alerts_.size()) {
      added.push_back(i);
      continue;
    }
    if (candidate_of[place] != kNobody) return twice();
    candidate_of[place] = i;
  }
  const auto labels_of = [&](std::size_t i) -> const Labels& { return candidates[i].labels; };
  std::ranges::sort(added, {}, labels_of);
  if (std::ranges::adjacent_find(added, {}, labels_of) != added.end()) return twice();

  std::vector<Entry> next;
  next.reserve(alerts_.size() + added.size());
  order_.assign(candidates.size(), 0);
  std::size_t active = 0;
  const auto keep = [&](Entry entry, std::size_t candidate, Outcome outcome) {
    active += outcome == Outcome::active ? 1 : 0;
    if (outcome == Outcome::gone) return;
    if (candidate != kNobody) order_[candidate] = static_cast<std::uint32_t>(next.size());
    next.push_back(std::move(entry));
  };
  const auto add_new = [&](std::size_t i) {
    Entry entry;
    take(entry, candidates[i], at);
    keep(std::move(entry), i, Outcome::active);
  };
  auto new_one = added.begin();
  for (std::size_t place = 0; place < alerts_.size(); ++place) {
    auto& entry = alerts_[place];
    while (new_one != added.end() && candidates[*new_one].labels < entry.alert->labels) add_new(*new_one++);
    const auto candidate = candidate_of[place];
    if (candidate != kNobody) {
      take(entry, candidates[candidate], at);
      keep(std::move(entry), candidate, Outcome::active);
      continue;
    }
    auto alert = *entry.alert;
    const auto outcome = missing(alert, at, health, look);
    if (alert != *entry.alert) entry.alert = std::make_shared<const ActiveAlert>(std::move(alert));
    keep(std::move(entry), kNobody, outcome);
  }
  while (new_one != added.end()) add_new(*new_one++);
  alerts_ = std::move(next);
  if (limit > 0 && active > limit) {
    alerts_.clear();
    order_.clear();
    ++transitions_;
    return fail(ErrorKind::rejected, fmt::format("exceeded limit of {} with {} alerts", limit, active));
  }
  return {};
}

/// The entry as of this evaluation, in which it has a result.
void AlertStates::take(Entry& entry, Candidate& candidate, Millis at) {
  const bool is_new = !entry.alert || entry.alert->state == AlertState::inactive;
  auto alert = entry.alert ? *entry.alert : ActiveAlert();
  if (is_new) {
    auto labels = entry.alert ? std::move(alert.labels) : std::move(candidate.labels);
    if (!candidate.same_annotations) alert.annotations = Labels();
    ActiveAlert begun;
    begun.labels = std::move(labels);
    begun.annotations = std::move(alert.annotations);
    begun.active_at = at;
    alert = std::move(begun);
    ++transitions_;
  }
  alert.value = candidate.value;
  if (!candidate.same_annotations) alert.annotations = std::move(candidate.annotations);
  alert.system = std::move(candidate.system);
  alert.target = std::move(candidate.target);
  present(alert, at);
  entry.incomplete = candidate.incomplete;
  if (!entry.source || *entry.source != candidate.source)
    entry.source = std::make_shared<const Labels>(std::move(candidate.source));
  if (!entry.alert || *entry.alert != alert)
    entry.alert = std::make_shared<const ActiveAlert>(std::move(alert));
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

AlertStates::Outcome AlertStates::missing(ActiveAlert& alert, Millis at, const DataHealth* health,
                                          const Look& look) {
  if (alert.state != AlertState::inactive && health && is_unknown(alert, at, *health, look)) {
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

bool AlertStates::is_unknown(const ActiveAlert& alert, Millis at, const DataHealth& health,
                             const Look& look) const {
  // Not even a rule that asks for absence can say more before we have looked.
  const bool taken = std::ranges::any_of(health.targets, [&](const TargetHealth& target) {
    return is_too_new(alert, target, at) && may_come_from(alert, target);
  });
  if (taken) return true;
  if (asks_for_absence_) return false;
  // What made it true may lie before our start, in history that nobody has any more.
  const bool older = alert.active_at < health.since;
  if (older && range_ > 0 && at - range_ < health.since) return true;
  // Looking at the series is not free, and is the same for all targets.
  std::optional<SeriesThere> there;
  return std::ranges::any_of(health.targets, [&](const TargetHealth& target) {
    if (target.answered && target.silent.empty()) return false;
    if (!may_come_from(alert, target)) return false;
    if (!target.answered) return true;
    if (!look) return false;
    const auto member = alert.labels.get("member");
    if (!member.empty() && !target.silent.contains(member)) return false;
    if (!there) there = look(alert);
    // Somebody is silent: where the alert names no member, it is unknown only if nothing of it is left.
    return *there == SeriesThere::none || (!member.empty() && *there == SeriesThere::some);
  });
}

bool AlertStates::is_too_new(const ActiveAlert& alert, const TargetHealth& target, Millis at) const {
  if (!target.taken_at || alert.active_at >= *target.taken_at) return false;
  return at - *target.taken_at < std::max({kLeastWatched, rule_->hold, range_});
}

bool AlertStates::may_come_from(const ActiveAlert& alert, const TargetHealth& target) const {
  if (!alert.system.empty() && alert.system != target.system) return false;
  if (!alert.target.empty() && alert.target != target.target) return false;
  return std::ranges::any_of(*selectors_, [&](const RuleSelector& selector) {
    if (!selector.can_match_target(target.system, target.target)) return false;
    if (!target.names) return true;
    if (!selector.name().empty()) return target.names->contains(selector.name());
    return std::ranges::any_of(*target.names,
                               [&](const std::string& name) { return selector.can_match_name(name); });
  });
}

AlertState AlertStates::state() const {
  auto highest = AlertState::inactive;
  for (const auto& entry : alerts_) highest = std::max(highest, entry.alert->state);
  return highest;
}

bool AlertStates::any_pending() const {
  return std::ranges::any_of(alerts_,
                             [](const Entry& entry) { return entry.alert->state == AlertState::pending; });
}

void AlertStates::restore(std::vector<ActiveAlert> alerts) {
  std::map<Labels, Entry> all;
  for (auto& entry : alerts_) all[entry.alert->labels] = std::move(entry);
  for (auto& alert : alerts) {
    Entry entry;
    entry.alert = std::make_shared<const ActiveAlert>(std::move(alert));
    auto labels = entry.alert->labels;
    all.insert_or_assign(std::move(labels), std::move(entry));
  }
  alerts_.clear();
  order_.clear();
  for (auto& [labels, entry] : all) alerts_.push_back(std::move(entry));
}

void AlertStates::adopt(std::vector<ActiveAlert> alerts) {
  std::erase_if(alerts, [this](const ActiveAlert& alert) {
    const auto* known = find(alert.labels);
    return known && known->state != AlertState::inactive;
  });
  if (alerts.empty()) return;
  restore(std::move(alerts));
  ++transitions_;
}

std::vector<ActiveAlertPtr> AlertStates::let_go(std::string_view system, std::string_view target) {
  std::vector<ActiveAlertPtr> gone;
  std::erase_if(alerts_, [&](const Entry& entry) {
    const auto& alert = *entry.alert;
    if (alert.state == AlertState::inactive || alert.system != system || alert.target != target) return false;
    gone.push_back(entry.alert);
    return true;
  });
  if (gone.empty()) return gone;
  order_.clear();
  ++transitions_;
  return gone;
}

std::vector<DerivedSample> AlertStates::write(const DerivedFamilies& families) {
  std::vector<DerivedSample> out;
  out.reserve(alerts_.size() * 2);
  for (auto& entry : alerts_) {
    const auto& alert = *entry.alert;
    if (alert.state == AlertState::inactive) continue;
    const bool firing = alert.state == AlertState::firing;
    auto series = entry.series ? *entry.series : Entry::Series();
    const auto make = [&](DerivedSeriesPtr& into, std::string_view name, bool with_state) {
      if (into) return false;
      auto labels = alert.labels;
      labels.set("__name__", name);
      if (with_state) labels.set("alertstate", rules::name(alert.state));
      into = families.make(labels);
      return true;
    };
    bool made = make(firing ? series.firing : series.pending, "ALERTS", true);
    made |= make(series.for_state, "ALERTS_FOR_STATE", false);
    if (alert.unknown_since) made |= make(series.unknown, "quorumwatch_alert_unknown", false);
    if (made) entry.series = std::make_shared<const Entry::Series>(series);
    out.push_back({firing ? series.firing : series.pending, 1});
    // Whole seconds, as in Prometheus.
    out.push_back({series.for_state, static_cast<double>(alert.active_at / 1000)});
    if (alert.unknown_since) out.push_back({series.unknown, 1});
  }
  return out;
}

}  // namespace qw::rules
