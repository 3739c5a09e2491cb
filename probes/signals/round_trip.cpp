#include "probes/signals/round_trip.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "probes/signals/burst_budget.hpp"
#include "probes/signals/rtt_route.hpp"
#include "probes/signals/rtt_samples.hpp"

namespace qw::signals {
namespace {

/// Members and methods that are kept; a sparse mesh has a few dozen.
constexpr std::size_t kMostRoutes = 1024;
/// A member that nobody has asked for so long is gone from the configuration or from the DNS.
constexpr Nanoseconds kForgetAfter = std::chrono::minutes(10);
/// Trains of one look. The rest waits for the next.
constexpr std::size_t kMostTrains = 32;
constexpr std::uint32_t kLeastPackets = 10;
constexpr std::uint64_t kLeastOfTail = 10;

struct RouteKey {
  std::string member, method;
};
using RouteName = std::pair<std::string_view, std::string_view>;

RouteName name_of(const RouteKey& key) {
  return {key.member, key.method};
}
RouteName name_of(const RoundTrip& trip) {
  return {trip.member, trip.method};
}
RouteName name_of(const PacketTrain* train) {
  return {train->member, train->method};
}

struct ByName {
  using is_transparent = void;
  bool operator()(const RouteKey& a, const RouteKey& b) const { return name_of(a) < name_of(b); }
  bool operator()(const RouteKey& a, const RouteName& b) const { return name_of(a) < b; }
  bool operator()(const RouteName& a, const RouteKey& b) const { return a < name_of(b); }
};

}  // namespace

struct RoundTrips::State {
  RttRoute* route(const RouteName& name);
  void observe_trains(const std::vector<PacketTrain>& trains);
  void add_tail(const RouteKey& key, RttRoute& route, SteadyTime now);

  std::map<RouteKey, RttRoute, ByName> routes;
  std::vector<const PacketTrain*> trains;  // reused
  std::vector<RecentTail> tails;
  BurstBudget budget;
  SteadyTime last_seen;
  std::uint64_t left_out = 0;
};

RoundTrips::RoundTrips() : state_(std::make_unique<State>()) {}
RoundTrips::~RoundTrips() = default;
RoundTrips::RoundTrips(RoundTrips&&) noexcept = default;
RoundTrips& RoundTrips::operator=(RoundTrips&&) noexcept = default;

void RoundTrips::begin() {
  for (auto& [key, route] : state_->routes) route.begin();
  state_->tails.clear();
}

RttRoute* RoundTrips::State::route(const RouteName& name) {
  const auto found = routes.find(name);
  if (found != routes.end()) return &found->second;
  if (routes.size() >= kMostRoutes) return nullptr;
  return &routes[RouteKey{std::string(name.first), std::string(name.second)}];
}

void RoundTrips::observe(const Facts& facts) {
  RouteName last_name;
  RttRoute* last = nullptr;  // facts come member by member
  for (const auto& trip : facts.round_trips) {
    if (last == nullptr || name_of(trip) != last_name) {
      last_name = name_of(trip);
      last = state_->route(last_name);
    }
    if (last == nullptr) {
      ++state_->left_out;
      continue;
    }
    last->add(trip);
    state_->last_seen = std::max(state_->last_seen, trip.asked.received);
  }
  state_->observe_trains(facts.trains);
  state_->budget.now(state_->last_seen);
}

void RoundTrips::keep_only(const MemberNames& members) {
  std::erase_if(state_->routes, [&](const auto& one) { return !members.contains(one.first.member); });
}

/// All trains of a member and method are one look.
void RoundTrips::State::observe_trains(const std::vector<PacketTrain>& seen) {
  trains.clear();
  for (const auto& train : seen) trains.push_back(&train);
  std::ranges::sort(trains, {}, [](const PacketTrain* train) { return std::pair(name_of(train), train); });
  for (auto first = trains.begin(); first != trains.end();) {
    const auto last = std::find_if(
        first, trains.end(), [&](const PacketTrain* train) { return name_of(train) != name_of(*first); });
    const std::span look(first, last);
    for (const auto* train : look) {
      last_seen = std::max(last_seen, train->asked.received);
      if (train->extra) budget.spend(train->sent);
    }
    if (auto* to = route(name_of(*first))) {
      to->add(look);
    } else {
      left_out += look.size();
    }
    first = last;
  }
}

std::vector<TrainQuestion> RoundTrips::ask_trains() const {
  struct Wanted {
    const RouteKey* key;
    RttRoute::Wish wish;
  };
  std::vector<Wanted> wanted;
  for (const auto& [key, route] : state_->routes) {
    if (!route.asked()) continue;
    const auto wish = route.wish(state_->last_seen);
    if (wish.packets > 0) wanted.push_back({&key, wish});
  }
  std::ranges::sort(wanted, {},
                    [](const Wanted& one) { return std::pair(-one.wish.urgency, name_of(*one.key)); });
  if (wanted.size() > kMostTrains) wanted.resize(kMostTrains);
  std::vector<TrainQuestion> out;
  auto left = state_->budget.left();
  for (const auto& [key, wish] : wanted) {
    const auto packets = std::min(wish.packets, left);
    if (packets < kLeastPackets) break;
    left -= packets;
    out.push_back({.member = key->member, .method = key->method, .packets = packets});
  }
  return out;
}

void RoundTrips::report(SteadyTime now, Samples& out) {
  auto& [routes, trains, tails, budget, last_seen, left_out] = *state_;
  std::erase_if(routes, [&](const auto& entry) { return entry.second.last_asked() + kForgetAfter < now; });
  for (auto& [key, route] : routes) {
    write_route(key.member, key.method, route, now, out);
    if (route.asked()) state_->add_tail(key, route, now);
  }
  if (!routes.empty()) write_left_out(left_out, out);
}

/// Routes come in order of member.
void RoundTrips::State::add_tail(const RouteKey& key, RttRoute& route, SteadyTime now) {
  if (route.recent().count(now) < kLeastOfTail) return;
  const RecentTail tail{
      .member = key.member, .method = key.method, .p99 = *route.recent().quantile(now, 0.99)};
  if (tails.empty() || tails.back().member != tail.member) {
    tails.push_back(tail);
  } else if (tail.p99 < tails.back().p99) {
    tails.back() = tail;
  }
}

std::span<const RecentTail> RoundTrips::tails() const {
  return state_->tails;
}

std::span<const MetricFamily* const> RoundTrips::families() {
  return rtt_families();
}

}  // namespace qw::signals
