#include "daemon/model/wires.hpp"

#include <gtest/gtest.h>

namespace qw {
namespace {

WireRow row(std::string member) {
  WireRow out;
  out.member = std::move(member);
  out.method = "stamp";
  out.seconds = 0.0001;
  return out;
}

TEST(Wires, SayWhatIsWrongInWords) {
  EXPECT_EQ(describe(row("a")), "");
  EXPECT_FALSE(in_trouble(row("a")));
  auto lossy = row("a");
  lossy.confirmed = lossy.confirmed_backward = 1;
  EXPECT_EQ(describe(lossy), "packets are lost on the way back");
  lossy.confirmed_forward = 1;
  EXPECT_EQ(describe(lossy), "packets are lost on the way there and back");
  auto starved = row("a");
  starved.slow_peer = 1;
  starved.slow_wire = 0;
  EXPECT_EQ(describe(starved), "the peer holds packets: it is short of CPU");
  EXPECT_TRUE(in_trouble(starved));
  auto ours = row("a");
  ours.slow_self = ours.degraded = 1;
  EXPECT_FALSE(in_trouble(ours)) << "that is not the peer's trouble";
  EXPECT_EQ(describe(ours), "we send late: this machine is short of CPU; no better method can be had");
  auto silent = row("a");
  silent.seconds.reset();
  EXPECT_EQ(describe(silent), "no answer");
}

TEST(Wires, AreReadFromTheSamplesOfARound) {
  static constexpr MetricFamily kRtt{"quorumwatch_rtt_seconds", MetricType::gauge, "x", "member method"};
  static constexpr MetricFamily kCount{"quorumwatch_rtt_loss_samples", MetricType::gauge, "x",
                                       "member method"};
  static constexpr MetricFamily kSlow{"quorumwatch_rtt_slow", MetricType::gauge, "x", "member method part"};
  Samples samples("nodes", "mesh");
  for (const std::string_view member : {"a", "b"}) {
    const Samples::Label of{"member", member}, by{"method", "icmp"};
    samples.add(kRtt, 0.001, {of, by});
    samples.add(kCount, 50, {of, by});
    samples.add(kSlow, member == "b" ? 1 : 0, {of, by, {"part", "wire"}});
  }
  samples.add(kRtt, 0.002, {{"member", "a"}, {"method", "http"}});
  const auto rows = wires_of(samples.take());
  ASSERT_EQ(rows.size(), 2U) << "without packets there is nothing to tell but the round trip";
  EXPECT_EQ(rows[0].member, "b") << "those in trouble first";
  EXPECT_EQ(rows[0].slow_wire, 1);
  EXPECT_EQ(rows[1].loss_samples, 50);
}

}  // namespace
}  // namespace qw
