#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "config/config.hpp"
#include "probes/network/nodes_orders.hpp"
#include "probes/network/reflector.hpp"
#include "probes/probe.hpp"
#include "tests/unit/network/loop.hpp"

namespace qw::probes {

extern const ProbeKind kNodes;

namespace {

using asio::ip::make_address;
using std::chrono::seconds;
using test::in;
using test::milliseconds;
using ::testing::HasSubstr;

/// What a configuration file with one target says is wrong; empty: nothing. `maker` is what it makes.
std::vector<std::string> configure(const std::string& keys, ProbeMaker* maker = nullptr) {
  const std::vector<config::Kind> kinds{
      {.system = kNodes.system, .summary = kNodes.summary, .read = [](config::Fields& fields) {
         return std::any(kNodes.read(fields));
       }}};
  const auto loaded =
      config::load_text("targets:\n  - {system: nodes, name: mesh, " + keys + "}\n", "test.yml", kinds);
  std::vector<std::string> problems;
  for (const auto& problem : loaded.problems) problems.push_back(problem.text);
  if (maker != nullptr && problems.empty())
    *maker = std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan);
  return problems;
}

/// A `nodes` probe, and peers for it on loopback.
class NodesTest : public ::testing::Test {
 protected:
  ~NodesTest() override { probe_.reset(); }

  void make(const std::string& keys) {
    ProbeMaker maker;
    const auto problems = configure(keys, &maker);
    ASSERT_TRUE(problems.empty()) << problems.front();
    auto made = maker({.net = net_, .clock = clock_});
    ASSERT_TRUE(made);
    probe_ = std::move(*made);
  }
  Facts ask(Question question = {}, milliseconds within = milliseconds(1500)) {
    auto facts = loop_.run(probe_->ask(std::move(question), in(within)));
    EXPECT_TRUE(facts);
    return std::move(*facts);
  }
  /// The port of a reflector on this address.
  std::uint16_t reflect(const std::string& address) {
    auto opened = Reflector::open(loop_.executor(), {.listen = {net::Endpoint(make_address(address), port_)}},
                                  [] { return wire::ErrorEstimate(); });
    EXPECT_TRUE(opened) << opened.error().message();
    for (auto& task : (*opened)->tasks()) loop_.spawn(std::move(task));
    port_ = (*opened)->listening().front().port();
    reflectors_[address] = std::move(*opened);
    return port_;
  }
  /// A UDP port where nobody listens.
  static std::uint16_t free_port() {
    asio::io_context other;
    return asio::ip::udp::socket(other, {make_address("127.0.0.1"), 0}).local_endpoint().port();
  }
  static double reading(const Facts& facts, std::string_view name) {
    for (const auto& one : facts.readings) {
      if (one.family->name == name) return one.value;
    }
    return -1;
  }

