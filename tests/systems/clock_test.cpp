// Clocks that are off by an exact amount, as chronyd serves them and as a web server shows them. The truth is
// what the lab was told; chronyc says what chronyd thinks.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "daemon/base/text.hpp"
#include "tests/lab/lab.hpp"
#include "tests/systems/support.hpp"

namespace qw::probes {

extern const ProbeKind kClocks;

namespace {

using namespace std::chrono_literals;

constexpr double kOff = 0.25;
constexpr WatchedTarget::Pace kPace{.interval = 500ms, .timeout = 400ms};

std::string offset_text(double offset) {
  return fmt::format("{}", offset);
}

lab::Node chrony(const lab::Lab& lab) {
  return lab.node("chrony-1");
}

/// Of the member's series with these labels.
std::optional<double> series(const Round& round, std::string_view family, std::string_view member,
                             std::string_view label = "", std::string_view is = "") {
  for (const auto& sample : round.samples) {
    const auto& labels = sample.series->labels;
    if (sample.series->family->name != family || labels.get("member") != member) continue;
    if (label.empty() || labels.get(label) == is) return sample.value;
  }
  return std::nullopt;
}

/// Fields as `chronyc -c` prints them.
std::vector<std::string> chronyc(const lab::Node& node, const std::string& command) {
  const auto text = shell(fmt::format("chronyc -h {} -c {}", node.address, command));
  std::vector<std::string> fields;
  for (const auto field : split(trim(text), ',')) fields.emplace_back(field);
  return fields;
}

// Issue 5, acceptance 2.
TEST(ClockLab, AServedOffsetIsShownInsideItsBoundByNtpAndByChrony) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"chrony", "--offset", offset_text(kOff)});
  ASSERT_TRUE(up) << up.error().message();
  const auto ntp = "ntp://" + chrony(lab).address;
  const auto command = "chrony://" + chrony(lab).address;
  WatchedTarget target(kClocks, fmt::format("members: [\"{}\", \"{}\"]", ntp, command), kPace);
  for (int i = 0; i < 5; ++i) {
    const auto round = target.round();
    const auto offset = series(round, "quorumwatch_clock_offset_seconds", ntp, "source", "ntp");
    const auto bound = series(round, "quorumwatch_clock_bound_seconds", ntp, "source", "ntp");
    ASSERT_TRUE(offset && bound) << reasons_in(round);
    EXPECT_LE(std::abs(*offset - kOff), *bound + 5e-6);  // what the feeder's own stamps are off
    EXPECT_LT(*bound, 0.001);
    // chronyd says that its machine's clock, which is ours, is behind.
    const auto claimed = series(round, "quorumwatch_clock_claimed_offset_seconds", command);
    const auto error = series(round, "quorumwatch_clock_claimed_bound_seconds", command);
    ASSERT_TRUE(claimed && error) << reasons_in(round);
    EXPECT_LE(std::abs(*claimed + kOff), *error);
    EXPECT_LT(*error, 0.001);
    EXPECT_EQ(series(round, "quorumwatch_clock_synchronised", ntp), 1);
    EXPECT_EQ(series(round, "quorumwatch_clock_stratum", ntp), 1);
    EXPECT_EQ(series(round, "quorumwatch_clock_leap_pending", command), 0);
    EXPECT_EQ(series(round, "quorumwatch_clock_state", ntp, "state", "proved_in_sync"), 1);
  }
}

// Issue 5, acceptance 3. The tracking may move on between the two questions, so any of a few rounds will do.
TEST(ClockLab, AgreesWithChronycToTheDigitsThatItPrints) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"chrony", "--offset", offset_text(kOff)});
  ASSERT_TRUE(up) << up.error().message();
  const auto member = "chrony://" + chrony(lab).address;
  WatchedTarget target(kClocks, fmt::format("members: [\"{}\"]", member), kPace);
  const auto agrees = [&](const Round& round) {
    const auto tracking = chronyc(chrony(lab), "tracking");
    const auto source = chronyc(chrony(lab), "sources");
    if (tracking.size() != 14 || source.size() != 10) return false;
    const auto same = [&](std::string_view family, double printed, double digit) {
      const auto ours = series(round, family, member);
      return ours && std::abs(*ours - printed) <= digit;
    };
    const double root = std::stod(tracking[10]) / 2;
    return same("quorumwatch_clock_claimed_offset_seconds", -std::stod(tracking[4]), 6e-10) &&
           // The dispersion grows while the two questions are under way.
           same("quorumwatch_clock_claimed_bound_seconds", std::stod(tracking[11]) + root, 1e-6) &&
           same("quorumwatch_clock_stratum", std::stod(tracking[2]), 0) &&
           same("quorumwatch_clock_frequency_error_ratio", std::stod(tracking[7]) * 1e-6, 6e-10) &&
           same("quorumwatch_chrony_source_offset_seconds", std::stod(source[7]), 6e-10) &&
           same("quorumwatch_chrony_source_error_seconds", std::stod(source[9]), 6e-10) &&
           same("quorumwatch_chrony_source_selected", source[1] == "*" ? 1 : 0, 0) &&
           same("quorumwatch_chrony_source_reachable", source[5] == "0" ? 0 : 1, 0);
  };
  target.until(agrees, 20s);
}

