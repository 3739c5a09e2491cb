#include "probes/signals/consumer_lag.hpp"

namespace qw::signals {

struct ConsumerLag::State {};

ConsumerLag::ConsumerLag() : state_(std::make_unique<State>()) {}
ConsumerLag::~ConsumerLag() = default;
ConsumerLag::ConsumerLag(ConsumerLag&&) noexcept = default;
ConsumerLag& ConsumerLag::operator=(ConsumerLag&&) noexcept = default;

void ConsumerLag::begin() {}
void ConsumerLag::observe(const Facts& /*facts*/) {}
std::vector<OffsetQuestion> ConsumerLag::ask_offsets() const {
  return {};
}
void ConsumerLag::report(SteadyTime /*now*/, Samples& /*out*/) {}
std::span<const MetricFamily* const> ConsumerLag::families() {
  return {};
}

}  // namespace qw::signals
