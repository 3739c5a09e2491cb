#include "daemon/base/duration.hpp"

#include <gtest/gtest.h>

#include <limits>

#include <random>

namespace qw {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;

TEST(ParseDuration, ReadsPrometheusNotation) {
  struct Case {
    std::string_view text;
    Nanoseconds value;
  };
  const Case cases[] = {
      {"250ms", milliseconds(250)},
      {"5s", std::chrono::seconds(5)},
      {"1m30s", std::chrono::seconds(90)},
      {"90m", minutes(90)},
      {"2h", hours(2)},
      {"7d", days(7)},
      {"1w", days(7)},
      {"1y2w3d4h5m6s7ms",
       days(365 + 14 + 3) + hours(4) + minutes(5) + std::chrono::seconds(6) + milliseconds(7)},
      {"0", Nanoseconds(0)},
      {"0s", Nanoseconds(0)},
      {"007s", std::chrono::seconds(7)},
      {"100y", days(36500)},
  };
  for (const auto& c : cases) {
    const auto read = parse_duration(c.text);
    ASSERT_TRUE(read) << c.text;
    EXPECT_EQ(*read, c.value) << c.text;
  }
}

TEST(ParseDuration, SaysWhatItExpected) {
  struct Case {
    std::string_view text, message;
  };
  const Case cases[] = {
      {"", "expected a duration such as 250ms, 5s or 1m30s, got ''"},
      {"s", "expected a duration such as 250ms, 5s or 1m30s, got 's'"},
      {"5", "expected a duration with a unit such as 5s, got '5'"},
      {"1m30", "expected a duration with a unit such as 30s, got '1m30'"},
      {"5 s", "expected a duration such as 250ms, 5s or 1m30s, got '5 s'"},
      {"-5s", "expected a duration such as 250ms, 5s or 1m30s, got '-5s'"},
      {"1.5s", "expected a duration such as 250ms, 5s or 1m30s, got '1.5s'"},
      {"5us", "expected a duration such as 250ms, 5s or 1m30s, got '5us'"},
      {"5S", "expected a duration such as 250ms, 5s or 1m30s, got '5S'"},
      {"5s\n", "expected a duration such as 250ms, 5s or 1m30s, got '5s '"},
      {"30s1m", "expected each unit once and from large to small, got '30s1m'"},
      {"1s1s", "expected each unit once and from large to small, got '1s1s'"},
      {"101y", "expected at most 100y, got '101y'"},
      {"100y1ms", "expected at most 100y, got '100y1ms'"},
      {"99999999999999999999s", "expected at most 100y, got '99999999999999999999s'"},
  };
  for (const auto& c : cases) {
    const auto read = parse_duration(c.text);
    ASSERT_FALSE(read) << c.text;
    EXPECT_EQ(read.error(), Error(ErrorKind::config, std::string(c.message)));
  }
}

TEST(FormatDuration, PrintsWhatPeopleWrite) {
  struct Case {
    Nanoseconds value;
    std::string_view text;
  };
  const Case cases[] = {
      {Nanoseconds(0), "0s"},
      {std::chrono::seconds(90), "1m30s"},
      {hours(24), "1d"},
      {hours(25), "1d1h"},
      {days(7), "1w"},
      {days(8), "8d"},
      {days(365), "1y"},
      {milliseconds(1500), "1s500ms"},
      {microseconds(12), "12us"},
      {microseconds(1500), "1ms500us"},
      {Nanoseconds(7), "7ns"},
      {-milliseconds(3), "-3ms"},
  };
  for (const auto& c : cases) EXPECT_EQ(format_duration(c.value), c.text);
  EXPECT_EQ(format_duration(Nanoseconds::min()).front(), '-');
}

TEST(FormatDuration, IsReadBackAsTheSameValue) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    // All magnitudes from 1 ms to about 70 years.
    const milliseconds value(static_cast<std::int64_t>(random() >> (23 + random() % 40)));
    const auto read = parse_duration(format_duration(value));
    ASSERT_TRUE(read) << format_duration(value);
    ASSERT_EQ(*read, value);
  }
}

TEST(SpokenDuration, IsShortAndRounded) {
  struct Case {
    double seconds;
    std::string_view text;
  };
  const Case cases[] = {
      {0, "0 us"},
      {0.00012, "120 us"},
      {0.0009996, "1 ms"},
      {0.0034, "3.4 ms"},
      {-0.25, "250 ms"},
      {0.99996, "1 s"},
      {12.43, "12.4 s"},
      {59.96, "1 min"},
      {192, "3 min 12 s"},
      {3599.7, "1 h"},
      {5 * 3600 + 200, "5 h 3 min"},
      {86'399, "1 d"},
      {187'300, "2 d 4 h"},
      {8'640'000, "100 d"},
  };
  for (const auto& c : cases) EXPECT_EQ(spoken_duration(c.seconds), c.text) << c.seconds;
  EXPECT_EQ(spoken_duration(std::numeric_limits<double>::quiet_NaN()), "an unknown time");
  EXPECT_EQ(spoken_duration(std::numeric_limits<double>::infinity()), "for ever");
}

}  // namespace
}  // namespace qw
