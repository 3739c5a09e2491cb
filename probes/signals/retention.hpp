#pragma once
#include <optional>

#include "probes/signals/partition_logs.hpp"

namespace qw::signals {

/// Seconds until retention may delete a message that came at `came`; nothing: never. Logs delete in segments,
/// so it may live on for a while, but not be sure of it.
std::optional<double> time_until_lost(const TopicState& topic, SteadyTime now, SteadyTime came);

}  // namespace qw::signals
