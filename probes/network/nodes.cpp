// Measures the round trip to other nodes, what is lost on the way there and back, and how far their clocks
// are from ours. Asks the reflectors of other quorumwatch daemons or of anybody who speaks STAMP or
// TWAMP-light (UDP, no permission), the kernels of the nodes by ICMP echo (a group in
// net.ipv4.ping_group_range, or CAP_NET_RAW) and any open TCP port. Cannot see the direction of a loss but by
// STAMP, nor equal-cost paths that no source port of ours takes.
//
// Traffic: `packets` (250) of at most 64 bytes and as many answers to each address of each probed peer in a
// round, which is 50 a second at the default interval; 16 peers in a full mesh, `degree` of them in a sparse
// one. On suspicion of a loss at most 2000 packets more for all peers of the target together, 100 a second in
// the long run (signals/burst_budget), and never more than 1000 a second to one address.

#include <algorithm>

#include "daemon/base/log.hpp"
#include "probes/network/icmp.hpp"
#include "probes/network/nodes_look.hpp"
#include "probes/network/nodes_options.hpp"
#include "probes/network/packet_pinger.hpp"
#include "probes/network/stamp.hpp"
#include "probes/network/tcp.hpp"
#include "probes/own_clock.hpp"
#include "probes/probe.hpp"

namespace qw::probes {
namespace {

constexpr MetricFamily kPeers{.name = "quorumwatch_mesh_peers",
                              .type = MetricType::gauge,
                              .help = "Other nodes of the mesh, as the list of members and DNS name them.",
                              .labels = ""};
constexpr MetricFamily kProbed{
    .name = "quorumwatch_mesh_probed_peers",
    .type = MetricType::gauge,
    .help = "Those of them that this node probes; fewer than all in a sparse mesh.",
    .labels = ""};
constexpr MetricFamily kZonePairs{
    .name = "quorumwatch_mesh_zone_pairs_covered_ratio",
    .type = MetricType::gauge,
    .help = "Part of all ordered pairs of zones across which some node probes some other one.",
    .labels = ""};
constexpr const MetricFamily* kFamilies[]{&kPeers, &kProbed, &kZonePairs};

/// Of the time, for the names.
constexpr int kResolvePercent = 25;

class Nodes final : public Probe {
 public:
  Nodes(const ProbeContext& context, NodesOptions options) : context_(context), options_(std::move(options)) {
    for (const auto& method : options_.methods) pingers_.push_back(make_pinger(method));
    told_.resize(pingers_.size());
  }

  /// Which method each peer answers.
  void inherit(Probe& before) override {
    auto* const other = dynamic_cast<Nodes*>(&before);
    if (!other) return;
    ways_ = std::move(other->ways_);
    told_ = std::move(other->told_);
  }

  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override {
    Facts facts;
    facts.traits.clock_profile = options_.clock_profile;
    if (!question.trains.empty()) {
      co_await send_extra(std::move(question.trains), deadline, facts);
      co_return facts;
    }
    const SteadyTime start = context_.clock.steady();
    auto peers = co_await find_peers(context_.net, options_.members,
                                     start + (deadline - start) / 100 * kResolvePercent);
    choose(peers, question, facts);
    co_await send_round(deadline, facts);
    // Where clocks are compared, this node's own has a vote.
    if (!facts.clocks.empty() && !own_name_.empty())
      facts.clocks.push_back(read_own_clock(own_name_, context_.clock));
    co_return facts;
  }

 private:
  std::unique_ptr<Pinger> make_pinger(std::string_view method) const {
    const auto& executor = context_.net.executor();
    if (method == "stamp") return std::make_unique<PacketPinger>(executor, make_stamp());
    if (method == "icmp") return std::make_unique<PacketPinger>(executor, make_icmp());
    return make_tcp(executor, options_.tcp_reset);
  }

