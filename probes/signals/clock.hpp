#pragma once
#include <memory>
#include <span>

#include "daemon/model/fact_members.hpp"
#include "daemon/model/facts.hpp"

namespace qw::signals {

/// How far each member's clock is from ours, always as an interval (design.md, truth rule 7); how far the
/// members' clocks are apart, and which of them is to blame; what happened to them.
/// State is kept between rounds; no clock, no I/O.
class Clocks {
 public:
  Clocks();
  ~Clocks();
  Clocks(Clocks&&) noexcept;
  Clocks& operator=(Clocks&&) noexcept;

  void begin();
  void observe(const Facts& facts);
  /// Others are members no more.
  void keep_only(const MemberNames& members);
  void report(SteadyTime now, Samples& out);

  static std::span<const MetricFamily* const> families();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::signals
