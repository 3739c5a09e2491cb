#include "probes/signals/clock.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "probes/signals/clock_agreement.hpp"
#include "probes/signals/clock_own.hpp"
#include "probes/signals/clock_profiles.hpp"
#include "probes/signals/clock_samples.hpp"
#include "probes/signals/clock_source.hpp"

namespace qw::signals {
namespace {

// Names come from the network too: beyond these numbers, nothing new is taken in.
constexpr std::size_t kMostSources = 512;
constexpr std::size_t kMostMembers = 256;
/// A clock that nobody has seen for so many rounds is forgotten, with its counts.
constexpr unsigned kForgetAfter = 120;

}  // namespace

struct Clocks::State {
  std::vector<ClockSource> sources;
  std::size_t next = 0;
  std::vector<ClockState> claims;     ///< of this round, one a member and source
  std::vector<std::string> expected;  ///< members that should have shown their clock
  std::vector<std::string> tellers;   ///< members that have only ever told of their clock (chrony)
  OwnClock own;
  const ClockProfile* profile = &clock_profile({});

  ClockSource* look_up(const ClockReading& reading);
  void expect(const std::string& member);
  void claim(const ClockState& state);
  ClockOfMember member_clock(const std::string& member, SteadyTime now) const;
};

Clocks::Clocks() : state_(std::make_unique<State>()) {}
Clocks::~Clocks() = default;
Clocks::Clocks(Clocks&&) noexcept = default;
Clocks& Clocks::operator=(Clocks&&) noexcept = default;

void Clocks::begin() {
  auto& state = *state_;
  std::erase_if(state.sources,
                [](const ClockSource& source) { return source.rounds_unseen() > kForgetAfter; });
  for (auto& source : state.sources) source.begin();
  state.next = 0;
  state.claims.clear();
  state.expected.clear();
  for (const auto& source : state.sources) state.expect(source.member());
}

void Clocks::observe(const Facts& facts) {
  auto& state = *state_;
  // Second looks of some kinds have no traits.
  if (!facts.traits.clock_profile.empty()) state.profile = &clock_profile(facts.traits.clock_profile);
  for (const auto& reading : facts.clocks) {
    auto* source = state.look_up(reading);
    if (source == nullptr) continue;
    source->observe(reading);
    state.expect(reading.member);
  }
  for (const auto& claim : facts.clock_states) state.claim(claim);
  for (const auto& clocks : facts.local_clocks) state.own.observe(clocks);
  // Where some members show their clocks, one that is silent is one of which nothing can be proved.
  if (state.expected.empty()) return;
  for (const auto& silent : facts.unanswered) {
    if (std::ranges::find(state.tellers, silent.member) == state.tellers.end()) state.expect(silent.member);
  }
}

void Clocks::keep_only(const MemberNames& members) {
  auto& state = *state_;
  const auto is_gone = [&](const std::string& member) { return !members.contains(member); };
  std::erase_if(state.sources, [&](const ClockSource& source) { return is_gone(source.member()); });
  std::erase_if(state.expected, is_gone);
  std::erase_if(state.tellers, is_gone);
  state.next = 0;
}

void Clocks::report(SteadyTime now, Samples& out) {
  auto& state = *state_;
  for (auto& source : state.sources) source.settle();
  std::vector<ClockOfMember> members;
  for (const auto& member : state.expected) members.push_back(state.member_clock(member, now));
  add_clock_samples(members, *state.profile, out);
  for (const auto& claim : state.claims) add_claim_samples(claim, out);
  if (state.own.known()) add_own_clock_samples(state.own, out);
}

/// Probes tell of their members in the same order each round, so the next source is mostly the right one.
ClockSource* Clocks::State::look_up(const ClockReading& reading) {
  for (std::size_t tried = 0; tried < sources.size(); ++tried, ++next) {
    if (next >= sources.size()) next = 0;
    const auto& source = sources[next];
    // A train of readings is of one source: `next` stays.
    if (source.member() == reading.member && source.source() == reading.source) return &sources[next];
  }
  if (sources.size() >= kMostSources) return nullptr;
  next = sources.size();
  return &sources.emplace_back(reading.member, reading.source);
}

void Clocks::State::expect(const std::string& member) {
  if (expected.size() >= kMostMembers || std::ranges::find(expected, member) != expected.end()) return;
  expected.push_back(member);
}

/// The last one of a round counts.
void Clocks::State::claim(const ClockState& state) {
  const bool shows = std::ranges::find(sources, state.member, &ClockSource::member) != sources.end();
  const auto teller = std::ranges::find(tellers, state.member);
  if (shows && teller != tellers.end()) tellers.erase(teller);
  if (!shows && teller == tellers.end() && tellers.size() < kMostMembers) tellers.push_back(state.member);
  const auto known = std::ranges::find_if(claims, [&](const ClockState& one) {
    return one.member == state.member && one.source == state.source;
  });
  if (known != claims.end()) {
    *known = state;
  } else if (claims.size() < kMostSources) {
    claims.push_back(state);
  }
}

ClockOfMember Clocks::State::member_clock(const std::string& member, SteadyTime now) const {
  ClockOfMember clock{.member = member};
  std::vector<ClockInterval> offsets;
  for (const auto& source : sources) {
    if (source.member() != member) continue;
    // Several sources see the same step.
    clock.steps_forward = std::max(clock.steps_forward, source.steps_forward());
    clock.steps_backward = std::max(clock.steps_backward, source.steps_backward());
    clock.slewing |= source.slewing();
    const auto offset = source.offset(now);
    if (!offset) continue;
    clock.sources.push_back({source.source(), *offset});
    offsets.push_back(*offset);
  }
  if (!offsets.empty()) clock.verdict = combine(offsets);
  return clock;
}

}  // namespace qw::signals
