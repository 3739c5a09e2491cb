#include "probes/signals/round_trip.hpp"

#include <gtest/gtest.h>

#include "story.hpp"

namespace qw::signals {
namespace {

using std::chrono::microseconds;

RoundTrip trip(std::string member, std::string method, int value, std::optional<int> error = {}) {
  return {.member = std::move(member),
          .method = std::move(method),
          .asked = asked(0, 1),
          .value = microseconds(value),
          .error = error ? std::optional<Nanoseconds>(microseconds(*error)) : std::nullopt};
}

Story told(std::vector<RoundTrip> trips) {
  Story story(etcd());
  Look look(0, 1);
  look.facts().round_trips = std::move(trips);
  story.round({look});
  return story;
}

TEST(RoundTrips, GiveTheMedianOfEachMemberAndMethod) {
  const auto story = told({trip("a", "http", 300), trip("b", "http", 50), trip("a", "icmp", 7),
                           trip("a", "http", 900), trip("a", "http", 100), trip("b", "http", 70)});
  EXPECT_NEAR(*story.value("rtt_seconds{member=a,method=http}"), 300e-6, 1e-12);
  EXPECT_NEAR(*story.value("rtt_seconds{member=a,method=icmp}"), 7e-6, 1e-12);
  EXPECT_NEAR(*story.value("rtt_seconds{member=b,method=http}"), 60e-6, 1e-12);
  EXPECT_EQ(story.value("rtt_error_seconds{member=a,method=http}"), std::nullopt);
}

TEST(RoundTrips, GiveTheErrorOfTheMedianWhereItIsKnown) {
  const auto story = told({trip("a", "stamp", 10, 1), trip("a", "stamp", 20, 5), trip("a", "stamp", 30, 9),
                           trip("b", "stamp", 10, 1), trip("b", "stamp", 20)});
  EXPECT_NEAR(*story.value("rtt_error_seconds{member=a,method=stamp}"), 5e-6, 1e-12);
  EXPECT_EQ(story.value("rtt_error_seconds{member=b,method=stamp}"), std::nullopt);
}

TEST(RoundTrips, ForgetTheRoundBefore) {
  auto story = told({trip("a", "http", 300)});
  story.round({Look(10, 11)});
  EXPECT_EQ(story.value("rtt_seconds{member=a,method=http}"), std::nullopt);
}

TEST(RoundTrips, CountEveryRoundTripInAHistogram) {
  auto story = told({trip("a", "http", 300), trip("a", "http", 4)});
  story.round({Look(10, 11)});
  const auto bucket = [&](const std::string& le) {
    return story.value("rtt_distribution_seconds_bucket{le=" + le + ",member=a,method=http}");
  };
  EXPECT_EQ(bucket("5e-06"), 1);
  EXPECT_EQ(bucket("0.00025"), 1);
  EXPECT_EQ(bucket("0.0005"), 2);
  EXPECT_EQ(bucket("+Inf"), 2);
  EXPECT_EQ(story.value("rtt_distribution_seconds_count{member=a,method=http}"), 2);
  EXPECT_NEAR(*story.value("rtt_distribution_seconds_sum{member=a,method=http}"), 304e-6, 1e-12);
  EXPECT_FALSE(story.repeated());
}

/// Rounds of one member by STAMP, one second apart.
class Mesh {
 public:
  Story story{Traits()};

  PacketTrain train(std::uint64_t sent, std::uint64_t received, std::string path = "") const {
    auto train = packet_train("b", "stamp", asked(time_, time_ + 100), sent, received);
    train.path = std::move(path);
    return train;
  }
  RoundTrip packet(int us, std::string path = "") const {
    auto out = trip("b", "stamp", us, 1);
    out.asked = asked(time_, time_ + 100);
    out.path = std::move(path);
    return out;
  }
  /// Also asks what should be sent at once.
  void round(std::vector<PacketTrain> trains, std::vector<RoundTrip> trips = {}) {
    Look look(time_, time_ + 100);
    look.facts().trains = std::move(trains);
    look.facts().round_trips = std::move(trips);
    story.round({look});
    wanted = story.judgement().ask_trains();
    time_ += 1000;
  }
  double value(const std::string& family, const std::string& label = "") const {
    const auto before = label < "member" ? label : "", after = label < "member" ? "" : label;
    return story
        .value(family + "{" + before + (before.empty() ? "" : ",") + "member=b,method=stamp" +
               (after.empty() ? "" : ",") + after + "}")
        .value_or(-1);
  }
  std::vector<TrainQuestion> wanted;

