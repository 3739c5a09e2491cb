#include "daemon/journal/delivery_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/journal/rounds.hpp"

namespace qw::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeliveryWatchTest : public testing::Test {
 protected:
  std::vector<Event> look(int second, bool silent = false) {
    return watch.on_look({&one, 1}, silent, wall(second));
  }
  void takes(int second) {
    ++one.sent;
    one.waiting = 0;
    one.last_success = wall(second);
  }
  void refuses(std::size_t waiting) {
    ++one.errors;
    one.waiting = waiting;
  }
  Delivery one{.alertmanager = "http://am:9093", .last_success = {}};
  DeliveryWatch watch;
};

TEST_F(DeliveryWatchTest, OnlyWhatChangedIsWorthAnAcknowledgement) {
  takes(0);
  EXPECT_THAT(look(0), IsEmpty()) << "the watchdog";
  takes(30);
  EXPECT_THAT(look(30), IsEmpty());
  watch.alerts_changed();
  one.waiting = 1;
  EXPECT_THAT(look(31), IsEmpty());
  takes(32);
  const auto events = look(33);
  ASSERT_THAT(words(events), ElementsAre("happened acknowledged http://am:9093"));
  EXPECT_EQ(events[0].at, wall(32)) << "when it did, not when we looked";
  takes(60);
  EXPECT_THAT(look(60), IsEmpty());
}

TEST_F(DeliveryWatchTest, AnAlertBeforeTheFirstLookCountsToo) {
  watch.alerts_changed();
  takes(1);
  EXPECT_THAT(words(look(1)), ElementsAre("happened acknowledged http://am:9093"));
}

TEST_F(DeliveryWatchTest, OneThatTakesNoneIsToldOnceAndUntilItTakesThemAgain) {
  look(0);
  refuses(0);
  EXPECT_THAT(look(1), IsEmpty()) << "nothing waits for it";
  watch.alerts_changed();
  refuses(2);
  const auto events = look(2);
  ASSERT_THAT(words(events), ElementsAre("began takes_none http://am:9093"));
  EXPECT_EQ(events[0].severity, Severity::critical);
  EXPECT_EQ(events[0].text, "it does not take alerts: 2 alerts wait for it");
  refuses(2);
  EXPECT_THAT(look(3), IsEmpty());
  takes(9);
  EXPECT_THAT(words(look(9)),
              ElementsAre("ended takes_none http://am:9093", "happened acknowledged http://am:9093"));
}

TEST_F(DeliveryWatchTest, AnEarlierRunsTroubleEndsWithTheFirstSuccess) {
  look(0);
  watch.alerts_changed();
  refuses(1);
  const auto open = look(1);
  DeliveryWatch next;
  next.restore(open);
  EXPECT_THAT(next.on_look({&one, 1}, false, wall(2)), IsEmpty());
  takes(3);
  EXPECT_THAT(words(next.on_look({&one, 1}, false, wall(3))), ElementsAre("ended takes_none http://am:9093"));
  DeliveryWatch without;
  without.restore(open);
  EXPECT_THAT(words(without.on_look({}, false, wall(2))), ElementsAre("ended takes_none http://am:9093"));
}

TEST_F(DeliveryWatchTest, WhatIsRefusedForGoodAndTheShadowAreTold) {
  look(0);
  one.dropped = 1;
  EXPECT_THAT(words(look(1)), ElementsAre("happened dropped http://am:9093"));
  EXPECT_THAT(words(look(2, true)), ElementsAre("began silent"));
  EXPECT_THAT(look(3, true), IsEmpty());
  EXPECT_THAT(words(look(4)), ElementsAre("ended silent"));
}

}  // namespace
}  // namespace qw::journal
