#include "daemon/journal/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "daemon/base/duration.hpp"
#include "daemon/base/stable_sort.hpp"
#include "daemon/base/text.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/finders.hpp"
#include "daemon/journal/open_events.hpp"
#include "daemon/journal/pace.hpp"

namespace qw::journal {
namespace {

constexpr std::string_view kSilent = "silent";

/// Whether it was told that something began: only then its end is.
enum class Told : std::uint8_t { yes, withheld, not_yet };

struct Open {
  Condition condition;
  SteadyTime heard{};  ///< the last round that said something about it
  Told told = Told::yes;
  SteadyTime began{};
  /// Of what flickers: the first of the rounds that show it no more.
  std::optional<SteadyTime> gone_since = {};
  WallTime gone_at{};
};

/// What was there for a moment is gone at once, too.
bool is_shown(const Open& one) {
  return one.told != Told::not_yet || !one.gone_since;
}

Condition condition_of(const Event& event) {
  return {.kind = event.kind,
          .severity = event.severity,
          .target = event.target,
          .subject = event.subject,
          .what = event.what,
          .text = event.text,
          .since = event.at,
          .unknown_since = {},
          .evidence = event.evidence};
}

}  // namespace

struct Watch::State {
  std::map<ConditionKey, Open> open;
  Findings::IsOpen keys;  ///< of `open`
  Memory memory;
  Pace pace;
  std::uint64_t number = 0;  ///< of the last round; 0: none yet
  SteadyTime last_answer{};

  void add(ConditionKey key, Open one) {
    keys.insert(key);
    open.insert_or_assign(std::move(key), std::move(one));
  }
  auto remove(std::map<ConditionKey, Open>::iterator at) {
    keys.erase(at->first);
    return open.erase(at);
  }
  std::ptrdiff_t shown() const {
    return std::ranges::count_if(open, [](const auto& entry) { return is_shown(entry.second); });
  }
};

/// The events of one round, as far as they may be told.
struct Watch::Tell {
  Tell(State& state_, const Round& round_, std::uint64_t& left_out_)
      : state(state_), round(round_), left_out(left_out_) {}

  bool add(Event event) {
    if (events.size() >= kMostEvents) {
      ++left_out;
      return false;
    }
    make_safe(event);
    events.push_back(std::move(event));
    return true;
  }

  /// The same key is told at its own pace.
  bool add_paced(Event event) {
    const ConditionKey key{event.what, event.subject};
    if (!state.pace.take(key, round.finished)) {
      ++left_out;
      return false;
    }
    if (const auto withheld = state.pace.withheld(key); withheld > 0)
      event.evidence.emplace_back("withheld_before", std::to_string(withheld));
    return add(std::move(event));
  }

  void began(Findings::Finding finding) {
    if (state.open.size() >= kMostConditions) {
      ++left_out;
      return;
    }
    ConditionKey key{finding.what, finding.subject};
    auto event = event_of(finding, Change::began);
    make_safe(event);
    auto condition = condition_of(event);
    auto told = Told::not_yet;
    if (!finding.flickers) told = add_paced(std::move(event)) ? Told::yes : Told::withheld;
    state.add(
        std::move(key),
        {.condition = std::move(condition), .heard = round.finished, .told = told, .began = round.finished});
  }

  /// What has held for long enough to be an event.
  void lasts(Open& open) {
    if (open.told != Told::not_yet || round.finished - open.began < kMatters) return;
    auto event = beginning_of(open.condition);
    event.evidence = open.condition.evidence;
    open.told = add_paced(std::move(event)) ? Told::yes : Told::withheld;
  }

  /// What flickers is not over because one round does not show it. True: it is by now.
  bool is_over(Open& open) {
    open.heard = round.finished;
    if (!open.gone_since) {
      open.gone_since = round.finished;
      open.gone_at = round.at;
      open.condition.unknown_since.reset();
      open.condition.text += "; not just now";
    }
    return round.finished - *open.gone_since >= kMatters;
  }

  void goes_on(Open& open, Findings::Finding finding) {
    auto& condition = open.condition;
    const bool worse = finding.severity > condition.severity;
    auto event = event_of(finding, Change::happened);
    make_safe(event);
    condition.severity = finding.severity;
    condition.text = event.text;
    condition.evidence = event.evidence;
    condition.unknown_since.reset();
    open.heard = round.finished;
    open.gone_since.reset();
    lasts(open);
    if (worse) add_paced(std::move(event));
  }

  void ended(std::map<ConditionKey, Open>::iterator at, std::string text, Evidence evidence = {}) {
    const auto& one = at->second;
    if (one.told == Told::yes)
      add(end_of(beginning_of(one.condition), one.gone_since ? one.gone_at : round.at, std::move(text),
                 std::move(evidence)));
    state.remove(at);
  }

  Event event_of(const Findings::Finding& finding, Change change) const {
    return {.at = round.at,
            .kind = finding.kind,
            .change = change,
            .severity = finding.severity,
            .target = round.target,
            .subject = finding.subject,
            .what = finding.what,
            .text = finding.text,
            .evidence = finding.evidence};
  }

