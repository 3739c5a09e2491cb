#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/model/fact_members.hpp"
#include "daemon/model/facts.hpp"

namespace qw::signals {

/// How far each replica is behind, in bytes or entries and in seconds, from our own history of the leader's
/// positions (design.md, truth rule 5). State is kept between rounds; no clock, no I/O.
class Replication {
 public:
  Replication();
  ~Replication();
  Replication(Replication&&) noexcept;
  Replication& operator=(Replication&&) noexcept;

  void begin();
  void observe(const Facts& facts);
  /// Others are members no more.
  void keep_only(const MemberNames& members);
  void report(SteadyTime now, Samples& out);

  /// What `member` has that the history of `survivor` has not, going by their last positions; nothing where
  /// the positions do not say. Of two leaders: what is lost when `survivor` stays.
  std::optional<std::uint64_t> diverged(std::string_view member, std::string_view survivor) const;

  static std::span<const MetricFamily* const> families();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::signals
