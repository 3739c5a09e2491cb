#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/metric.hpp"

namespace qw {

/// The way to one member by one method, as the samples of one round tell it. Only of targets that are sent
/// trains of packets (nodes).
struct WireRow {
  std::string member, method;
  std::optional<double> seconds, error_seconds, jitter_seconds, held_seconds;
  std::optional<double> loss_ratio, loss_samples;
  std::optional<double> loss_forward_ratio, loss_backward_ratio;  ///< there and back, where that can be told
  std::optional<double> confirmed, confirmed_forward, confirmed_backward;  ///< 0 or 1
  std::optional<double> slow_wire, slow_peer, slow_self, degraded;         ///< 0 or 1
  std::optional<double> paths, worst_path_loss_ratio;
};

/// All of them; those that are in trouble first, then by name.
std::vector<WireRow> wires_of(std::span<const Sample> samples);

/// Whether anything is wrong with it.
bool in_trouble(const WireRow& row);
/// What, in words for a person on call: "packets are lost on the way there; the peer holds packets".
std::string describe(const WireRow& row);

}  // namespace qw