  State& state;
  const Round& round;
  std::uint64_t& left_out;
  std::vector<Event> events;
};

Watch::Watch() = default;
Watch::~Watch() = default;

std::vector<Event> Watch::on_round(const Round& round) {
  auto& known = targets_[round.target];
  if (!known) known = std::make_shared<State>();
  auto& state = *known;
  // A target that was made anew counts from the beginning.
  if (round.number <= state.number) state.memory.counters.reset();
  state.number = round.number;
  const auto shown = state.shown();
  Tell tell(state, round, left_out_);
  if (round.success) {
    judge(state, round, tell);
  } else {
    for (auto& [key, one] : state.open) {
      if (key.what != kSilent && !one.condition.unknown_since) one.condition.unknown_since = round.at;
    }
    Findings::Finding finding{.kind = Kind::target,
                              .severity = Severity::critical,
                              .what = std::string(kSilent),
                              .subject = "",
                              .text = "nobody answers: " + sanitize(round.reason, kMaxText),
                              .evidence = {{"quorumwatch_probe_success", "0"}}};
    const auto open = state.open.find({std::string(kSilent), ""});
    open == state.open.end() ? tell.began(std::move(finding))
                             : tell.goes_on(open->second, std::move(finding));
  }
  sort_stably(tell.events, &Event::kind);
  if (!tell.events.empty() || state.shown() != shown) ++changes_;
  return std::move(tell.events);
}

void Watch::judge(State& state, const Round& round, Tell& tell) {
  if (const auto silent = state.open.find({std::string(kSilent), ""}); silent != state.open.end())
    tell.ended(silent, "it answers again", {{"quorumwatch_probe_success", "1"}});
  state.memory.counters.begin();
  const auto picked = picker_.pick(round);
  Findings findings(state.keys);
  find_silent_members(round, findings);
  find_leadership(picked, state.memory, findings);
  find_replication(picked, findings);
  find_consumers(picked, state.memory, findings);
  find_wires(picked, findings);
  find_clocks(picked, state.memory, findings);
  find_states(picked, state.memory, findings);
  for (auto& finding : findings.over()) {
    const auto found = state.open.find({finding.what, finding.subject});
    if (found == state.open.end() || (finding.flickers && !tell.is_over(found->second))) continue;
    tell.ended(found, std::move(finding.text), std::move(finding.evidence));
  }
  for (auto& finding : findings.wrong()) {
    const auto found = state.open.find({finding.what, finding.subject});
    found == state.open.end() ? tell.began(std::move(finding))
                              : tell.goes_on(found->second, std::move(finding));
  }
  for (auto& finding : findings.events()) {
    auto event = tell.event_of(finding, Change::happened);
    if (is_news(event, round, state.last_answer)) tell.add_paced(std::move(event));
  }
  for (auto at = state.open.begin(); at != state.open.end();) {
    const auto next = std::next(at);
    auto& one = at->second;
    if (one.heard == SteadyTime{}) one.heard = round.finished - Nanoseconds(1);  // of an earlier run
    if (one.heard != round.finished) {
      if (!one.condition.unknown_since) one.condition.unknown_since = round.at;
      if (round.finished - one.heard >= kGiveUpAfter)
        tell.ended(at, fmt::format("nothing was heard of it for {}: how it ended nobody knows",
                                   spoken_duration(seconds(kGiveUpAfter))));
    }
    at = next;
  }
  state.last_answer = round.finished;
}

/// A step of our own clock is seen by every target: it is told once, and of none of them.
bool Watch::is_news(const Event& event, const Round& round, SteadyTime before) {
  if (event.what != kOwnStep) return true;
  auto& told = own_steps_[event.subject];
  if (before < told) return false;
  told = round.finished;
  return true;
}

void Watch::restore(std::span<const Event> open, WallTime at) {
  for (const auto& event : open) {
    auto& known = targets_[event.target];
    if (!known) known = std::make_shared<State>();
    const ConditionKey key{event.what, event.subject};
    if (const auto found = known->open.find(key); found != known->open.end()) {
      found->second.condition.since = event.at;
      found->second.told = Told::yes;
      continue;
    }
    if (known->open.size() >= kMostConditions) {
      ++left_out_;
      continue;
    }
    Open one{.condition = condition_of(event)};
    one.condition.unknown_since = at;
    known->add(key, std::move(one));
  }
}

std::vector<Event> Watch::forget_members(const TargetId& target, std::span<const std::string> members,
                                         WallTime at) {
  std::vector<Event> ends;
  const auto known = targets_.find(target);
  if (known == targets_.end()) return ends;
  std::set<std::string> gone;
  for (const auto& member : members) gone.insert(subject_of(member));
  auto& state = *known->second;
  for (auto one = state.open.begin(); one != state.open.end();) {
    const auto next = std::next(one);
    if (gone.contains(one->first.subject)) {
      if (one->second.told == Told::yes)
        ends.push_back(end_of(beginning_of(one->second.condition), at, "it is no longer a member"));
      state.remove(one);
    }
    one = next;
  }
  return ends;
}

void Watch::forget(const TargetId& target) {
  targets_.erase(target);
}

std::vector<Condition> Watch::conditions() const {
  std::vector<Condition> out;
  for (const auto& [id, state] : targets_) {
    for (const auto& [key, one] : state->open) {
      if (!is_shown(one)) continue;
      out.push_back(one.condition);
      out.back().told = one.told == Told::yes;
    }
  }
  sort_stably(out,
              [](const Condition& one) { return std::tuple(-static_cast<int>(one.severity), one.since); });
  return out;
}

}  // namespace qw::journal
