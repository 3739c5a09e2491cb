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

}  // namespace
}  // namespace qw::signals
