#include "probes/host/host_kernel_clock.hpp"

#include <gtest/gtest.h>

namespace qw::probes {
namespace {

timex synchronised() {
  timex told{};
  told.status = STA_PLL;
  told.maxerror = 1500;
  told.tick = 10'000;
  return told;
}

TEST(KernelClock, ASynchronisedClockHasABound) {
  const auto state = kernel_clock_state(synchronised(), TIME_OK);
  EXPECT_EQ(state.source, "kernel");
  EXPECT_EQ(state.synchronised, true);
  EXPECT_EQ(state.bound, std::chrono::microseconds(1500));
  EXPECT_EQ(state.leap, 0);
  EXPECT_EQ(state.frequency_error, 0);
}

TEST(KernelClock, AnUnsynchronisedClockHasNone) {
  auto told = synchronised();
  told.status = STA_UNSYNC;
  told.maxerror = 16'000'000;
  const auto state = kernel_clock_state(told, TIME_ERROR);
  EXPECT_EQ(state.synchronised, false);
  EXPECT_FALSE(state.bound);
}

TEST(KernelClock, TheRestOfASlewIsNoOffset) {
  auto told = synchronised();
  told.offset = 250'000;
  EXPECT_FALSE(kernel_clock_state(told, TIME_OK).offset);
}

TEST(KernelClock, LeapSecondsToComeAreTold) {
  auto told = synchronised();
  told.status |= STA_INS;
  EXPECT_EQ(kernel_clock_state(told, TIME_INS).leap, 1);
  told.status = STA_PLL | STA_DEL;
  EXPECT_EQ(kernel_clock_state(told, TIME_DEL).leap, -1);
}

TEST(KernelClock, AClockThatIsSlowedDownIsFast) {
  auto told = synchronised();
  told.freq = -10 * 65536;  // the kernel takes 10 ppm off
  told.tick = 9'999;        // and a ten-thousandth
  EXPECT_NEAR(*kernel_clock_state(told, TIME_OK).frequency_error, 110e-6, 1e-9);
}

TEST(KernelClock, ReadsThisMachine) {
  const SystemClock clock;
  const auto state = read_kernel_clock("localhost", clock);
  ASSERT_TRUE(state) << state.error().message();
  EXPECT_EQ(state->member, "localhost");
  EXPECT_TRUE(state->synchronised);
  EXPECT_LE(state->asked.sent, state->asked.received);
}

TEST(LocalClocks, AreReadTogether) {
  const SystemClock clock;
  const auto before = clock.steady();
  const auto read = read_local_clocks();
  const auto after = clock.steady();
  EXPECT_LE(before, read.steady);
  EXPECT_LE(read.steady, after);
  EXPECT_GE(read.boottime, before.time_since_epoch())
      << "it counts what the monotonic clock counts, and more";
  EXPECT_GT(read.wall, WallTime(std::chrono::hours(24 * 365 * 50)));
}

}  // namespace
}  // namespace qw::probes
