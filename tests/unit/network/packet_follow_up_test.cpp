#include "probes/network/packet_follow_up.hpp"

#include <gtest/gtest.h>

namespace qw::probes {
namespace {

TEST(FollowUpAsk, TriesOnePacketOnceThePeerIsHeardAndThenAsksAlways) {
  FollowUpAsk follow_up;
  follow_up.begin();
  EXPECT_FALSE(follow_up.ask(1)) << "nobody has been heard yet";
  follow_up.answered(1, false);
  EXPECT_TRUE(follow_up.ask(2));
  EXPECT_FALSE(follow_up.ask(3)) << "one a train";
  follow_up.answered(3, false);
  EXPECT_FALSE(follow_up.told());
  follow_up.answered(2, true);
  EXPECT_TRUE(follow_up.told());
  EXPECT_TRUE(follow_up.ask(4));
}

TEST(FollowUpAsk, APeerThatDoesNotKnowItIsLeftAloneForLong) {
  FollowUpAsk follow_up;
  follow_up.begin();
  follow_up.answered(1, false);
  EXPECT_TRUE(follow_up.ask(2));
  follow_up.answered(2, false);
  EXPECT_FALSE(follow_up.ask(3));
  int trains = 0;
  for (bool asks = false; !asks && trains < 5000; ++trains) {
    follow_up.begin();
    asks = follow_up.ask(4);
    follow_up.answered(5, false);
  }
  EXPECT_GT(trains, 900);
  EXPECT_LT(trains, 1100);
}

TEST(FollowUpAsk, APeerThatDropsWhatItDoesNotKnowLosesThreePackets) {
  FollowUpAsk follow_up;
  follow_up.begin();
  follow_up.answered(0, false);
  int tries = 0;
  for (std::uint32_t train = 1; train <= 20; ++train) {
    tries += follow_up.ask(train * 10) ? 1 : 0;
    follow_up.answered(train * 10 + 1, false);
    follow_up.begin();
  }
  EXPECT_EQ(tries, 3);
}

TEST(FollowUpAsk, WhoFallsSilentIsAskedPlainlyFirst) {
  FollowUpAsk follow_up;
  follow_up.begin();
  follow_up.answered(0, false);
  follow_up.ask(1);
  follow_up.answered(1, true);
  follow_up.begin();
  EXPECT_TRUE(follow_up.ask(2)) << "and nothing comes back";
  follow_up.begin();
  EXPECT_FALSE(follow_up.ask(3));
  follow_up.answered(3, false);
  EXPECT_TRUE(follow_up.ask(4));
  EXPECT_FALSE(follow_up.ask(5));
}

}  // namespace
}  // namespace qw::probes
