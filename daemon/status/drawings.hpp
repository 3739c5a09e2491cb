#pragma once
#include "daemon/model/member_clocks.hpp"
#include "daemon/status/html.hpp"
#include "daemon/status/view.hpp"

/// Drawings as inline SVG, each with its meaning as text.
namespace qw::status {

/// The last values of a series, from 0 to its largest; nothing for fewer than two.
void write_sparkline(Html& html, const Trend& trend, std::string_view what);
/// The clocks of a target as intervals on one axis, with the limit as a band. `most`: of its members.
void write_clock_axis(Html& html, const ClocksRow& clocks, std::size_t most);

/// Seconds until what falls like the end of this trend is 0; nothing where it does not fall.
std::optional<double> seconds_to_zero(const Trend& trend);

}  // namespace qw::status
