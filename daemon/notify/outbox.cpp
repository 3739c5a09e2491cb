#include "daemon/notify/outbox.hpp"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace qw::notify {

void Outbox::update(const std::vector<AlertPtr>& alerts, SteadyTime now, WallTime wall) {
  for (auto& [key, entry] : entries_) entry.listed = false;
  for (const auto& alert : alerts) {
    if (const auto known = unchanged_.find(alert); known != unchanged_.end()) {
      known->second->listed = true;
      continue;
    }
    auto found = entries_.find(alert);
    if (alert->handed_over) {
      if (found == entries_.end()) continue;
      entries_.erase(found);
      unchanged_.clear();
      continue;
    }
    if (found == entries_.end()) {
      if (entries_.size() >= options_.max_alerts && (alert->ends_at || !make_room())) {
        ++left_out_;
        continue;
      }
      found = entries_.emplace(alert, Entry{.alert = alert, .due = now, .since = now, .number = ++arrivals_})
                  .first;
    } else {
      take_over(found->second, alert, now);
    }
    found->second.listed = true;
  }
  for (auto& [key, entry] : entries_) {
    if (entry.listed || !fires(entry)) continue;
    auto ended = std::make_shared<Alert>(*entry.alert);
    ended->ends_at = wall;
    take_over(entry, ended, now);
  }
  std::erase_if(entries_, [&](const auto& one) { return is_done(one.second, now); });
  unchanged_.clear();
  unchanged_.reserve(entries_.size());
  for (auto& [key, entry] : entries_) unchanged_.emplace(entry.alert, &entry);
}

std::size_t Outbox::SameLabels::operator()(const AlertPtr& alert) const {
  constexpr std::hash<std::string_view> kText;
  std::size_t sum = 0;
  for (const auto& [name, value] : alert->labels) sum = sum * 31 + kText(name) * 7 + kText(value);
  return sum;
}

void Outbox::adopt(Outbox&& other) {
  entries_ = std::move(other.entries_);
  unchanged_.clear();
  other.unchanged_.clear();
}

/// A changed annotation waits for the next time that the alert is said anyway, as in Prometheus: a value in
/// it changes with every evaluation.
void Outbox::take_over(Entry& entry, const AlertPtr& alert, SteadyTime now) {
  const bool same_state = entry.alert->ends_at.has_value() == alert->ends_at.has_value();
  const bool same = entry.alert == alert || *entry.alert == *alert;
  if (!same) entry.alert = alert;
  // What was refused may be taken in its new form, but a form that changes all the time must not be a flood.
  if (!same && std::exchange(entry.refused, false)) entry.due = now + options_.resend;
  if (same_state) return;
  entry.since = now;
  entry.due = now;
}

bool Outbox::make_room() {
  const auto oldest = std::ranges::min_element(
      entries_, {}, [](const auto& one) { return std::pair(fires(one.second), one.second.since); });
  if (oldest == entries_.end() || fires(oldest->second)) return false;
  entries_.erase(oldest);
  unchanged_.clear();
  ++left_out_;
  return true;
}

bool Outbox::is_waiting(const Entry& entry) const {
  return !entry.refused && entry.said != state(*entry.alert);
}

bool Outbox::is_held(const Entry& entry) const {
  return held_ &&
         (options_.never_held.empty() || entry.alert->labels.get("alertname") != options_.never_held);
}

bool Outbox::wants_sending(const Entry& entry) const {
  if (entry.refused) return false;
  if (fires(entry)) return !is_held(entry);
  return entry.said != Said::ended && (!is_held(entry) || entry.said != Said::nothing);
}

/// The rules keep an ended alert among theirs for a while; it must not come back as a new one.
bool Outbox::is_done(const Entry& entry, SteadyTime now) const {
  if (entry.listed || fires(entry)) return false;
  return entry.said == Said::ended || entry.refused || now - entry.since > options_.keep_ended;
}

std::vector<AlertPtr> Outbox::due(SteadyTime now) const {
  std::vector<const Entry*> ready;
  for (const auto& [key, entry] : entries_) {
    if (wants_sending(entry) && entry.due <= now) ready.push_back(&entry);
  }
  const auto count = std::min(ready.size(), options_.batch);
  const auto middle = ready.begin() + static_cast<std::ptrdiff_t>(count);
  std::ranges::partial_sort(ready, middle, {},
                            [](const Entry* entry) { return std::pair(entry->due, entry->number); });
  std::vector<AlertPtr> out;
  for (std::size_t i = 0; i < count; ++i) out.push_back(ready[i]->alert);
  return out;
}

std::optional<SteadyTime> Outbox::next_due() const {
  std::optional<SteadyTime> next;
  for (const auto& [key, entry] : entries_) {
    if (wants_sending(entry)) next = std::min(next.value_or(entry.due), entry.due);
  }
  return next;
}

void Outbox::begin(const std::vector<AlertPtr>& alerts) {
  for (const auto& alert : alerts) {
    const auto found = entries_.find(alert);
    if (found != entries_.end() && found->second.said != state(*alert)) found->second.said = Said::unsure;
  }
}

/// What changed while the request was under way has another alert by now, and stays due.
void Outbox::acknowledge(const std::vector<AlertPtr>& alerts, SteadyTime now) {
  for (const auto& alert : alerts) {
    const auto found = entries_.find(alert);
    if (found == entries_.end()) continue;
    auto& entry = found->second;
    entry.said = state(*alert);
    if (fires(entry) == !alert->ends_at) entry.due = now + options_.resend;
  }
}

void Outbox::refuse(const AlertPtr& alert) {
  const auto found = entries_.find(alert);
  if (found != entries_.end() && fires(found->second) == !alert->ends_at) found->second.refused = true;
}

std::size_t Outbox::waiting() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [this](const auto& one) { return is_waiting(one.second); }));
}

}  // namespace qw::notify
