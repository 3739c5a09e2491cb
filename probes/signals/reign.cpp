#include "probes/signals/reign.hpp"

#include <algorithm>

namespace qw::signals {
namespace {

bool tells_apart(const Tenure& tenure) {
  return tenure.epoch.has_value() || !tenure.token.empty();
}

Span meeting(const Reign& a, const Reign& b) {
  const auto one = a.certain();
  const auto other = b.certain();
  return {std::max(one.from, other.from), std::min(one.to, other.to)};
}

// A reign seen twice that has a whole claim inside another's certain stretch also meets that stretch with its
// own, so the single look is the only case besides meeting stretches.
bool holds_only_look(const Reign& outer, const Reign& inner) {
  return inner.seen_once() && outer.certain().contains(inner.first);
}

std::optional<SteadyTime> later(std::optional<SteadyTime> a, std::optional<SteadyTime> b) {
  return std::max(a, b);
}

}  // namespace

bool contradict(const Tenure& a, const Tenure& b) {
  if (!a.lineage.empty() && !b.lineage.empty() && a.lineage != b.lineage) return true;
  if (a.epoch && b.epoch && *a.epoch != *b.epoch) return true;
  return !a.token.empty() && !b.token.empty() && a.token != b.token;
}

bool Reign::continues_with(const LeadershipClaim& claim, Nanoseconds patience) const {
  if (ended()) return false;
  if (claim.tenure == tenure && tells_apart(tenure)) return true;
  return !contradict(claim.tenure, tenure) && claim.asked.received - last.sent <= patience;
}

std::optional<SteadyTime> last_proof(const Reign& a, const Reign& b) {
  const auto both = meeting(a, b);
  if (both.from <= both.to) return both.to;
  if (holds_only_look(a, b)) return b.first.received;
  if (holds_only_look(b, a)) return a.first.received;
  return std::nullopt;
}

Nanoseconds overlap_at_least(const Reign& a, const Reign& b) {
  const auto both = meeting(a, b);
  return std::max(Nanoseconds{}, Nanoseconds(both.to - both.from));
}

std::optional<Nanoseconds> overlap_at_most(const Reign& a, const Reign& b, SteadyTime now) {
  const auto from = later(a.not_before, b.not_before);
  if (!from) return std::nullopt;
  const auto to = std::min(a.not_after.value_or(now), b.not_after.value_or(now));
  return std::max(Nanoseconds{}, Nanoseconds(to - *from));
}

unsigned most_at_once(std::span<const Reign* const> reigns, SteadyTime since) {
  unsigned most = 0;
  for (const auto* one : reigns) {
    // The most intervals meet where one of them begins; a single look counts itself and the stretches around
    // it.
    const auto certain = one->certain();
    const bool once = one->seen_once();
    const Asked at = once ? one->first : Asked{std::max(certain.from, since), std::max(certain.from, since)};
    if (once ? at.sent < since : at.sent > certain.to) continue;
    const auto around = std::ranges::count_if(
        reigns, [&](const Reign* other) { return other != one && other->certain().contains(at); });
    most = std::max(most, static_cast<unsigned>(around) + 1);
  }
  return most;
}

}  // namespace qw::signals
