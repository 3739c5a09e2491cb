#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <random>

#include "probes/network/clocks_address.hpp"
#include "probes/network/clocks_aim.hpp"
#include "probes/probe.hpp"

namespace qw::probes {

extern const ProbeKind kClocks;

namespace {

TEST(ClockAddressTest, ReadsSchemesPortsAndPaths) {
  const auto ntp = ClockAddress::parse("ntp://10.0.9.1");
  ASSERT_TRUE(ntp);
  EXPECT_EQ(ntp->scheme, ClockScheme::ntp);
  EXPECT_EQ(ntp->at.port, 123);
  EXPECT_EQ(ntp->name, "ntp://10.0.9.1");
  const auto chrony = ClockAddress::parse("chrony://[::1]:1323");
  ASSERT_TRUE(chrony);
  EXPECT_EQ(chrony->at.host, "::1");
  EXPECT_EQ(chrony->at.port, 1323);
  const auto web = ClockAddress::parse("https://web.example/health?x=1");
  ASSERT_TRUE(web);
  EXPECT_EQ(web->at.port, 443);
  EXPECT_EQ(web->path, "/health?x=1");
  EXPECT_EQ(ClockAddress::parse("http://web.example")->path, "/");
  EXPECT_TRUE(ClockAddress::parse("ntp://10.0.9.1/"));
}

TEST(ClockAddressTest, RefusesTheRest) {
  for (const auto* text : {"", "10.0.9.1", "ftp://10.0.9.1", "ntp://", "ntp://host/path", "chrony://host:0",
                           "http://:80/", "NTP://host"}) {
    EXPECT_FALSE(ClockAddress::parse(text)) << text;
  }
}

/// A web server whose clock is ahead of our monotonic one, asked as the probe does it.
class Server {
 public:
  Server(double ahead, double round_trip) : ahead_(ahead), round_trip_(round_trip) {}

  /// One round; returns the interval that its readings leave, in seconds.
  signals::ClockInterval round(DateAim& aim, double now) {
    if (!asked_) saw(aim, now);
    signals::ClockInterval left{-std::chrono::hours(1), std::chrono::hours(1)};
    const auto planned = aim.plan(at(now + 0.001), at(now + 1.6));
    for (const auto when : planned) {
      const double sent = std::max(seconds(when.time_since_epoch()) + jitter(), last_);
      left = left & saw(aim, sent);
    }
    requests_ += planned.size();
    asked_ = true;
    return left;
  }
  void step(double by) { ahead_ += by; }
  double ahead() const { return ahead_; }
  std::size_t requests() const { return requests_; }

 private:
  static SteadyTime at(double time) { return SteadyTime(Nanoseconds(static_cast<std::int64_t>(time * 1e9))); }
  double jitter() { return std::exponential_distribution<double>(1 / 80e-6)(random_); }

  signals::ClockInterval saw(DateAim& aim, double sent) {
    const double there = sent + round_trip_ * (0.2 + 0.6 * std::uniform_real_distribution<double>()(random_));
    last_ = sent + round_trip_ + jitter();
    ClockReading reading;
    reading.asked = {at(sent), at(last_)};
    reading.remote = WallTime(std::chrono::seconds(static_cast<std::int64_t>(std::floor(there + ahead_))));
    reading.resolution = std::chrono::seconds(1);
    aim.saw(reading);
    return {reading.remote.time_since_epoch() - reading.asked.received.time_since_epoch(),
            reading.remote.time_since_epoch() + reading.resolution - reading.asked.sent.time_since_epoch()};
  }

  std::mt19937_64 random_{7};
  double ahead_, round_trip_, last_ = 0;
  bool asked_ = false;
  std::size_t requests_ = 0;
};

TEST(DateAim, BringsTheWidthBelowTenMillisecondsWithinSixRounds) {
  for (int i = 0; i < 200; ++i) {
    Server server(1000 + i * 0.00513, 0.001);
    DateAim aim;
    signals::ClockInterval left;
    for (int round = 0; round < 6; ++round) left = server.round(aim, 100 + 5 * round);
    EXPECT_LT(seconds(left.width()), 0.006) << server.ahead();
    EXPECT_LE(seconds(left.from), server.ahead());
    EXPECT_GE(seconds(left.to), server.ahead());
    EXPECT_LE(server.requests(), 24u);
  }
}

TEST(DateAim, AStepShowsInTheNextRoundAndIsFoundAgain) {
  for (const double step : {0.4, -0.4, 0.03, -0.03, 7.25}) {
    Server server(1000.3, 0.001);
    DateAim aim;
    double now = 100;
    for (int round = 0; round < 8; ++round) server.round(aim, now += 5);
    server.step(step);
    signals::ClockInterval left;
    for (int round = 0; round < 8; ++round) left = server.round(aim, now += 5);
    EXPECT_LT(seconds(left.width()), 0.006) << step;
    EXPECT_LE(seconds(left.from), server.ahead()) << step;
    EXPECT_GE(seconds(left.to), server.ahead()) << step;
  }
}

TEST(DateAim, ASlowServerIsAskedTwiceARound) {
  Server server(1000.3, 0.3);
  DateAim aim;
  double now = 100;
  for (int round = 0; round < 8; ++round) server.round(aim, now += 5);
  const auto before = server.requests();
  const auto left = server.round(aim, now += 5);
  EXPECT_LE(server.requests() - before, 2u);
  EXPECT_LE(seconds(left.from), server.ahead());
  EXPECT_GE(seconds(left.to), server.ahead());
}

TEST(DateAim, AsksAtOnceWhenNothingIsKnownOrTimeIsShort) {
  DateAim aim;
  const SteadyTime now(std::chrono::seconds(100));
  EXPECT_EQ(aim.plan(now, now + std::chrono::seconds(1)), std::vector{now});
  Server server(1000.3, 0.001);
  server.round(aim, 90);
  EXPECT_EQ(aim.plan(now, now + std::chrono::milliseconds(1)), std::vector{now});
}

TEST(ClocksKind, SaysWhatItCannotSee) {
  EXPECT_EQ(kClocks.system, "clocks");
  EXPECT_NE(kClocks.cannot_see.find("one way"), std::string_view::npos);
}

}  // namespace
}  // namespace qw::probes
