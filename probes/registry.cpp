#include <array>

#include "probes/probe.hpp"

namespace qw::probes {

// One line a kind: declare it here, list it below.
extern const ProbeKind kClocks;
extern const ProbeKind kEtcd;
extern const ProbeKind kHost;
extern const ProbeKind kKafka;
extern const ProbeKind kNodes;
extern const ProbeKind kPostgres;
extern const ProbeKind kRedis;

std::span<const ProbeKind* const> probe_kinds() {
  static constexpr std::array<const ProbeKind*, 7> kKinds{&kClocks, &kEtcd,     &kHost, &kKafka,
                                                          &kNodes,  &kPostgres, &kRedis};
  return kKinds;
}

}  // namespace qw::probes
