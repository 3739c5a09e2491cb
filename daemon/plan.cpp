#include "daemon/plan.hpp"

#include <any>

namespace qw {

std::span<const config::Kind> config_kinds() {
  static const std::vector<config::Kind> kKinds = [] {
    std::vector<config::Kind> kinds;
    for (const auto* kind : probes::probe_kinds()) {
      kinds.push_back({.system = kind->system,
                       .summary = kind->summary,
                       .read = [kind](config::Fields& fields) -> std::any { return kind->read(fields); }});
    }
    return kinds;
  }();
  return kKinds;
}

namespace {

Result<std::unique_ptr<probes::Probe>> make_probe(const std::any& plan, const probes::ProbeContext& context) {
  return std::any_cast<const probes::ProbeMaker&>(plan)(context);
}

}  // namespace

TargetId id_of(const config::TargetConfig& target) {
  return {.system = target.common.system, .name = target.common.name};
}

Result<std::unique_ptr<probes::Target>> make_target(const config::TargetConfig& target,
                                                    const probes::ProbeContext& context) {
  auto probe = make_probe(target.plan, context);
  if (!probe) return std::unexpected(probe.error());
  return std::make_unique<probes::Target>(id_of(target), std::move(*probe), context.clock);
}

probes::PortSystems port_systems(const config::Config& config) {
  probes::PortSystems systems;
  for (const auto& target : config.targets) {
    for (const auto port : target.ports) systems.emplace(port, target.common.system);
  }
  return systems;
}

std::vector<schedule::Entry> make_entries(const config::Config& config, const probes::ProbeContext& context) {
  std::vector<schedule::Entry> entries;
  entries.reserve(config.targets.size());
  for (const auto& target : config.targets) {
    entries.push_back({.id = id_of(target),
                       .fingerprint = target.fingerprint,
                       .interval = target.common.interval,
                       .timeout = target.common.timeout,
                       .make = [target, context] { return make_target(target, context); },
                       .members_fingerprint = target.members_fingerprint,
                       .make_probe = [plan = target.plan, context] { return make_probe(plan, context); }});
  }
  return entries;
}

}  // namespace qw
