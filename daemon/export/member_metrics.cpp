#include "daemon/export/member_metrics.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "daemon/export/own_registry.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kFailed{"quorumwatch_members_discovery_failed", gauge,
                               "Whether a file or a name that the target's members are found by gives "
                               "nothing new: what was found last stays.",
                               "system target"};
constexpr MetricFamily kFound{"quorumwatch_members_found", gauge,
                              "Addresses of a target whose members are found in files or by DNS.",
                              "system target"};
constexpr std::array kFamilies{kFailed, kFound};

}  // namespace

struct MemberMetrics::Impl {
  struct Series {
    prometheus::Gauge *failed, *found;
  };
  explicit Impl(prometheus::Registry& registry)
      : failed(add_gauge(registry, kFailed)), found(add_gauge(registry, kFound)) {}

  GaugeFamily &failed, &found;
  std::map<TargetId, Series> all;
};

MemberMetrics::MemberMetrics(prometheus::Registry& registry) : impl_(std::make_unique<Impl>(registry)) {}
MemberMetrics::~MemberMetrics() = default;

void MemberMetrics::set(std::span<const FoundMembers> targets) {
  auto& [failed, found, all] = *impl_;
  std::erase_if(all, [&](const auto& one) {
    if (std::ranges::find(targets, one.first, &FoundMembers::id) != targets.end()) return false;
    failed.Remove(one.second.failed);
    found.Remove(one.second.found);
    return true;
  });
  for (const auto& target : targets) {
    auto at = all.find(target.id);
    if (at == all.end()) {
      const prometheus::Labels labels{{"system", target.id.system}, {"target", target.id.name}};
      at = all.emplace(target.id, Impl::Series{.failed = &failed.Add(labels), .found = &found.Add(labels)})
               .first;
    }
    at->second.failed->Set(target.failed ? 1 : 0);
    at->second.found->Set(static_cast<double>(target.count));
  }
}

std::vector<MetricFamily> MemberMetrics::families() {
  return {kFamilies.begin(), kFamilies.end()};
}

}  // namespace qw::exporting