// Issue 5, acceptance 2: from whole seconds to milliseconds.
TEST(ClockLab, HttpDatesAloneBoundTheOffsetWithinThirtySeconds) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"chrony", "--offset", offset_text(kOff), "--date"});
  ASSERT_TRUE(up) << up.error().message();
  const auto web = lab.node("chrony-1-date");
  const auto member = fmt::format("http://{}:{}/", web.address, web.port);
  WatchedTarget target(kClocks, fmt::format("members: [\"{}\"]", member), {.interval = 5s, .timeout = 2s});
  const auto round = target.until(
      [&](const Round& now) {
        const auto offset = series(now, "quorumwatch_clock_offset_seconds", member, "source", "http_date");
        const auto bound = series(now, "quorumwatch_clock_bound_seconds", member, "source", "http_date");
        if (!offset || !bound) return false;
        EXPECT_LE(std::abs(*offset - kOff), *bound);
        return *bound < 0.005;
      },
      30s);
  EXPECT_LE(round.number, 7u);
}

TEST(ClockLab, AStepOfAServedClockIsCountedAndTheMajorityNamesIt) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"chrony", "--nodes", "5"});
  ASSERT_TRUE(up) << up.error().message();
  std::vector<std::string> members;
  for (int i = 1; i <= 5; ++i) members.push_back("ntp://" + lab.node(fmt::format("chrony-{}", i)).address);
  WatchedTarget target(kClocks, fmt::format("members: [\"{}\"]", fmt::join(members, "\", \"")), kPace);
  const auto in_sync = [](const Round& round) {
    return value(round, "quorumwatch_clock_skew_state", "state", "proved_in_sync") == 1;
  };
  target.until(in_sync);
  ASSERT_TRUE(lab.run({"clock", "chrony-4", "--offset", "-2.5"}));
  const auto round = target.until([&](const Round& now) {
    return series(now, "quorumwatch_clock_outlier", members[3]) == 1 &&
           series(now, "quorumwatch_clock_steps_total", members[3], "direction", "backward") >= 1;
  });
  for (const std::size_t other : {0u, 1u, 2u, 4u}) {
    EXPECT_EQ(series(round, "quorumwatch_clock_outlier", members[other]), 0);
    EXPECT_EQ(series(round, "quorumwatch_clock_steps_total", members[other], "direction", "backward"), 0);
  }
  EXPECT_EQ(value(round, "quorumwatch_clock_own_outlier"), 0);
  EXPECT_EQ(value(round, "quorumwatch_clock_skew_state", "state", "proved_skewed"), 1);
}

TEST(ClockLab, AChronydThatIsGoneIsNamedAndTheOthersStay) {
  QW_NEED_LAB();
  lab::Lab lab;
  const auto up = lab.up({"chrony", "--nodes", "2"});
  ASSERT_TRUE(up) << up.error().message();
  const auto first = "ntp://" + lab.node("chrony-1").address;
  const auto second = "ntp://" + lab.node("chrony-2").address;
  WatchedTarget target(kClocks, fmt::format("members: [\"{}\", \"{}\"]", first, second), kPace);
  target.round();
  ASSERT_TRUE(lab.kill("chrony-2"));
  const auto round = target.round();
  EXPECT_TRUE(round.success);
  EXPECT_EQ(series(round, "quorumwatch_clock_offset_seconds", second), std::nullopt);
  EXPECT_EQ(series(round, "quorumwatch_clock_state", second, "state", "cannot_prove"), 1);
  EXPECT_EQ(series(round, "quorumwatch_clock_state", first, "state", "proved_in_sync"), 1);
  ASSERT_EQ(round.facts.unanswered.size(), 1u);
  EXPECT_EQ(round.facts.unanswered.front().error.kind(), ErrorKind::refused);
}

}  // namespace
}  // namespace qw::probes
