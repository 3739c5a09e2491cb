#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/model/facts.hpp"
#include "daemon/model/page_layout.hpp"

namespace qw {

/// A target by name: "etcd" and "control-plane". Unique in a configuration.
struct TargetId {
  std::string system;
  std::string name;
  auto operator<=>(const TargetId&) const = default;
};

/// What one measurement of one target reports; published whole or not at all, and never changed after that.
struct Round {
  TargetId target;
  std::uint64_t number = 0;  ///< 1 for the first round of this target in this process
  SteadyTime started;
  SteadyTime finished;
  WallTime at;  ///< start, for people
  /// False when nobody could be asked: there are no samples then, except probe_success 0.
  bool success = false;
  /// Why not, outside in; empty on success. The reasons of single members are in facts.unanswered.
  std::string reason;
  Facts facts;  ///< of all looks of this round, in order
  std::vector<Sample> samples;
  /// Of no target: what a group of rules wrote. Snapshots list such rounds apart.
  bool derived = false;
  PageLayoutPtr layout = nullptr;  ///< of exactly these samples; null: whoever needs one makes it
};
using RoundPtr = std::shared_ptr<const Round>;

}  // namespace qw
