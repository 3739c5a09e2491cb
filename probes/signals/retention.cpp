#include "probes/signals/retention.hpp"

#include <algorithm>

namespace qw::signals {

std::optional<double> time_until_lost(const TopicState& topic, SteadyTime now, SteadyTime came) {
  if (!topic.retention) return std::nullopt;
  return std::max(0.0, seconds(*topic.retention - (now - came)));
}

}  // namespace qw::signals
