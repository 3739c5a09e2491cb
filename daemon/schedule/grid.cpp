#include "daemon/schedule/scheduler.hpp"

namespace qw::schedule {
namespace {

/// Spreads the bits of a hash (the finaliser of MurmurHash3): names such as "t1", "t2" differ only in few of
/// them.
std::uint64_t mix(std::uint64_t bits) {
  bits ^= bits >> 33;
  bits *= 0xff51afd7ed558ccdULL;
  bits ^= bits >> 33;
  bits *= 0xc4ceb9fe1a85ec53ULL;
  bits ^= bits >> 33;
  return bits;
}

/// In [0, interval): the upper half of the product, which has no bias and needs no division.
Nanoseconds phase(Nanoseconds interval, std::uint64_t seed) {
  __extension__ using Wide = unsigned __int128;
  const auto product = static_cast<Wide>(mix(seed)) * static_cast<Wide>(interval.count());
  return Nanoseconds(static_cast<std::int64_t>(product >> 64));
}

}  // namespace

SteadyTime first_due(SteadyTime now, Nanoseconds interval, std::uint64_t seed) {
  const auto offset = phase(interval, seed);
  const auto since = now.time_since_epoch() - offset;
  auto periods = since / interval;
  // Rounds up to the grid, for times before the first grid point as well.
  if (periods * interval < since) ++periods;
  return SteadyTime(offset + periods * interval);
}

SteadyTime next_due(SteadyTime due, SteadyTime now, Nanoseconds interval, std::uint64_t& missed) {
  if (now < due + interval) return due + interval;
  const auto passed =
      (now - due) / interval;  // grid points after `due` that have come, `now` itself included
  missed += static_cast<std::uint64_t>(passed);
  return due + (passed + 1) * interval;
}

}  // namespace qw::schedule
