// Producers and consumers whose true lag is known at every instant, watched by a monitor that is started anew
// now and then, while leaders fall silent now and then.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <random>

#include "consumer_story.hpp"

namespace qw::signals {
namespace {

constexpr double kStep = 250;
constexpr std::int32_t kPartitions = 3;

enum class Producer { steady, bursty, diurnal, idle, batches, kCount };
enum class Phase { reading, slow, stalled, dead, rebalancing, kCount };

class World {
 public:
  World(std::uint64_t seed, double interval) : random_(seed), interval_(interval) {
    producer_ = static_cast<Producer>(seed % static_cast<std::uint64_t>(Producer::kCount));
    story.group("g").assigned["t"] = {0, 1, 2};
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      story.log("t", p);
      story.group("g").commit("t", p, 0);
    }
    rate_ = 1 + below(20);
  }

  ConsumerStory story;
  Phase phase = Phase::reading;
  int looks_in_phase = 0, looks_waiting = 0, looks_frozen = 0, looks_known = 0, looks_idle = 0,
      looks_moving = 0;
  bool silent = false;

  void look() {
    next_phase();
    bool moved = false;
    for (double t = 0; t < interval_; t += kStep) {
      story.pass(kStep);
      for (std::int32_t p = 0; p < kPartitions; ++p) {
        story.write("t", p, produced(p));
        moved |= consume(p);
      }
    }
    ++looks_known;
    if (random_() % 200 == 0) {
      story.restart();
      looks_known = 1;
    }
    silent = random_() % 50 == 0;
    story.log("t", 1).answers = !silent;
    story.look();
    ++looks_in_phase;
    const bool wait = waiting();
    looks_idle = wait ? 0 : looks_idle + 1;
    looks_moving = moved ? looks_moving + 1 : 0;
    looks_frozen = moved || !wait || silent ? 0 : looks_frozen + 1;
  }
  bool waiting() {
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      if (committed(p) < story.log("t", p).end) return true;
    }
    return false;
  }
  /// Seconds, of the worst partition; without the silent one where that is asked for.
  double lag() {
    double worst = 0;
    for (std::int32_t p = 0; p < kPartitions; ++p) {
      const auto& log = story.log("t", p);
      if (committed(p) < log.end) worst = std::max(worst, (story.now - log.came(committed(p))) / 1000);
    }
    return worst;
  }
  std::uint64_t messages() {
    std::uint64_t sum = 0;
    for (std::int32_t p = 0; p < kPartitions; ++p) sum += story.log("t", p).end - committed(p);
    return sum;
  }
  double below(double limit) { return std::uniform_real_distribution<double>(0, limit)(random_); }

 private:
  std::uint64_t& committed(std::int32_t p) { return story.group("g").commits["t"][p]; }

  void next_phase() {
    // A stall of two looks could be a habit.
    if (looks_in_phase < 5 || random_() % 40 != 0) return;
    phase = random_() % 2 == 0 ? Phase::reading
                               : static_cast<Phase>(random_() % static_cast<std::uint64_t>(Phase::kCount));
    looks_in_phase = looks_frozen = looks_moving = 0;
    auto& group = story.group("g");
    if (phase == Phase::dead) {
      group.leave();
      return;
    }
    group.members = 1;
    group.assigned["t"] = {0, 1, 2};
    group.generation = 1;
    group.state = phase == Phase::rebalancing ? ConsumerState::rebalancing : ConsumerState::stable;
  }
  std::uint64_t produced(std::int32_t p) {
    const auto t = story.now;
    switch (producer_) {
      case Producer::steady:
        return random_() % 4 < 3 ? static_cast<std::uint64_t>(rate_) : 0;
      case Producer::bursty:
        if (random_() % 100 == 0) bursting_[index(p)] = random_() % 3 == 0;
        return bursting_[index(p)] ? random_() % 200 : 0;
      case Producer::diurnal:
        return static_cast<std::uint64_t>(rate_ * (1 + std::sin(t / 2'000'000 * 2 * std::numbers::pi)) +
                                          below(1));
      case Producer::idle:
        return t < 100'000 || random_() % 2000 == 0 ? 1 : 0;
      case Producer::batches:
        return std::fmod(t + p * 10'000, 600'000) < kStep ? 5000 : 0;
      case Producer::kCount:
        break;
    }
    return 0;
  }
  /// Whether it has committed anything new.
  bool consume(std::int32_t p) {
    auto& at = committed(p);
    const auto before = at;
    const auto end = story.log("t", p).end;
    if (phase == Phase::reading) at = end;
    if (phase == Phase::slow && end > at && random_() % 2 == 0) at += 1 + random_() % 3;
    at = std::min(at, end);
    return at != before;
  }
  static std::size_t index(std::int32_t p) { return static_cast<std::size_t>(p); }