  test::Loop loop_;
  SystemClock clock_;
  net::Resolver resolver_{loop_.executor(), {}};
  net::Net net_{loop_.executor(), resolver_};
  std::map<std::string, std::unique_ptr<Reflector>> reflectors_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Probe> probe_;
};

TEST_F(NodesTest, MeasuresEveryPeerOverEverySourcePort) {
  const auto port = reflect("127.0.0.2");
  reflect("127.0.0.3");
  make(
      fmt::format("members: [127.0.0.2, 127.0.0.3], methods: [stamp], port: {}, packets: 12, spacing: 2ms, "
                  "source_ports: 3",
                  port));
  const auto facts = ask();
  EXPECT_TRUE(facts.unanswered.empty()) << facts.unanswered.front().error.message();
  ASSERT_EQ(facts.trains.size(), 6U);
  for (const auto& train : facts.trains) {
    EXPECT_EQ(train.sent, 4U);
    EXPECT_EQ(train.received, 4U);
    EXPECT_EQ(train.method, "stamp");
    EXPECT_THAT(train.path, HasSubstr(train.member + "#"));
    EXPECT_EQ(train.degraded_from, "");
    EXPECT_FALSE(train.extra);
  }
  EXPECT_GE(facts.round_trips.size(), 20U);
  EXPECT_FALSE(facts.clocks.empty());
  EXPECT_EQ(reading(facts, "quorumwatch_mesh_peers"), 2);
  EXPECT_EQ(reading(facts, "quorumwatch_mesh_probed_peers"), 2);
  EXPECT_EQ(reading(facts, "quorumwatch_mesh_zone_pairs_covered_ratio"), 1);
}

TEST_F(NodesTest, MorePacketsGoWhereASignalWantsThem) {
  const auto port = reflect("127.0.0.2");
  make(fmt::format(
      "members: [127.0.0.2], methods: [stamp], port: {}, packets: 4, spacing: 2ms, source_ports: 1", port));
  ask();
  const auto facts =
      ask(Question(std::vector<TrainQuestion>{{.member = "127.0.0.2", .method = "stamp", .packets = 30}}));
  ASSERT_EQ(facts.trains.size(), 1U);
  EXPECT_EQ(facts.trains[0].sent, 31U) << "and one for the reflector's second word on the last";
  EXPECT_EQ(facts.trains[0].received, 31U);
  EXPECT_TRUE(facts.trains[0].extra);
  EXPECT_TRUE(facts.readings.empty());
}

TEST_F(NodesTest, WithoutReflectorTheNextMethodSpeaksAndSaysSo) {
  asio::io_context other;
  const asio::ip::tcp::acceptor acceptor(other, {make_address("127.0.0.2"), 0});
  make(fmt::format(
      "members: [127.0.0.2], methods: [stamp, tcp], port: {}, tcp_port: {}, packets: 10, spacing: 2ms",
      free_port(), acceptor.local_endpoint().port()));
  auto facts = ask();
  EXPECT_TRUE(facts.unanswered.empty());
  ASSERT_EQ(facts.trains.size(), 1U) << "a reflector that was never there is no loss";
  EXPECT_EQ(facts.trains[0].method, "tcp_info");
  EXPECT_EQ(facts.trains[0].degraded_from, "stamp");
  facts = ask();
  ASSERT_EQ(facts.trains.size(), 1U);
  EXPECT_EQ(facts.trains[0].method, "tcp_info");
}

TEST_F(NodesTest, TheKernelOfANodeWithoutReflectorIsPinged) {
  make(fmt::format("members: [127.0.0.2], methods: [stamp, icmp], port: {}, packets: 10, spacing: 2ms",
                   free_port()));
  const auto facts = ask();
  if (!facts.unanswered.empty() && facts.unanswered[0].error.message().contains("sockets need")) {
    GTEST_SKIP() << facts.unanswered[0].error.message();
  }
  EXPECT_TRUE(facts.unanswered.empty());
  ASSERT_EQ(facts.trains.size(), 1U);
  EXPECT_EQ(facts.trains[0].method, "icmp");
  EXPECT_GT(facts.trains[0].received, 0U);
  EXPECT_EQ(facts.trains[0].degraded_from, "stamp");
}

TEST_F(NodesTest, APeerThatNobodyReachesIsNamedWithAllReasons) {
  const auto port = free_port();
  make(fmt::format(
      "members: [127.0.0.2], methods: [stamp, tcp], port: {0}, tcp_port: {0}, packets: 4, spacing: 2ms",
      port));
  const auto facts = ask();
  ASSERT_EQ(facts.unanswered.size(), 1U);
  EXPECT_EQ(facts.unanswered[0].member, "127.0.0.2");
  EXPECT_EQ(facts.unanswered[0].error.message(), "stamp: connection refused; tcp_info: connection refused");
  EXPECT_TRUE(facts.round_trips.empty());
}

TEST_F(NodesTest, AReflectorThatFallsSilentIsLossAtFirst) {
  const auto port = reflect("127.0.0.2");
  make(fmt::format(
      "members: [127.0.0.2], methods: [stamp], port: {}, packets: 4, spacing: 2ms, source_ports: 1", port));
  ask();
  reflectors_.clear();
  const auto facts = ask();
  ASSERT_EQ(facts.trains.size(), 1U);
  EXPECT_GE(facts.trains[0].sent, 4U);
  EXPECT_EQ(facts.trains[0].received, 0U);
  EXPECT_EQ(facts.unanswered.size(), 1U);
}

TEST_F(NodesTest, AWayThatIsCutInOneDirectionIsNamedByThePacketsThatStillComeTheOtherWay) {
  const auto port = reflect("127.0.0.2");
  std::optional<SteadyTime> heard;
  ProbeMaker maker;
  configure(fmt::format(
                "members: [127.0.0.2], methods: [stamp], port: {}, packets: 4, spacing: 2ms, source_ports: 1",
                port),
            &maker);
  probe_ =
      *maker({.net = net_, .clock = clock_, .last_heard = [&](const asio::ip::address&) { return heard; }});
  ask();
  reflectors_.clear();
  heard = clock_.steady();
  EXPECT_FALSE(ask().trains.at(0).lost_forward) << "it may have come before the cut";
  EXPECT_FALSE(ask().trains.at(0).lost_forward);
  heard = clock_.steady();
  const auto train = ask().trains.at(0);
  EXPECT_EQ(train.lost_forward, train.sent);
  EXPECT_EQ(train.lost_backward, 0U);
}

TEST(NodesOptions, AreCheckedAsAWhole) {
  EXPECT_TRUE(
      configure("members: [10.0.0.1, \"_stamp._udp.nodes.example\"], zones: {10.0.0.1: rack-a}").empty());
  EXPECT_THAT(configure("members: [10.0.0.1, 10.0.0.1]"), ::testing::ElementsAre("10.0.0.1 is there twice"));
  EXPECT_THAT(configure("members: [a], methods: [ping]"),
              ::testing::ElementsAre("unknown method 'ping'; known: stamp, icmp, tcp"));
  EXPECT_THAT(configure("members: [a], methods: [tcp]"), ::testing::ElementsAre("tcp needs tcp_port"));
  EXPECT_THAT(configure("members: [a], zones: {b: rack}"),
              ::testing::ElementsAre("'b' is not among the members"));
  EXPECT_THAT(configure("members: [a], packets: 5000, spacing: 10us"), ::testing::SizeIs(2));
}

TEST(NodesOrders, KeepToTheGridAndTheTime) {
  const std::vector<NodeWay> ways{{.member = "a", .to = {make_address("10.0.0.1"), 862}},
                                  {.member = "b", .to = {make_address("10.0.0.2"), 862}}};
  const std::vector<NodeShare> shares{{.way = 0, .packets = 50}, {.way = 1, .packets = 50}};
  const SteadyTime start(seconds(100));
  const auto roomy = make_orders(ways, shares, 0, 4, milliseconds(20), start, start + seconds(10));
  ASSERT_EQ(roomy.size(), 8U);
  EXPECT_EQ(roomy[0].packets + roomy[1].packets + roomy[2].packets + roomy[3].packets, 50U);
  EXPECT_EQ(roomy[1].first, start + milliseconds(20));
  EXPECT_EQ(roomy[0].every, milliseconds(80));
  EXPECT_EQ(roomy[4].first, start + milliseconds(10)) << "half a step later than the first peer";
  EXPECT_EQ(roomy[7].path, "10.0.0.2#3");
  const auto tight = make_orders(ways, shares, 0, 1, milliseconds(20), start, start + milliseconds(100));
  ASSERT_EQ(tight.size(), 2U);
  EXPECT_EQ(tight[0].packets, 50U);
  EXPECT_EQ(tight[0].path, "10.0.0.1");
  EXPECT_LE(tight[0].first + tight[0].every * tight[0].packets, start + milliseconds(60));
  const auto no_time = make_orders(ways, shares, 0, 1, milliseconds(20), start, start + milliseconds(10));
  EXPECT_EQ(no_time[0].packets, 6U) << "a millisecond apart at least";
}

TEST(NodesOrders, PoorerMethodsSendFewer) {
  const NodesPace pace{.packets = 50};
  EXPECT_EQ(packets_of("stamp", Ladder::Share::full, pace), 50U);
  EXPECT_EQ(packets_of("icmp", Ladder::Share::full, pace), 25U);
  EXPECT_EQ(packets_of("tcp_info", Ladder::Share::full, pace), 1U);
  EXPECT_EQ(packets_of("stamp", Ladder::Share::knock, pace), 3U);
  EXPECT_EQ(packets_of("tcp_info", Ladder::Share::knock, pace), 1U);
  EXPECT_EQ(packets_of("tcp_info", Ladder::Share::none, pace), 0U);
  EXPECT_EQ(packets_of("tcp_info", Ladder::Share::full, NodesPace()), 5U);
  EXPECT_EQ(burst_of("stamp", 500), 500U);
  EXPECT_EQ(burst_of("tcp_info", 500), 50U);
}

}  // namespace
}  // namespace qw::probes
