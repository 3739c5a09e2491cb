#include "daemon/rules/state_file.hpp"

#include <gtest/gtest.h>

#include <random>

namespace qw::rules {
namespace {

SavedState sample() {
  ActiveAlert firing;
  firing.labels = {{"alertname", "A"}, {"target", "x\n\"\xc3\xa4"}};
  firing.annotations = {{"summary", "s"}, {"zero", ""}};
  firing.value = 0.1;
  firing.state = AlertState::firing;
  firing.active_at = 1'000'000;
  firing.fired_at = 1'010'000;
  firing.keep_firing_since = 1'020'000;
  firing.unknown_since = 1'030'000;
  firing.system = "etcd";
  firing.target = "x";
  ActiveAlert pending = firing;
  pending.labels.set("target", "y");
  pending.state = AlertState::pending;
  pending.fired_at = std::nullopt;
  ActiveAlert ended = firing;
  ended.labels.set("target", "z");
  ended.state = AlertState::inactive;
  ended.resolved_at = 1'040'000;
  return {.at = 1'050'000,
          .boot_id = "boot",
          .boot_time = 5'000,
          .rules = {{"g", "A", "severity=page", {firing, pending, ended}}, {"g", "B", "", {}}}};
}

TEST(StateFile, ReadsBackWhatItWrote) {
  const auto read = decode_state(encode_state(sample()));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, sample());
}

TEST(StateFile, RefusesEveryTruncationAndEveryFlippedBit) {
  const auto bytes = encode_state(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_state(bytes.substr(0, size)));
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    auto damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << (i % 8)));
    EXPECT_FALSE(decode_state(damaged)) << i;
  }
  EXPECT_FALSE(decode_state(bytes + "x"));
  EXPECT_FALSE(decode_state(bytes + bytes));
}

const ActiveAlert& alert(const SavedState& state, std::size_t i) {
  return state.rules[0].alerts[i];
}

TEST(StateFile, WithinOneBootTheDowntimeIsThatOfTheBootClock) {
  // 30 s of downtime by the boot clock; the wall clock meanwhile went back by an hour.
  auto state = sample();
  const Millis now = state.at + 30'000 - 3'600'000;
  resume_state(state, now, "boot", 35'000);
  // It fired 40 s before the save, so 70 s before now.
  EXPECT_EQ(now - *alert(state, 0).fired_at, 70'000);
  // Downtime does not count towards `for`, but for the time by which it may be overestimated.
  EXPECT_EQ(now - alert(state, 1).active_at, 50'000 + kStateRefresh);
}

TEST(StateFile, AcrossABootAStepOfTheClockIsBounded) {
  const struct {
    Millis passed, counted;
  } cases[] = {{30'000, 30'000}, {-7'200'000, 0}, {86'400'000, kMostDowntime}};
  for (const auto& [passed, counted] : cases) {
    auto state = sample();
    const Millis now = state.at + passed;
    resume_state(state, now, "another boot", 1'000);
    EXPECT_EQ(now - *alert(state, 0).fired_at, 40'000 + counted) << passed;
    EXPECT_EQ(now - alert(state, 1).active_at, 50'000 + std::min(counted, kStateRefresh)) << passed;
    EXPECT_EQ(now - *alert(state, 2).resolved_at, 10'000 + counted) << passed;
  }
}

}  // namespace
}  // namespace qw::rules