 private:
  double time_ = 0;
};

TEST(RoundTrips, CountPackets) {
  Mesh mesh;
  for (int i = 0; i < 3; ++i) {
    auto train = mesh.train(20, 18);
    train.late = 1;
    train.duplicates = 2;
    train.reordered = 3;
    train.disturbed = 4;
    train.lost_forward = 1;
    train.lost_backward = 0;
    mesh.round({train});
  }
  EXPECT_EQ(mesh.value("rtt_sent_total"), 60);
  EXPECT_EQ(mesh.value("rtt_received_total"), 54);
  EXPECT_EQ(mesh.value("rtt_late_total"), 3);
  EXPECT_EQ(mesh.value("rtt_duplicate_total"), 6);
  EXPECT_EQ(mesh.value("rtt_reordered_total"), 9);
  EXPECT_EQ(mesh.value("rtt_disturbed_total"), 12);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=forward"), 3);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=backward"), 0);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=unknown"), 1) << "of two it may yet be told";
  EXPECT_NEAR(mesh.value("rtt_loss_ratio"), 3.0 / 60, 1e-12) << "what came late is not lost";
  EXPECT_EQ(mesh.value("rtt_loss_samples"), 60);
}

TEST(RoundTrips, ForgetLossesAfterAMinuteButNotTheCounters) {
  Mesh mesh;
  mesh.round({mesh.train(20, 10)});
  for (int i = 0; i < 70; ++i) mesh.round({mesh.train(20, 20)});
  EXPECT_EQ(mesh.value("rtt_loss_ratio"), 0);
  EXPECT_GE(mesh.value("rtt_loss_samples"), 1000);
  EXPECT_EQ(mesh.value("rtt_sent_total"), 71 * 20);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=unknown"), 10);
}

/// The reflector's count tells of the last packets of a train only with the next answer.
TEST(RoundTrips, NameTheDirectionOfALossThatIsToldLater) {
  Mesh mesh;
  const auto told = [&](std::uint64_t received, std::uint64_t forward, std::uint64_t backward) {
    auto train = mesh.train(10, received);
    train.lost_forward = forward;
    train.lost_backward = backward;
    mesh.round({train});
  };
  told(10, 0, 0);
  told(8, 1, 0);
  told(10, 0, 1);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=forward"), 1);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=backward"), 1);
  EXPECT_EQ(mesh.value("rtt_lost_total", "direction=unknown"), 0);
  // A silence of two minutes is nobody's; that it was the way forward is told too late to count it again.
  for (int i = 0; i < 120; ++i) mesh.round({mesh.train(10, 0)});
  told(10, 1200, 0);
  const auto sum = mesh.value("rtt_lost_total", "direction=forward") +
                   mesh.value("rtt_lost_total", "direction=backward") +
                   mesh.value("rtt_lost_total", "direction=unknown");
  EXPECT_EQ(sum, 1202);
}

TEST(RoundTrips, SmoothTheJitterOfEachPathAsRfc3550Does) {
  Mesh mesh;
  mesh.round({mesh.train(4, 4)},
             {mesh.packet(100, "x"), mesh.packet(500, "y"), mesh.packet(260, "x"), mesh.packet(500, "y")});
  // On x 160 us of difference, on y none: 160 / 16, and a sixteenth of that less.
  EXPECT_NEAR(mesh.value("rtt_jitter_seconds"), 10e-6 * 15 / 16, 1e-9);
}

TEST(RoundTrips, ShowTheSpreadOfPathsWithoutASeriesForEach) {
  Mesh mesh;
  mesh.round({mesh.train(100, 100, "x"), mesh.train(100, 90, "y")},
             {mesh.packet(100, "x"), mesh.packet(180, "y"), mesh.packet(110, "x")});
  EXPECT_EQ(mesh.value("rtt_paths"), 2);
  EXPECT_NEAR(mesh.value("rtt_path_spread_seconds"), 75e-6, 1e-12);
  EXPECT_NEAR(mesh.value("rtt_worst_path_loss_ratio"), 0.1, 1e-12);
  EXPECT_NEAR(mesh.value("rtt_loss_ratio"), 0.05, 1e-12);
  Mesh one;
  one.round({one.train(100, 90)}, {one.packet(100)});
  EXPECT_EQ(one.value("rtt_paths"), -1);
  EXPECT_EQ(one.value("rtt_worst_path_loss_ratio"), -1);
}

TEST(RoundTrips, SayWhetherTheMethodIsAPoorerOne) {
  Mesh mesh;
  mesh.round({mesh.train(4, 4)});
  EXPECT_EQ(mesh.value("rtt_method_degraded"), 0);
  auto poor = mesh.train(4, 4);
  poor.degraded_from = "icmp";
  mesh.round({poor});
  EXPECT_EQ(mesh.value("rtt_method_degraded"), 1);
}

TEST(RoundTrips, TellAStarvedPeerFromASlowWireAndFromOurselves) {
  const auto rounds = [](Mesh& mesh, int wire, int held, int lag) {
    for (int i = 0; i < 10; ++i) {
      std::vector<RoundTrip> trips;
      for (int n = 0; n < 10; ++n) {
        trips.push_back(mesh.packet(wire + n));
        trips.back().held = microseconds(held + n);
        trips.back().send_lag = microseconds(lag + n);
      }
      mesh.round({mesh.train(10, 10)}, trips);
    }
  };
  const auto slow = [](const Mesh& mesh) {
    std::string words;
    for (const std::string part : {"wire", "peer", "self"}) {
      if (mesh.value("rtt_slow", "part=" + part) != 0) words += part + " ";
    }
    return words;
  };
  struct Case {
    int wire, held, lag;
    std::string words;
  };
  for (const auto& c : {Case{100, 20, 30, ""}, Case{100, 4000, 30, "peer "}, Case{3000, 20, 30, "wire "},
                        Case{100, 20, 2000, "self "}, Case{3000, 4000, 30, "wire peer "}}) {
    Mesh mesh;
    rounds(mesh, 100, 20, 30);
    rounds(mesh, c.wire, c.held, c.lag);
    EXPECT_EQ(slow(mesh), c.words);
    EXPECT_NEAR(mesh.value("rtt_peer_held_seconds"), (c.held + 4.5) * 1e-6, 1e-12);
    EXPECT_NEAR(mesh.value("rtt_send_lag_seconds"), (c.lag + 9) * 1e-6, 1e-12);
  }
}

