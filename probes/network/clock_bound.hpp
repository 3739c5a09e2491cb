#pragma once
#include "probes/wire/stamp.hpp"

namespace qw::probes {

/// What this machine's kernel holds its clock to be worth, as STAMP packets carry it: the bound is adjtimex's
/// maxerror (which chronyd keeps with `rtcsync`, and which grows by 500 ppm where nobody does). Not
/// synchronised, or not to be read in this sandbox: no bound.
wire::ErrorEstimate own_clock_bound();

}  // namespace qw::probes
