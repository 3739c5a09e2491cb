#include "daemon/journal/alert_watch.hpp"

#include <fmt/format.h>

#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/findings.hpp"

namespace qw::journal {
namespace {

using rules::ActiveAlert;
using rules::AlertState;

constexpr std::string_view kPending = "pending", kFiring = "firing", kUnknown = "unknown";

Severity severity_of(const Labels& labels) {
  const auto word = labels.get("severity");
  if (word == "critical" || word == "page") return Severity::critical;
  return word == "info" ? Severity::info : Severity::warning;
}

/// "QuorumwatchReplicationLag member=10.0.0.2:6379": what tells it from others of its name and target.
std::string name_of(const Labels& labels) {
  std::string out = sanitize(labels.get("alertname"), kMaxSubject);
  for (const auto& [name, value] : labels) {
    if (name == "alertname" || name == "severity" || name == "system" || name == "target") continue;
    out += fmt::format(" {}={}", name, value);
    if (out.size() > kMaxSubject) break;
  }
  return subject_of(out);
}

TargetId target_of(const ActiveAlert& alert) {
  return {.system = sanitize(alert.system), .name = sanitize(alert.target)};
}

Evidence evidence_of(const ActiveAlert& alert) {
  Evidence out{{"alertname", std::string(alert.labels.get("alertname"))},
               {"value", print_number(alert.value)}};
  for (const auto* annotation : {"description", "runbook_url"}) {
    const auto text = alert.annotations.get(annotation);
    if (!text.empty()) out.emplace_back(annotation, text);
  }
  return out;
}

/// The events of one look.
class Tell {
 public:
  Tell(const rules::RuleEngine& engine, WallTime at, std::uint64_t& left_out)
      : engine_(engine), at_(at), left_out_(left_out) {}

  /// Both in order of labels.
  void compare(const rules::AlertStates* before, const rules::AlertStates* now) {
    static const std::vector<rules::AlertStates::Entry> kNone;
    const auto& old = before ? before->all() : kNone;
    const auto& fresh = now ? now->all() : kNone;
    auto a = old.begin();
    for (auto b = fresh.begin(); a != old.end() || b != fresh.end();) {
      if (b == fresh.end() || (a != old.end() && a->alert->labels < b->alert->labels)) {
        changed(&*(a++)->alert, nullptr);
      } else if (a == old.end() || b->alert->labels < a->alert->labels) {
        changed(nullptr, &*(b++)->alert);
      } else {
        if (a->alert != b->alert) changed(&*a->alert, &*b->alert);
        ++a;
        ++b;
      }
    }
  }
  std::vector<Event> take() { return std::move(events_); }

 private:
  /// What ends comes before what takes its place.
  void changed(const ActiveAlert* old, const ActiveAlert* fresh) {
    const auto before = old ? old->state : AlertState::inactive;
    const auto now = fresh ? fresh->state : AlertState::inactive;
    const bool was_unknown = old && old->unknown_since && before != AlertState::inactive;
    const bool is_unknown = fresh && fresh->unknown_since && now != AlertState::inactive;
    if (before == now && was_unknown == is_unknown) return;
    const auto& alert = fresh ? *fresh : *old;
    const auto text = alert.annotations.get("summary");
    const auto summary = text.empty() ? "" : ": " + sanitize(text, kMaxText / 2);
    if (was_unknown && !is_unknown)
      tell(alert, kUnknown, Change::ended, Severity::info, "it is known again whether it holds");
    if (before == AlertState::pending && now != before)
      tell(alert, kPending, Change::ended, Severity::info,
           now == AlertState::firing ? "it fires now" : "its condition did not hold for long enough");
    if (before == AlertState::firing && now != before)
      tell(alert, kFiring, Change::ended, Severity::info,
           !fresh && engine_.is_handed_over(alert.labels)
               ? "another daemon asks the target now, and tells of it"
               : "it has ended" + summary);
    if (now == AlertState::pending && now != before)
      tell(alert, kPending, Change::began, Severity::info, "it is pending" + summary);
    if (now == AlertState::firing && now != before)
      tell(alert, kFiring, Change::began, severity_of(alert.labels), "it fires" + summary);
    if (is_unknown && !was_unknown)
      tell(alert, kUnknown, Change::began, Severity::warning,
           "what it looks at does not answer: it keeps its state, and nobody knows whether it still holds");
  }

  void tell(const ActiveAlert& alert, std::string_view what, Change change, Severity severity,
            std::string text) {
    if (events_.size() >= AlertWatch::kMostEvents) {
      ++left_out_;
      return;
    }
    Event event{.at = at_,
                .kind = Kind::alert,
                .change = change,
                .severity = severity,
                .target = target_of(alert),
                .subject = name_of(alert.labels),
                .what = std::string(what),
                .text = std::move(text),
                .evidence = evidence_of(alert)};
    make_safe(event);
    events_.push_back(std::move(event));
  }

  const rules::RuleEngine& engine_;
  WallTime at_;
  std::uint64_t& left_out_;
  std::vector<Event> events_;
};

}  // namespace

AlertWatch::All AlertWatch::read(const rules::RuleEngine& engine) {
  All out;
  for (std::size_t i = 0; i < engine.size(); ++i) {
    const auto& group = engine.group(i);
    const auto name = group.group().file + ";" + group.group().name;
    for (std::size_t rule = 0; rule < group.size(); ++rule) {
      auto states = group.alerts(rule);
      if (!states) continue;
      Key key{name, states->rule().name, 0};
      while (out.contains(key)) ++std::get<2>(key);
      out.emplace(std::move(key), std::move(states));
    }
  }
  return out;
}

std::vector<Event> AlertWatch::on_cycle(const rules::RuleEngine& engine, WallTime at) {
  auto now = read(engine);
  Tell tell(engine, at, left_out_);
  for (const auto& [key, states] : known_) {
    const auto found = now.find(key);
    const auto* fresh = found == now.end() ? nullptr : found->second.get();
    if (fresh != states.get()) tell.compare(states.get(), fresh);
  }
  for (const auto& [key, states] : now) {
    if (!known_.contains(key)) tell.compare(nullptr, states.get());
  }
  known_ = std::move(now);
  return tell.take();
}

AlertWatch::Open AlertWatch::open() const {
  Open out;
  for (const auto& [key, states] : known_) {
    for (const auto& entry : states->all()) {
      const auto& alert = *entry.alert;
      if (alert.state == AlertState::inactive) continue;
      out.emplace(target_of(alert), name_of(alert.labels), rules::name(alert.state));
      if (alert.unknown_since) out.emplace(target_of(alert), name_of(alert.labels), kUnknown);
    }
  }
  return out;
}

}  // namespace qw::journal
