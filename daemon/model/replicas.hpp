#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

/// One replica, as the samples of one round tell it.
struct ReplicaRow {
  std::string member;
  std::optional<double> seconds, bytes, entries;
  std::optional<double> link_up;      ///< 0 or 1
  std::optional<double> lower_bound;  ///< 1: the lag in seconds is at least so long
};

/// All of them; a link that is down first, then the longest lag first, then by name.
std::vector<ReplicaRow> replicas_of(std::span<const Sample> samples);
/// "its link to the leader is down; 12.4 s behind (1048576 bytes)". Empty: nothing is wrong: it is linked and
/// less than a second behind.
std::string describe(const ReplicaRow& row);

}  // namespace qw
