#include "probes/network/packet_pinger.hpp"

#include <algorithm>

#include "probes/network/packet_lane.hpp"

namespace qw::probes {
namespace {

/// Packets that are due within this time leave together: a timer is not finer.
constexpr Nanoseconds kTogether = std::chrono::microseconds(100);
/// The packet that only fetches the second word on the last answer comes so long after the last packet.
constexpr Nanoseconds kBearerAfter = std::chrono::milliseconds(2);
/// A way that had no order in so many trains is forgotten.
constexpr std::uint64_t kForgetAfter = 1000;

/// One packet on the schedule.
struct Due {
  SteadyTime at;
  PacketLane* lane = nullptr;
  PacketWay* way = nullptr;
  const TrainOrder* order = nullptr;
  bool bearer = false;  ///< see PacketWay
};

/// However a train ends, cancelled or not: its outcomes are gone then, and its ways go on.
struct Release {
  std::span<const Due> dues;
  ~Release() {
    for (const auto& due : dues) due.way->outcome = nullptr;
  }
};

}  // namespace

struct PacketPinger::Impl {
  Impl(asio::any_io_executor executor_, std::unique_ptr<PacketMethod> method_)
      : executor(std::move(executor_)), method(std::move(method_)) {}

  using Place = std::pair<bool, std::size_t>;  ///< IPv6, lane

  Result<PacketLane*> lane(const TrainOrder& order);
  void sign(const TrainOrder& order, TrainOutcome& outcome) const;
  std::vector<Due> schedule(std::span<const TrainOrder> orders, std::span<TrainOutcome> outcomes);
  Task<bool> depart(std::span<const Due> dues, std::span<PacketLane* const> used, SteadyTime deadline);
  static void send_together(std::span<const Due> dues);

  asio::any_io_executor executor;
  std::unique_ptr<PacketMethod> method;
  std::map<Place, std::unique_ptr<PacketLane>> lanes;
  std::uint64_t train = 0;
};

PacketPinger::PacketPinger(asio::any_io_executor executor, std::unique_ptr<PacketMethod> method)
    : impl_(std::make_unique<Impl>(std::move(executor), std::move(method))) {}
PacketPinger::~PacketPinger() = default;

std::string_view PacketPinger::method() const {
  return impl_->method->name();
}

Task<std::vector<TrainOutcome>> PacketPinger::send(std::vector<TrainOrder> orders, SteadyTime deadline) {
  auto& self = *impl_;
  ++self.train;
  for (auto& order : orders) {
    if (!self.method->has_ports()) order.to.port(0);
  }
  std::vector<TrainOutcome> outcomes(orders.size());
  const auto dues = self.schedule(orders, outcomes);
  const Release release{dues};
  std::vector<PacketLane*> used;
  for (const auto& due : dues) {
    if (std::ranges::find(used, due.lane) == used.end()) used.push_back(due.lane);
  }
  std::vector<Task<bool>> tasks;
  for (auto* lane : used) {
    lane->begin();
    tasks.push_back(lane->receive(deadline));
  }
  tasks.push_back(self.depart(dues, used, deadline));
  co_await async::all(std::move(tasks));
  const SteadyTime now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const auto way = std::ranges::find(dues, &orders[i], &Due::order);
    if (way == dues.end()) continue;
    way->way->end(now);
  }
  for (const auto& [place, lane] : self.lanes) {
    if (self.train > kForgetAfter) lane->forget(self.train - kForgetAfter);
  }
  co_return outcomes;
}

void PacketPinger::Impl::sign(const TrainOrder& order, TrainOutcome& outcome) const {
  outcome.train.member = order.member;
  outcome.train.method = method->name();
  outcome.train.path = order.path;
  outcome.train.extra = order.extra;
}

Result<PacketLane*> PacketPinger::Impl::lane(const TrainOrder& order) {
  const bool v6 = order.to.address().is_v6();
  auto& lane = lanes[{v6, order.lane}];
  if (lane) return lane.get();
  // Tried again with every train: what is not allowed now may be so later, without a restart.
  Error last(ErrorKind::internal, "no socket");
  for (const auto& options : method->sockets(v6)) {
    auto opened = net::DatagramSocket::open(executor, options);
    if (opened) {
      lane = std::make_unique<PacketLane>(*method, std::move(*opened));
      return lane.get();
    }
    last = last.kind() == ErrorKind::rejected && opened.error().kind() == ErrorKind::rejected
               ? Error(ErrorKind::rejected, last.message() + ", or: " + opened.error().message())
               : opened.error();
  }
  return std::unexpected(last);
}

std::vector<Due> PacketPinger::Impl::schedule(std::span<const TrainOrder> orders,
                                              std::span<TrainOutcome> outcomes) {
  std::vector<Due> dues;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const auto& order = orders[i];
    auto& outcome = outcomes[i];
    sign(order, outcome);
    if (order.packets == 0) continue;
    auto opened = lane(order);
    if (!opened) {
      outcome.error = opened.error();
      continue;
    }
    auto& way = (*opened)->way(order.to, train);
    way.begin(outcome);
    const auto packets = std::min(order.packets, kMostPackets);
    for (std::uint32_t k = 0; k < packets; ++k) {
      dues.push_back({.at = order.first + k * order.every, .lane = *opened, .way = &way, .order = &order});
    }
    if (way.follow_up.told()) {
      auto bearer = dues.back();
      bearer.at += std::min(order.every, kBearerAfter);
      bearer.bearer = true;
      dues.push_back(bearer);
    }
  }
  std::ranges::sort(dues, {}, &Due::at);
  return dues;
}

/// Keeps to the schedule: a packet that is late does not move those after it.
Task<bool> PacketPinger::Impl::depart(std::span<const Due> dues, std::span<PacketLane* const> used,
                                      SteadyTime deadline) {
  bool on_time = true;
  while (!dues.empty() && on_time) {
    on_time = dues.front().at < deadline;
    if (!on_time) break;
    const bool awake = co_await async::sleep_until(dues.front().at);
    if (!awake) break;
    const SteadyTime now = std::chrono::steady_clock::now();
    const auto later = std::ranges::find_if(dues, [now](const Due& due) { return due.at > now + kTogether; });
    const auto count = static_cast<std::size_t>(later - dues.begin());
    send_together(dues.first(count));
    dues = dues.subspan(count);
  }
  for (auto* lane : used) lane->sending_done();
  co_return on_time;
}

/// Packets of the same lane in one call.
void PacketPinger::Impl::send_together(std::span<const Due> dues) {
  std::vector<const Due*> rest;
  for (const auto& due : dues) rest.push_back(&due);
  std::vector<PacketLane::Departure> batch;
  while (!rest.empty()) {
    auto* const lane = rest.front()->lane;
    batch.clear();
    std::erase_if(rest, [&](const Due* due) {
      if (due->lane != lane || batch.size() == PacketLane::kBatch) return false;
      batch.push_back({.way = due->way, .to = due->order->to, .planned = due->at, .bearer = due->bearer});
      return true;
    });
    lane->send(batch);
  }
}

}  // namespace qw::probes