  /// From the peers that there are to the ways that this node probes.
  void choose(const std::vector<Peer>& peers, const Question& question, Facts& facts) {
    const auto own = own_addresses();
    const auto self = find_self(peers, options_.self, own);
    std::vector<MeshNode> nodes;
    for (const auto& peer : peers) nodes.push_back({.name = peer.name, .zone = peer.zone});
    const auto& plan = plan_for(std::move(nodes), self ? peers[*self].name : options_.self);
    facts.readings.push_back({&kPeers, {}, static_cast<double>(plan.peers)});
    facts.readings.push_back({&kProbed, {}, static_cast<double>(plan.probed.size())});
    facts.readings.push_back({&kZonePairs, {}, plan.zone_pairs_covered_ratio()});
    for (auto& way : ways_) way.probed = false;
    for (const auto index : plan.probed) {
      const auto& peer = peers[index];
      if (!question.includes(peer.name)) continue;
      if (peer.shares_name && is_own(peer, own)) continue;
      if (peer.error) miss(facts, peer.name, *peer.error);
      add_ways(peer);
    }
    // A peer that is gone for a round, because its name did not resolve, starts anew.
    if (question.only.empty()) std::erase_if(ways_, [](const NodesWay& way) { return !way.probed; });
  }

  /// Worked out anew when somebody came or went.
  const MeshPlan& plan_for(std::vector<MeshNode> nodes, std::string self) {
    if (!plan_ || nodes != nodes_ || self != own_name_) {
      nodes_ = std::move(nodes);
      own_name_ = std::move(self);
      plan_ = plan_mesh(nodes_, own_name_, options_.mesh);
    }
    return *plan_;
  }

  /// One address of each family: find_peers() makes a peer of each where there are more.
  void add_ways(const Peer& peer) {
    const std::uint16_t port = peer.port != 0 ? peer.port : options_.port;
    for (const bool v6 : {false, true}) {
      const auto address = std::ranges::find(peer.addresses, v6, [](const auto& one) { return one.is_v6(); });
      if (address == peer.addresses.end()) continue;
      const net::Endpoint to(*address, port);
      auto way = std::ranges::find_if(
          ways_, [&](const NodesWay& one) { return one.node.member == peer.name && one.node.to == to; });
      if (way == ways_.end()) {
        way = ways_.insert(way, {.node = {.member = peer.name, .to = to}, .ladder = Ladder(pingers_.size())});
      }
      way->probed = true;
    }
  }

  Task<void> send_round(SteadyTime deadline, Facts& facts) {
    std::vector<std::vector<NodeShare>> shares(pingers_.size());
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      if (!ways_[i].probed) continue;
      const auto plan = ways_[i].ladder.plan();
      for (std::size_t m = 0; m < plan.size(); ++m) {
        shares[m].push_back({.way = i, .packets = packets_of(pingers_[m]->method(), plan[m], options_.pace)});
      }
    }
    const SteadyTime start = context_.clock.steady();
    auto looked = co_await look(shares, false, deadline);
    looked.judge(ways_, context_.last_heard, {.sent = start, .received = context_.clock.steady()}, facts);
    tell_refusals(looked);
  }

  Task<void> send_extra(std::vector<TrainQuestion> questions, SteadyTime deadline, Facts& facts) {
    std::vector<std::vector<NodeShare>> shares(pingers_.size());
    for (const auto& question : questions) {
      const auto pinger = std::ranges::find(pingers_, question.method, &Pinger::method);
      if (pinger == pingers_.end()) continue;
      const auto m = static_cast<std::size_t>(pinger - pingers_.begin());
      for (std::size_t i = 0; i < ways_.size(); ++i) {
        if (ways_[i].node.member == question.member)
          shares[m].push_back({.way = i, .packets = burst_of(question.method, question.packets)});
      }
    }
    auto looked = co_await look(shares, true, deadline);
    looked.append_all(facts);
  }

