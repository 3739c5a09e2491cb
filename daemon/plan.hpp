#pragma once
#include <span>
#include <vector>

#include "config/config.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "probes/probe.hpp"

/// From the configuration to what runs: the only place where the table of kinds, the reader and the scheduler
/// meet.
namespace qw {

/// The kinds of target, as the configuration reader wants them.
std::span<const config::Kind> config_kinds();

TargetId id_of(const config::TargetConfig& target);

/// The probe and the signals of one configured target. Errors name what could not be read ("ca_file: ...").
Result<std::unique_ptr<probes::Target>> make_target(const config::TargetConfig& target,
                                                    const probes::ProbeContext& context);

/// Which system is asked at which TCP port; where two share one, the first in the file has it.
probes::PortSystems port_systems(const config::Config& config);

std::vector<schedule::Entry> make_entries(const config::Config& config, const probes::ProbeContext& context);

}  // namespace qw
