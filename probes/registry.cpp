#include <array>

#include "probes/probe.hpp"

namespace qw::probes {

// One line a kind: declare it here, list it below.
extern const ProbeKind kEtcd;
extern const ProbeKind kKafka;
extern const ProbeKind kPostgres;
extern const ProbeKind kRedis;

std::span<const ProbeKind* const> probe_kinds() {
  static constexpr std::array<const ProbeKind*, 4> kKinds{&kEtcd, &kKafka, &kPostgres, &kRedis};
  return kKinds;
}

}  // namespace qw::probes