TEST(RoundTrips, AskForABurstAfterALoss) {
  Mesh mesh;
  mesh.round({mesh.train(50, 50)});
  EXPECT_TRUE(mesh.wanted.empty());
  mesh.round({mesh.train(50, 49)});
  ASSERT_EQ(mesh.wanted.size(), 1U);
  EXPECT_EQ(mesh.wanted[0].member, "b");
  EXPECT_EQ(mesh.wanted[0].method, "stamp");
  EXPECT_EQ(mesh.wanted[0].packets, 500U);
  mesh.round({mesh.train(50, 0)});
  EXPECT_TRUE(mesh.wanted.empty()) << "who does not answer at all would not answer more";
}

TEST(RoundTrips, AskForABurstAfterARoundTripThatIsFarOff) {
  Mesh mesh;
  const auto round = [&](int us) { mesh.round({mesh.train(1, 1)}, {mesh.packet(us)}); };
  for (int i = 0; i < 30; ++i) round(100 + i % 3);
  EXPECT_TRUE(mesh.wanted.empty());
  round(2000);
  ASSERT_EQ(mesh.wanted.size(), 1U);
  EXPECT_EQ(mesh.wanted[0].packets, 20U);
  auto burst = mesh.train(20, 20);
  burst.extra = true;
  mesh.round({burst});
  EXPECT_TRUE(mesh.wanted.empty());
}

TEST(RoundTrips, AskNobodyWhoCanNotBeSentTrains) {
  Story story(etcd());
  for (int i = 0; i < 30; ++i) {
    Look look(i, i + 1);
    look.facts().round_trips = {trip("a", "http", i == 29 ? 900'000 : 100)};
    story.round({look});
  }
  EXPECT_TRUE(story.judgement().ask_trains().empty());
}

/// All members in trouble at once, as behind a broken network card of our own.
TEST(RoundTrips, KeepTheirBudgetWhoeverIsInTrouble) {
  RoundTrips round_trips;
  std::uint64_t extra = 0;
  for (int round = 0; round < 100; ++round) {
    round_trips.begin();
    Facts facts;
    const auto add = [&](int member, std::uint64_t packets, bool is_extra) {
      const std::uint64_t lost = round % 3 == 0 ? 1 : 0;
      auto train = packet_train("m" + std::to_string(member), "icmp", asked(round * 1000, round * 1000 + 10),
                                packets, packets - lost);
      train.extra = is_extra;
      facts.trains.push_back(train);
    };
    for (int member = 0; member < 60; ++member) add(member, 10, false);
    for (int looks = 0; looks < 4; ++looks) {
      round_trips.observe(facts);
      facts = {};
      const auto wanted = round_trips.ask_trains();
      EXPECT_LE(wanted.size(), 32U);
      for (const auto& one : wanted) {
        extra += one.packets;
        add(std::stoi(one.member.substr(1)), one.packets, true);
      }
    }
  }
  EXPECT_GT(extra, 2000U);
  EXPECT_LE(extra, 2000U + 100U * 100U);
}

TEST(RoundTrips, AreBoundedWhoeverAnswers) {
  RoundTrips round_trips;
  Samples samples("nodes", "mesh");
  const auto count = [&](double time) {
    round_trips.report(at(time), samples);
    std::size_t members = 0;
    double left_out = -1;
    for (const auto& sample : samples.take()) {
      members += sample.series->family->name == "quorumwatch_rtt_sent_total";
      if (sample.series->family->name == "quorumwatch_rtt_left_out_total") left_out = sample.value;
    }
    return std::pair(members, left_out);
  };
  Facts facts;
  for (int i = 0; i < 3000; ++i) {
    for (const auto& member : {"m" + std::to_string(i), std::string("a")}) {
      facts.trains.push_back(packet_train(member, "icmp", asked(0, 1), 1, 0));
      facts.trains.back().path = "p" + std::to_string(i);
    }
  }
  round_trips.begin();
  round_trips.observe(facts);
  EXPECT_EQ(count(100), std::pair(std::size_t{1024}, 3001.0 - 1024));
  EXPECT_EQ(count(9 * 60'000), std::pair(std::size_t{1024}, 3001.0 - 1024));
  EXPECT_EQ(count(11 * 60'000), std::pair(std::size_t{0}, -1.0)) << "who is gone is forgotten";
}

}  // namespace
}  // namespace qw::signals
