#pragma once
#include <string>

namespace qw {

/// `quorumwatch metrics`: every family as Markdown, by where it comes from. Committed as daemon/METRICS.md.
std::string print_metrics();
/// `quorumwatch probes`: what each kind of target measures, asks and can not see. Committed as
/// probes/PROBES.md.
std::string print_probes();

}  // namespace qw