  std::mt19937_64 random_;
  double interval_, rate_ = 1;
  Producer producer_ = Producer::steady;
  std::array<bool, kPartitions> bursting_{};
};

std::uint64_t seeds() {
  const auto* wanted = std::getenv("QW_SEEDS");
  return wanted ? std::strtoull(wanted, nullptr, 10) : 100;
}

TEST(ConsumerTruth, LagIsRightWithinASecondOrFivePerCentAndItsErrorHoldsTheTruth) {
  std::map<std::string, int> methods;
  int behind = 0, zero = 0, looks = 0;
  for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
    World world(seed, seed % 2 == 0 ? 1000 : 5000);
    for (int i = 0; i < 1100; ++i, ++looks) {
      world.look();
      const auto where = "seed " + std::to_string(seed) + " look " + std::to_string(i);
      const auto& story = world.story;
      if (i % 50 == 0) ASSERT_FALSE(story.repeated()) << where;
      const auto lag = story.of("lag_seconds");
      const auto messages = story.of("lag_messages");
      if (lag) ASSERT_GE(*lag, 0) << where;
      if (messages) {
        ASSERT_LE(*messages, static_cast<double>(world.messages())) << where;
        ASSERT_TRUE(world.silent || *messages == static_cast<double>(world.messages())) << where;
        ASSERT_TRUE(*messages > 0 || world.messages() == 0) << where << ": a false 0";
      }
      if (world.silent) {
        ASSERT_TRUE(!lag || *lag > 0) << where << ": a false 0";
        continue;
      }
      const double truth = world.lag();
      ASSERT_TRUE(lag) << where;
      const auto error = story.error();
      ASSERT_TRUE(error) << where;
      const auto all = where + ": " + std::to_string(*lag) + ", truly " + std::to_string(truth) + ", error " +
                       std::to_string(error->seconds) + " by " + error->method + ", looks " +
                       std::to_string(story.looks());
      ASSERT_NEAR(*lag, truth, std::max(1.0, truth / 20) + 0.01) << all;
      ASSERT_LE(std::abs(*lag - truth), error->seconds + 0.002) << all;
      ASSERT_LE(story.looks(), 15) << all;
      ++methods[error->method];
      behind += truth > 2;
      zero += truth == 0;
    }
  }
  if (seeds() >= 100) EXPECT_GE(looks, 100'000);
  EXPECT_GT(methods["history"], looks / 20);
  EXPECT_GT(methods["bisection"], looks / 20);
  EXPECT_GT(behind, looks / 20);
  EXPECT_GT(zero, looks / 20);
}

TEST(ConsumerTruth, StatusesAreRightWithinTwoIntervalsAndNoneWhileIdle) {
  std::map<std::string, int> seen;
  int stalls = 0, late = 0;
  for (std::uint64_t seed = 0; seed < seeds() / 2; ++seed) {
    World world(seed, 5000);
    for (int i = 0; i < 500; ++i) {
      world.look();
      const auto where = "seed " + std::to_string(seed) + " look " + std::to_string(i);
      const auto status = world.story.status();
      ASSERT_NE(status, "two") << where;
      ++seen[status];
      if (world.silent) continue;
      if (world.phase == Phase::rebalancing) {
        ASSERT_EQ(status, "rebalancing") << where;
      } else if (world.looks_idle >= 1 && world.looks_in_phase > 1) {
        ASSERT_EQ(status, "ok") << where << ": idle";
      } else if (world.phase == Phase::reading && world.looks_in_phase > 2) {
        ASSERT_EQ(status, "ok") << where;
      } else if (world.looks_known < 4) {
        ASSERT_TRUE(status != "rewound" && status != "lossy") << where;
      } else if (world.phase == Phase::stalled && world.looks_frozen > 2) {
        ++stalls;
        late += status != "stalled";  // the gaps between commits had been as long before
        if (world.looks_frozen > 6) ASSERT_EQ(status, "stalled") << where;
      } else if (world.phase == Phase::dead && world.looks_frozen > 1) {
        ASSERT_EQ(status, "stopped") << where;
      }
      if (world.phase == Phase::slow) ASSERT_NE(status, "stopped") << where;
    }
  }
  for (const auto* status : {"ok", "slow", "stalled", "stopped", "rebalancing", "unknown"}) {
    EXPECT_GT(seen[status], 100) << status;
  }
  EXPECT_LE(late * 200, stalls) << late << " of " << stalls;
  EXPECT_EQ(seen["two"] + seen["rewound"] + seen["lossy"] + seen["truncated"] + seen["recreated"], 0);
}

}  // namespace
}  // namespace qw::signals
