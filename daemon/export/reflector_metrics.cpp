#include "daemon/export/reflector_metrics.hpp"

#include <array>
#include <map>

#include "daemon/export/own_registry.hpp"

namespace qw::exporting {
namespace {

using enum MetricType;

constexpr MetricFamily kReflected{"quorumwatch_reflector_reflected_total", counter,
                                  "Packets of other nodes that the reflector answered.", ""};
constexpr MetricFamily kRefused{"quorumwatch_reflector_refused_total", counter,
                                "Packets that the reflector did not answer: malformed, an answer themselves "
                                "(reflected), over a limit, not sent.",
                                "reason"};
constexpr MetricFamily kSessions{"quorumwatch_reflector_sessions", gauge,
                                 "Senders whose packets the reflector counts.", ""};
constexpr std::array kFamilies{kReflected, kRefused, kSessions};

/// A counter and the total that it has seen.
struct Counted {
  prometheus::Counter* counter = nullptr;
  std::uint64_t last = 0;

  void reach(std::uint64_t total) {
    counter->Increment(static_cast<double>(total >= last ? total - last : total));
    last = total;
  }
};

}  // namespace

struct ReflectorMetrics::Impl {
  explicit Impl(prometheus::Registry& registry)
      : reflected_family(add_counter(registry, kReflected)),
        refused_family(add_counter(registry, kRefused)),
        sessions_family(add_gauge(registry, kSessions)) {}

  prometheus::Family<prometheus::Counter>&reflected_family, &refused_family;
  prometheus::Family<prometheus::Gauge>& sessions_family;
  Counted reflected;
  std::map<std::string, Counted> refused;
};

ReflectorMetrics::ReflectorMetrics(prometheus::Registry& registry)
    : impl_(std::make_unique<Impl>(registry)) {}
ReflectorMetrics::~ReflectorMetrics() = default;

void ReflectorMetrics::set(const Reflections& now) {
  auto& self = *impl_;
  if (self.reflected.counter == nullptr) self.reflected.counter = &self.reflected_family.Add({});
  self.reflected.reach(now.reflected);
  for (const auto& [reason, total] : now.refused) {
    auto& counted = self.refused[reason];
    if (counted.counter == nullptr) counted.counter = &self.refused_family.Add({{"reason", reason}});
    counted.reach(total);
  }
  self.sessions_family.Add({}).Set(static_cast<double>(now.sessions));
}

std::vector<MetricFamily> ReflectorMetrics::families() {
  return {kFamilies.begin(), kFamilies.end()};
}

}  // namespace qw::exporting