  /// All methods at the same time.
  Task<NodesLook> look(const std::vector<std::vector<NodeShare>>& shares, bool extra, SteadyTime deadline) {
    std::vector<NodeWay> nodes;
    for (const auto& way : ways_) nodes.push_back(way.node);
    NodesLook looked;
    std::vector<Task<std::vector<TrainOutcome>>> tasks;
    const SteadyTime start = context_.clock.steady();
    for (std::size_t m = 0; m < pingers_.size(); ++m) {
      const bool tcp = pingers_[m]->method() == "tcp_info";
      const auto lanes = pingers_[m]->method() == kStamp ? options_.pace.source_ports : 1;
      auto orders = make_orders(nodes, shares[m], tcp ? options_.tcp_port.value_or(0) : std::uint16_t(0),
                                lanes, extra ? kBurstSpacing : options_.pace.spacing, start, deadline);
      looked.methods.push_back(pingers_[m]->method());
      looked.ways.push_back(ways_of(orders));
      for (auto& order : orders) order.extra = extra;
      tasks.push_back(pingers_[m]->send(std::move(orders), deadline));
    }
    looked.outcomes = co_await async::all(std::move(tasks));
    co_return looked;
  }

  std::vector<std::size_t> ways_of(const std::vector<TrainOrder>& orders) const {
    std::vector<std::size_t> out;
    for (const auto& order : orders) {
      const auto way = std::ranges::find_if(ways_, [&](const NodesWay& one) {
        return one.node.member == order.member && one.node.to.address() == order.to.address();
      });
      out.push_back(static_cast<std::size_t>(way - ways_.begin()));
    }
    return out;
  }

  void miss(Facts& facts, std::string member, Error error) const {
    const SteadyTime now = context_.clock.steady();
    facts.unanswered.push_back(
        {.member = std::move(member), .asked = {.sent = now, .received = now}, .error = std::move(error)});
  }

  /// A method that this process may not use is told once, and again when the reason changes.
  void tell_refusals(const NodesLook& looked) {
    for (std::size_t m = 0; m < pingers_.size(); ++m) {
      if (looked.outcomes[m].empty()) continue;
      const auto reason = looked.refusal(m);
      if (!reason.empty() && reason != told_[m]) {
        log::warning("a method to probe nodes can not be used",
                     {{"method", std::string(pingers_[m]->method())}, {"reason", reason}});
      }
      told_[m] = reason;
    }
  }

  ProbeContext context_;
  NodesOptions options_;
  std::vector<MeshNode> nodes_;                   ///< of the round before, with
  std::string own_name_;                          ///< this node's among the members; empty: not known
  std::optional<MeshPlan> plan_;                  ///< and what follows from both
  std::vector<std::unique_ptr<Pinger>> pingers_;  ///< by method
  std::vector<std::string> told_;                 ///< by method: why it can not be used
  std::vector<NodesWay> ways_;
};

ProbeMaker read(config::Fields& fields) {
  auto options = read_nodes_options(fields);
  return [options](const ProbeContext& context) -> Result<std::unique_ptr<Probe>> {
    return std::make_unique<Nodes>(context, options);
  };
}

}  // namespace

extern const ProbeKind kNodes;
const ProbeKind kNodes{
    .system = "nodes",
    .summary = "Other nodes: round trip, loss each way and clock offset, by STAMP, ICMP or TCP",
    .measures =
        "The round trip to every node with its own error, loss in each direction, duplicates, reordering, "
        "late answers, and "
        "the nodes' clocks.",
    .asks =
        "STAMP or TWAMP-light reflectors over UDP (no permission), ICMP echo (net.ipv4.ping_group_range or "
        "CAP_NET_RAW), a TCP "
        "handshake.",
    .cannot_see =
        "The direction of a loss without a reflector that counts; which of several equal-cost paths a packet "
        "took.",
    .metrics = kFamilies,
    .read = read,
};

}  // namespace qw::probes
