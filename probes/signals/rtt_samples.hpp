#pragma once
#include <span>
#include <string_view>

#include "daemon/model/metric.hpp"
#include "probes/signals/rtt_route.hpp"

namespace qw::signals {

/// Writes all series of one member and method.
void write_route(std::string_view member, std::string_view method, RttRoute& route, SteadyTime now,
                 Samples& out);
/// Round trips and trains that were not taken in, as there are too many members.
void write_left_out(std::uint64_t facts, Samples& out);

std::span<const MetricFamily* const> rtt_families();

}  // namespace qw::signals
