#include "probes/signals/delay_watch.hpp"

#include <gtest/gtest.h>

#include <random>

#include "story.hpp"

namespace qw::signals {
namespace {

using std::chrono::microseconds;

TEST(DelayShift, OneFarOffIsASuspicionOnceThereIsAHistory) {
  DelayShift shift;
  shift.add(microseconds(9000));
  for (int i = 0; i < 40; ++i) shift.add(microseconds(100 + i % 5));
  EXPECT_FALSE(shift.suspicious());
  shift.add(microseconds(3000));
  EXPECT_TRUE(shift.suspicious());
  shift.settle();
  EXPECT_FALSE(shift.suspicious());
}

TEST(DelayShift, SeveralThatAreALittleOffAreASuspicion) {
  DelayShift shift;
  for (int i = 0; i < 40; ++i) shift.add(microseconds(100));
  int needed = 0;
  while (!shift.suspicious() && needed < 20) shift.add(microseconds(260)), ++needed;
  EXPECT_GT(needed, 1);
  EXPECT_LT(needed, 10);
}

TEST(DelayShift, IsQuietOnASteadyWayHoweverNoisy) {
  std::mt19937_64 random(1);
  for (const double sigma : {0.05, 0.2, 0.5}) {
    DelayShift shift;
    std::lognormal_distribution<double> value(std::log(200e3), sigma);
    int suspicions = 0;
    for (int i = 0; i < 20'000; ++i) {
      shift.add(Nanoseconds(static_cast<std::int64_t>(value(random))));
      if (shift.suspicious()) ++suspicions, shift.settle();
    }
    EXPECT_LE(suspicions, 20) << sigma;
  }
}

void feed(DelayPart& part, int count, int us) {
  for (int i = 0; i < count; ++i) part.add(microseconds(us));
}

TEST(DelayPart, IsSlowAgainstItsOwnBestHour) {
  DelayPart part;
  feed(part, 7, 100);
  EXPECT_FALSE(part.known()) << "seven are few";
  feed(part, 30, 100);
  EXPECT_TRUE(part.known());
  EXPECT_FALSE(part.slow(at(0)));
  feed(part, 10, 700);
  EXPECT_TRUE(part.slow(at(1000)));
  feed(part, 32, 700);
  EXPECT_TRUE(part.slow(at(50 * 60'000.0)));
  EXPECT_FALSE(part.slow(at(70 * 60'000.0))) << "after an hour it is how the way is";
  feed(part, 32, 100);
  EXPECT_FALSE(part.slow(at(71 * 60'000.0)));
}

TEST(DelayPart, TakesNoSingleOutlierForSlow) {
  DelayPart part;
  feed(part, 32, 100);
  EXPECT_FALSE(part.slow(at(0)));
  feed(part, 3, 50'000);
  EXPECT_FALSE(part.slow(at(1)));
  feed(part, 1, 50'000);
  EXPECT_TRUE(part.slow(at(2))) << "one in eight is none";
}

TEST(DelayPart, AllowsALongWayMore) {
  DelayPart part;
  feed(part, 32, 80'000);
  EXPECT_FALSE(part.slow(at(0)));
  feed(part, 32, 110'000);
  EXPECT_FALSE(part.slow(at(1)));
  feed(part, 32, 121'000);
  EXPECT_TRUE(part.slow(at(2)));
}

}  // namespace
}  // namespace qw::signals
