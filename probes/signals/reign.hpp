#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "daemon/model/facts.hpp"

/// What looks at a member prove about when it led. An answer was true at some instant between its question
/// and its receipt, so everything here is an interval on our own clock (facts/leadership-and-replication.md
/// section 4).
namespace qw::signals {

/// A stretch of time; it holds nothing when `to` lies before `from`.
struct Span {
  SteadyTime from;
  SteadyTime to;
  bool contains(const Asked& asked) const { return from <= asked.sent && asked.received <= to; }
};

/// One uninterrupted time in office of one member, as far as it was seen.
struct Reign {
  std::uint64_t number = 0;  ///< tells the reigns of a target apart
  Tenure tenure;
  Asked first;  ///< the first look that found it leading
  Asked last;   ///< the last one
  /// It can not have begun before this nor lasted beyond that; nothing: no look bounds it.
  std::optional<SteadyTime> not_before;
  std::optional<SteadyTime> not_after;

  /// It led through all of this, because a tenure is never interrupted. Holds nothing after a single look.
  Span certain() const { return {first.received, last.sent}; }
  bool seen_once() const { return first.sent == last.sent; }
  bool ended() const { return not_after.has_value(); }
  /// Whether a new claim belongs to this reign. Where the tenures do not tell (no epoch and no token), it
  /// does when it comes within `patience`, the time below which the system can not have elected twice.
  bool continues_with(const LeadershipClaim& claim, Nanoseconds patience) const;
};

/// Whether the two can not be the same tenure. What either does not know contradicts nothing.
bool contradict(const Tenure& a, const Tenure& b);

/// The last instant, or the end of the stretch that holds it, at which both are proven to have led at once;
/// nothing without a proof. It takes the whole of one's claim inside what is certain of the other, or two
/// certain stretches that meet.
std::optional<SteadyTime> last_proof(const Reign& a, const Reign& b);

/// How long both led at once: at least, and at most (nothing: no look bounds its beginning). Open ends last
/// until `now`.
Nanoseconds overlap_at_least(const Reign& a, const Reign& b);
std::optional<Nanoseconds> overlap_at_most(const Reign& a, const Reign& b, SteadyTime now);

/// The most reigns that are proven to have held at one instant not before `since`.
unsigned most_at_once(std::span<const Reign* const> reigns, SteadyTime since);

}  // namespace qw::signals
