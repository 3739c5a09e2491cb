#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/fact_members.hpp"
#include "daemon/model/facts.hpp"

namespace qw::signals {

class Replication;

/// Who leads, since when, how often that changed and why, and whether two led at the same instant (design.md,
/// truth rules 3 and 4). State is kept between rounds; no clock, no I/O.
class Leadership {
 public:
  Leadership();
  ~Leadership();
  Leadership(Leadership&&) noexcept;
  Leadership& operator=(Leadership&&) noexcept;

  void begin();
  void observe(const Facts& facts);
  /// Others are members no more.
  void keep_only(const MemberNames& members);
  std::vector<std::string> ask_again() const;
  /// `replication` says how far two histories have diverged.
  void report(SteadyTime now, const Replication& replication, Samples& out);

  static std::span<const MetricFamily* const> families();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::signals
