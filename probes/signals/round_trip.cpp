#include "probes/signals/round_trip.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kSeconds{"quorumwatch_rtt_seconds", gauge,
                                "Round trip to the member, the median of the round.", "member method"};
constexpr MetricFamily kError{"quorumwatch_rtt_error_seconds", gauge,
                              "How much of the round trip may be ours or the member's rather than the "
                              "network's; absent where it is not known.",
                              "member method"};
constexpr const MetricFamily* kFamilies[] = {&kSeconds, &kError};

// More of one round than any method sends; the rest adds nothing to a median.
constexpr std::size_t kMostTrips = 4096;

auto whose(const RoundTrip& trip) {
  return std::pair<std::string_view, std::string_view>(trip.member, trip.method);
}

}  // namespace

struct RoundTrips::State {
  std::vector<RoundTrip>
      trips;  ///< of this round, in their places of earlier rounds; `count` of them are valid
  std::size_t count = 0;
};

RoundTrips::RoundTrips() : state_(std::make_unique<State>()) {}
RoundTrips::~RoundTrips() = default;
RoundTrips::RoundTrips(RoundTrips&&) noexcept = default;
RoundTrips& RoundTrips::operator=(RoundTrips&&) noexcept = default;

void RoundTrips::begin() {
  state_->count = 0;
}

void RoundTrips::observe(const Facts& facts) {
  auto& [trips, count] = *state_;
  for (const auto& trip : facts.round_trips) {
    if (count == kMostTrips) return;
    if (count == trips.size()) trips.emplace_back();
    trips[count++] = trip;  // keeps the room that its strings have
  }
}

std::vector<TrainQuestion> RoundTrips::ask_trains() const {
  return {};
}

void RoundTrips::report(SteadyTime, Samples& out) {
  const std::span trips(state_->trips.data(), state_->count);
  std::ranges::sort(trips, [](const RoundTrip& a, const RoundTrip& b) {
    return std::pair(whose(a), a.value) < std::pair(whose(b), b.value);
  });
  for (auto first = trips.begin(); first != trips.end();) {
    const auto last =
        std::find_if(first, trips.end(), [&](const RoundTrip& trip) { return whose(trip) != whose(*first); });
    const auto size = last - first;
    const auto& low = first[(size - 1) / 2];
    const auto& high = first[size / 2];
    out.add(kSeconds, seconds(low.value + (high.value - low.value) / 2),
            {{"member", low.member}, {"method", low.method}});
    if (low.error && high.error) {
      out.add(kError, seconds(std::max(*low.error, *high.error)),
              {{"member", low.member}, {"method", low.method}});
    }
    first = last;
  }
}

std::span<const MetricFamily* const> RoundTrips::families() {
  return kFamilies;
}

}  // namespace qw::signals
