#include "probes/network/train_wait.hpp"

#include <gtest/gtest.h>

namespace qw::probes {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

AnswerWait after(Nanoseconds each) {
  AnswerWait wait;
  wait.begin();
  for (int i = 0; i < 128; ++i) wait.answered(each);
  return wait;
}

TEST(AnswerWait, IsAMultipleOfWhatIsUsualAndNeverVeryShort) {
  EXPECT_EQ(after(microseconds(200)).wait(), milliseconds(50));
  EXPECT_EQ(after(milliseconds(30)).wait(), milliseconds(300));
  auto wait = after(microseconds(200));
  wait.answered(seconds(2));
  EXPECT_EQ(wait.wait(), milliseconds(50)) << "one outlier";
  wait.answered(milliseconds(80));
  EXPECT_EQ(wait.wait(), milliseconds(800)) << "the way has become slower within the train";
}

TEST(AnswerWait, IsLongerWhereNothingHasComeYet) {
  AnswerWait wait;
  wait.begin();
  EXPECT_EQ(wait.wait(), milliseconds(250));
  wait = after(microseconds(200));
  wait.begin();
  EXPECT_EQ(wait.wait(), milliseconds(250));
  wait.answered(microseconds(200));
  EXPECT_EQ(wait.wait(), milliseconds(50));
}

TEST(AnswerWait, GrowsWithLateAnswersUntilNoneIsLateAndForgetsThem) {
  auto wait = after(microseconds(200));
  for (int train = 0; train < 4; ++train) {
    wait.begin();
    wait.answered(microseconds(200));
    wait.late();
    wait.late();
  }
  EXPECT_EQ(wait.wait(), milliseconds(50 << 4)) << "doubled once a train";
  for (int train = 0; train < 40; ++train) {
    wait.begin();
    wait.answered(microseconds(200));
  }
  EXPECT_LE(wait.wait(), milliseconds(55));
}

}  // namespace
}  // namespace qw::probes
