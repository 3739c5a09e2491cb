#include "daemon/journal/incidents.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "daemon/base/rfc3339.hpp"
#include "daemon/base/stable_sort.hpp"

namespace qw::journal {
namespace {

/// How far back something is looked for that came before.
constexpr Nanoseconds kBefore = std::chrono::minutes(5);
constexpr std::size_t kMostBefore = 8;
constexpr std::size_t kMostSequences = 50;

using Key = std::tuple<TargetId, Kind, std::string, std::string>;
Key key_of(const Event& event) {
  return {event.target, event.kind, event.what, event.subject};
}

std::optional<WallTime> evidence_time(const Event& event, std::string_view name) {
  for (const auto& [fact, value] : event.evidence) {
    if (fact == name) return parse_timestamp(value);
  }
  return std::nullopt;
}

bool is_effect(const Event& event) {
  if (event.change == Change::ended) return false;
  if (event.kind == Kind::election) return event.what != "planned" && event.what != "views_disagree";
  return event.kind == Kind::split_brain || event.kind == Kind::quorum;
}

bool is_precursor(const Event& event) {
  if (event.change == Change::ended) return false;
  return event.kind == Kind::target || event.kind == Kind::replication || event.kind == Kind::round_trip ||
         event.kind == Kind::clock;
}

}  // namespace

std::vector<Incident> find_incidents(const std::vector<Event>& events, WallTime from, WallTime to) {
  std::vector<Incident> out;
  std::map<Key, std::size_t> open;
  for (const auto& event : events) {
    if (event.change == Change::happened) continue;
    const auto key = key_of(event);
    const auto found = open.find(key);
    if (event.change == Change::began) {
      if (found == open.end()) {
        open[key] = out.size();
        out.push_back({.began = event, .ended = {}});
      }
    } else if (found != open.end()) {
      out[found->second].ended = event;
      open.erase(found);
    }
  }
  std::erase_if(
      out, [&](const Incident& one) { return one.began.at > to || (one.ended && one.ended->at < from); });
  sort_stably(out, [](const Incident& one) { return one.began.at; });
  return out;
}

std::vector<Gap> find_gaps(const std::vector<Event>& events, const ReportOptions& options) {
  std::vector<Gap> out;
  std::optional<Event> stopped;
  std::optional<WallTime> last;
  for (const auto& event : events) {
    if (event.kind == Kind::daemon && event.what == "stopped") stopped = event;
    if (event.kind == Kind::daemon && event.what == "started" && last) {
      const bool in_order = stopped.has_value();
      // Of a run that was killed the touched file tells until when it lived.
      auto from =
          in_order ? stopped->at : std::max(*last, evidence_time(event, "last_alive").value_or(*last));
      out.push_back({.from = std::min(from, event.at), .to = event.at, .in_order = in_order});
      stopped.reset();
    }
    last = event.at;
  }
  if (stopped) {
    out.push_back({.from = stopped->at, .to = options.to, .in_order = true});
  } else if (last && options.last_alive &&
             options.to - std::max(*last, *options.last_alive) > std::chrono::seconds(30)) {
    out.push_back({.from = std::max(*last, *options.last_alive), .to = options.to, .in_order = false});
  }
  std::erase_if(out, [&](const Gap& gap) { return gap.to < options.from || gap.from > options.to; });
  return out;
}

std::vector<Sequence> find_sequences(const std::vector<Event>& events, const std::vector<Event>& effects) {
  std::vector<Sequence> out;
  std::vector<const Event*> candidates;
  for (const auto& event : events) {
    if (is_precursor(event)) candidates.push_back(&event);
  }
  const auto lasting = find_incidents(events, WallTime::min(), WallTime::max());
  for (const auto& effect : effects) {
    if (!is_effect(effect) || out.size() == kMostSequences) continue;
    Sequence sequence{.effect = effect, .before = {}};
    std::map<Key, Precursor> latest;
    for (const auto* event : candidates) {
      if (event->at > effect.at) continue;
      const auto before = effect.at - event->at;
      if (before > kBefore) continue;
      latest.insert_or_assign(key_of(*event), Precursor{.event = *event, .before = before, .open = false});
    }
    // What began longer ago and was still so.
    for (const auto& one : lasting) {
      if (!is_precursor(one.began) || one.began.at > effect.at) continue;
      if (one.ended && one.ended->at < effect.at) continue;
      latest.try_emplace(key_of(one.began),
                         Precursor{.event = one.began, .before = effect.at - one.began.at, .open = true});
    }
    for (auto& [key, one] : latest) sequence.before.push_back(std::move(one));
    sort_stably(sequence.before, &Precursor::before);
    if (sequence.before.size() > kMostBefore) sequence.before.resize(kMostBefore);
    if (!sequence.before.empty()) out.push_back(std::move(sequence));
  }
  return out;
}

}  // namespace qw::journal
