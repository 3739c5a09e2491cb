#include "daemon/export/placement_metrics.hpp"

#include <array>
#include <map>

#include "daemon/export/own_registry.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kHere{"quorumwatch_placement_here", gauge,
                             "Whether this daemon asks the target, of those that one daemon at a time asks. "
                             "Summed over all daemons: 1, or 2 while it moves and while they are cut off "
                             "from each other; 0 for longer than a few seconds is a fault.",
                             "system target"};
constexpr MetricFamily kAskers{"quorumwatch_placement_askers", gauge,
                               "Daemons that are known to ask the target now, this one or another; 2: both. "
                               "Absent before the first look at the peers.",
                               "system target"};
constexpr MetricFamily kSilent{"quorumwatch_placement_silent_peers", gauge,
                               "Daemons that come before the one that asks the target, and do not answer: "
                               "gone, or cut off and asking it too.",
                               "system target"};
constexpr MetricFamily kTaken{"quorumwatch_placement_taken_total", counter,
                              "How often this daemon has begun to ask the target.", "system target"};
constexpr std::array kFamilies{kHere, kAskers, kSilent, kTaken};

double askers(const placement::Standing& standing) {
  return (standing.here ? 1 : 0) + (standing.asker.empty() ? 0 : 1);
}

}  // namespace

struct PlacementMetrics::Impl {
  struct Series {
    prometheus::Gauge *here, *silent;
    prometheus::Counter* taken;
    prometheus::Gauge* askers = nullptr;
  };
  explicit Impl(prometheus::Registry& registry)
      : here(add_gauge(registry, kHere)),
        askers(add_gauge(registry, kAskers)),
        silent(add_gauge(registry, kSilent)),
        taken(add_counter(registry, kTaken)) {}

  void remove(const Series& gone) {
    here.Remove(gone.here);
    silent.Remove(gone.silent);
    taken.Remove(gone.taken);
    if (gone.askers) askers.Remove(gone.askers);
  }

  GaugeFamily &here, &askers, &silent;
  CounterFamily& taken;
  std::map<TargetId, Series> all;
};

PlacementMetrics::PlacementMetrics(prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(registry)) {}
PlacementMetrics::~PlacementMetrics() = default;

void PlacementMetrics::set(const placement::Standings& standings) {
  std::erase_if(impl_->all, [&](const auto& one) {
    if (standings.contains(one.first)) return false;
    impl_->remove(one.second);
    return true;
  });
  for (const auto& [target, standing] : standings) {
    const prometheus::Labels labels{{"system", target.system}, {"target", target.name}};
    auto [found, is_new] = impl_->all.try_emplace(target);
    auto& series = found->second;
    if (is_new) {
      series = {.here = &impl_->here.Add(labels),
                .silent = &impl_->silent.Add(labels),
                .taken = &impl_->taken.Add(labels)};
    }
    series.here->Set(standing.here ? 1 : 0);
    series.silent->Set(static_cast<double>(standing.silent.size()));
    raise_to(*series.taken, standing.taken);
    if (!standing.decided) continue;
    if (!series.askers) series.askers = &impl_->askers.Add(labels);
    series.askers->Set(askers(standing));
  }
}

std::vector<MetricFamily> PlacementMetrics::families() {
  return {kFamilies.begin(), kFamilies.end()};
}

}  // namespace qw::exporting
