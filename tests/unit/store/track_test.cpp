#include "daemon/store/track.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace qw::store {
namespace {

using std::chrono::seconds;

SteadyTime at(int second) {
  return SteadyTime(seconds(second));
}

std::string print(const std::vector<Point>& points) {
  std::string out;
  for (const auto& point : points) {
    out += std::to_string(point.at.time_since_epoch() / seconds(1)) + "=";
    out += is_stale_marker(point.value) ? "stale " : std::to_string(static_cast<int>(point.value)) + " ";
  }
  return out;
}

/// A track with its times, one round a second from 1 on.
struct Story {
  RoundTimes times;
  Track track{nullptr, times};
  int second = 0;

  Story& round(std::optional<double> value) {
    times.push(at(++second));
    if (value) track.push(times.next() - 1, *value);
    return *this;
  }
  std::string all() const { return print(track.between(at(0), at(1000))); }
  std::string newest(int from, int to) const {
    const auto point = track.newest(at(from), at(to));
    return point ? print({*point}) : "";
  }
};

TEST(Track, GivesBackWhatWasPut) {
  Story story;
  story.round(1).round(1).round(2).round(2).round(1);
  EXPECT_EQ(story.all(), "1=1 2=1 3=2 4=2 5=1 ");
  EXPECT_EQ(print(story.track.between(at(2), at(3))), "2=1 3=2 ");
  EXPECT_EQ(print(story.track.between(at(4), at(4))), "4=2 ");
  EXPECT_EQ(print(story.track.between(at(6), at(9))), "");
  EXPECT_EQ(print(story.track.between(at(3), at(2))), "");
  EXPECT_EQ(story.newest(0, 9), "5=1 ");
  EXPECT_EQ(story.newest(0, 4), "4=2 ");
  EXPECT_EQ(story.newest(5, 4), "");
  EXPECT_EQ(story.newest(0, 0), "");
}

TEST(Track, ASeriesThatEndsHasAMarkerAndNothingAfterIt) {
  Story story;
  story.round(1).round(stale_marker()).round({}).round({}).round(3);
  EXPECT_EQ(story.all(), "1=1 2=stale 5=3 ");
  EXPECT_EQ(story.newest(0, 4), "2=stale ");
  EXPECT_EQ(story.newest(3, 4), "");
  EXPECT_EQ(print(story.track.between(at(3), at(4))), "");
  Story gap;
  gap.round(1).round({}).round(1);
  EXPECT_EQ(gap.all(), "1=1 2=stale 3=1 ") << "a gap is an end too";
}

TEST(Track, OldRoundsAreGivenBack) {
  Story story;
  for (int i = 1; i <= 1000; ++i) {
    story.round(i);
    story.times.drop_before(at(i - 10));
    story.track.drop_old();
  }
  EXPECT_EQ(story.track.between(at(0), at(2000)).size(), 11U);
  EXPECT_LE(story.track.bytes(), sizeof(Track) + 12 * 24);
  EXPECT_FALSE(story.track.empty());
  story.times.push(at(5000));
  story.times.drop_before(at(4000));
  EXPECT_TRUE(story.track.empty());
  EXPECT_EQ(story.all(), "");
  EXPECT_EQ(story.newest(0, 9999), "");
}

TEST(Track, AValueThatStaysIsKeptOnce) {
  Story story;
  for (int i = 0; i < 10'000; ++i) story.round(7);
  EXPECT_LE(story.track.bytes(), sizeof(Track) + 12);
  EXPECT_EQ(story.track.between(at(0), at(20'000)).size(), 10'000U);
}

TEST(Track, ZerosOfBothSignsAndNansAreDifferentValues) {
  Story story;
  story.round(0.0).round(-0.0).round(std::numeric_limits<double>::quiet_NaN());
  const auto points = story.track.between(at(0), at(9));
  ASSERT_EQ(points.size(), 3U);
  EXPECT_FALSE(std::signbit(points[0].value));
  EXPECT_TRUE(std::signbit(points[1].value));
  EXPECT_TRUE(std::isnan(points[2].value));
}

TEST(Track, IsAsGoodAsAListOfPoints) {
  std::mt19937 random(1);
  const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
  for (int run = 0; run < 50; ++run) {
    Story story;
    std::vector<Point> wanted;
    const int retention = 1 + static_cast<int>(random() % 40);
    bool ended = true;
    double value = 0;
    for (int i = 1; i <= 300; ++i) {
      if (chance(30)) value = static_cast<double>(random() % 5);
      const bool there = chance(85);
      if (there) {
        story.round(value);
        wanted.push_back({.at = at(i), .value = value});
      } else if (!ended) {
        story.round(stale_marker());
        wanted.push_back({.at = at(i), .value = stale_marker()});
      } else {
        story.round({});
      }
      ended = !there;
      story.times.drop_before(at(i - retention));
      story.track.drop_old();
      std::erase_if(wanted, [&](const Point& point) { return point.at < at(i - retention); });
      const int from = static_cast<int>(random() % 300);
      const int to = from + static_cast<int>(random() % 50);
      std::vector<Point> part;
      for (const auto& point : wanted) {
        if (point.at >= at(from) && point.at <= at(to)) part.push_back(point);
      }
      ASSERT_EQ(print(story.track.between(at(from), at(to))), print(part)) << run << " " << i;
      ASSERT_EQ(story.newest(from, to), part.empty() ? "" : print({part.back()})) << run << " " << i;
      ASSERT_GE(story.track.points_between(at(from), at(to)), part.size());
      ASSERT_EQ(story.track.empty(), wanted.empty());
    }
  }
}

}  // namespace
}  // namespace qw::store
