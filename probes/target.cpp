#include "probes/target.hpp"

#include <fmt/format.h>

#include <array>
#include <map>

#include "daemon/model/fact_members.hpp"

namespace qw::probes {
namespace {

constexpr MetricFamily kProbeSuccess{.name = "quorumwatch_probe_success",
                                     .type = MetricType::gauge,
                                     .help =
                                         "Whether anybody of the target answered in the last round; all "
                                         "other series of the target are absent where it is 0.",
                                     .labels = ""};

/// The first look may use this part of the time, so that second looks, which prove or refute an overlap, have
/// the rest.
constexpr int kFirstLookPercent = 80;

/// Names in one reason; a target of a hundred members must not fill the log.
constexpr std::size_t kMaxNamed = 3;
constexpr std::size_t kMaxReasons = 4;

bool anybody_answered(const Facts& facts) {
  return !facts.claims.empty() || !facts.memberships.empty() || !facts.positions.empty() ||
         !facts.groups.empty() || !facts.topics.empty() || !facts.round_trips.empty() ||
         !facts.clocks.empty() || !facts.clock_states.empty() || !facts.local_clocks.empty() ||
         !facts.readings.empty();
}

/// Then the facts name every member there is. A probe's own readings name none.
bool any_member_spoke(const Facts& facts) {
  return !facts.claims.empty() || !facts.memberships.empty() || !facts.positions.empty() ||
         !facts.round_trips.empty() || !facts.clocks.empty() || !facts.clock_states.empty();
}

/// "connection refused (a, b, c and 2 more), deadline exceeded (d)", the most common first.
std::string reasons_of(const std::vector<Unanswered>& unanswered) {
  std::map<std::string, std::vector<std::string_view>> by_reason;
  for (const auto& one : unanswered) {
    std::string_view reason = one.error.message();
    // Members that are named twice make equal reasons look different.
    const std::string prefix = one.member + ": ";
    while (reason.starts_with(prefix)) reason.remove_prefix(prefix.size());
    by_reason[std::string(reason)].push_back(one.member);
  }
  std::multimap<std::size_t, std::string, std::greater<>> by_count;
  for (const auto& [reason, members] : by_reason) {
    std::string text = reason + " (";
    for (std::size_t i = 0; i < members.size() && i < kMaxNamed; ++i)
      text += fmt::format("{}{}", i ? ", " : "", members[i]);
    if (members.size() > kMaxNamed) text += fmt::format(" and {} more", members.size() - kMaxNamed);
    by_count.emplace(members.size(), text + ")");
  }
  std::string out;
  std::size_t listed = 0;
  for (const auto& [count, text] : by_count) {
    if (listed++ == kMaxReasons) return out + ", and others";
    out += (out.empty() ? "" : ", ") + text;
  }
  return out;
}

std::string outside_in(const TargetId& id, std::string_view reason) {
  return fmt::format("{} {}: {}", id.system, id.name, reason);
}

/// A second look brings the readings of its member again: the last one counts, since a series has one value
/// in a round.
void add_readings(const std::vector<Reading>& readings, Samples& out) {
  std::map<std::pair<std::string_view, std::vector<Labels::Pair>>, const Reading*> last;
  for (const auto& reading : readings) last[{reading.family->name, reading.labels}] = &reading;
  std::vector<Samples::Label> labels;
  for (const auto& [key, reading] : last) {
    labels.clear();
    for (const auto& [name, value] : reading->labels) labels.push_back({name, value});
    out.add(*reading->family, reading->value, labels);
  }
}

}  // namespace

std::span<const MetricFamily* const> target_families() {
  static constexpr std::array<const MetricFamily*, 1> kFamilies{&kProbeSuccess};
  return kFamilies;
}

Target::Target(TargetId id, std::unique_ptr<Probe> probe, const Clock& clock)
    : id_(std::move(id)), probe_(std::move(probe)), clock_(clock), samples_(id_.system, id_.name) {}

Task<Round> Target::measure(SteadyTime deadline) {
  Round round;
  ++rounds_;
  started_ = clock_.steady();
  at_ = clock_.wall();
  begin(round);
  judgement_.begin();
  const auto first_deadline = round.started + (deadline - round.started) / 100 * kFirstLookPercent;
  auto first = co_await probe_->ask(Question(), first_deadline);
  if (first) {
    judgement_.observe(*first);
    if (exchanged_ && any_member_spoke(*first)) {
      judgement_.keep_only(members_in(*first));
      exchanged_ = false;
    }
    round.facts = std::move(*first);
    co_await look_again(round, deadline);
    co_await look_for_offsets(round, deadline);
    co_await send_trains(round, deadline);
  }
  round.finished = clock_.steady();
  round.success = first && anybody_answered(round.facts);
  if (!first) {
    round.reason = outside_in(id_, first.error().message());
  } else if (!round.success) {
    round.reason = outside_in(id_, round.facts.unanswered.empty()
                                       ? "there was nobody to ask"
                                       : "no member answered: " + reasons_of(round.facts.unanswered));
  }
  finish(round);
  co_return round;
}

void Target::exchange_probe(std::unique_ptr<Probe> probe) {
  probe->inherit(*probe_);
  probe_ = std::move(probe);
  exchanged_ = true;
}

Round Target::abandon(std::string_view reason) {
  Round round;
  begin(round);
  round.finished = clock_.steady();
  round.reason = outside_in(id_, reason);
  finish(round);
  return round;
}

void Target::begin(Round& round) {
  round.target = id_;
  round.number = rounds_;
  round.started = started_;
  round.at = at_;
}

/// Only the first of the members that the signals want is asked each time: its answer may settle the matter
/// or change who must be asked next.
Task<void> Target::look_again(Round& round, SteadyTime deadline) {
  for (unsigned looks = 1; looks < kMaxLooks && clock_.steady() < deadline; ++looks) {
    auto wanted = judgement_.ask_again();
    if (wanted.empty()) co_return;
    wanted.resize(1);
    auto seen = co_await probe_->ask(Question(std::move(wanted)), deadline);
    // What the first look found stays true without the second.
    if (!seen) co_return;
    judgement_.observe(*seen);
    round.facts.append(std::move(*seen));
  }
}

/// Each answer halves what is left to search, so that a lag of days is dated within one round.
Task<void> Target::look_for_offsets(Round& round, SteadyTime deadline) {
  for (unsigned looks = 0; looks < kMaxOffsetLooks && clock_.steady() < deadline; ++looks) {
    auto wanted = judgement_.ask_offsets();
    if (wanted.empty()) co_return;
    auto seen = co_await probe_->ask(Question(std::move(wanted)), deadline);
    if (!seen) co_return;
    judgement_.observe(*seen);
    round.facts.append(std::move(*seen));
  }
}

/// A lost packet is a suspicion; many at once make it a number.
Task<void> Target::send_trains(Round& round, SteadyTime deadline) {
  for (unsigned looks = 0; looks < kMaxTrainLooks && clock_.steady() < deadline; ++looks) {
    auto wanted = judgement_.ask_trains();
    if (wanted.empty()) co_return;
    auto seen = co_await probe_->ask(Question(std::move(wanted)), deadline);
    if (!seen) co_return;
    judgement_.observe(*seen);
    round.facts.append(std::move(*seen));
  }
}

void Target::finish(Round& round) {
  samples_.add(kProbeSuccess, round.success ? 1 : 0);
  const bool judged = round.success || !round.facts.unanswered.empty();
  if (judged) judgement_.report(round.finished, samples_);
  add_readings(round.facts.readings, samples_);
  round.samples = samples_.take();
  round.layout = samples_.layout();
  if (round.success) return;
  // A target that could not be asked has no other numbers: not even those that the signals remember
  // (design.md, truth rule 1).
  round.samples.erase(round.samples.begin() + 1, round.samples.end());
  round.layout = nullptr;
}

}  // namespace qw::probes
