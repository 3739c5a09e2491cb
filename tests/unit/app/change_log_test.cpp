#include "daemon/change_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/base/log.hpp"

namespace qw {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class ChangeLogTest : public testing::Test {
 protected:
  void observe(int second, bool success, std::vector<std::string> silent = {}) {
    Round round;
    round.target = {.system = "redis", .name = "sessions"};
    round.finished = SteadyTime(seconds(second));
    round.success = success;
    round.reason = success ? "" : "redis sessions: no member answered: connection\nrefused";
    for (auto& member : silent) {
      round.facts.unanswered.push_back({.member = std::move(member),
                                        .asked = {},
                                        .error = Error(ErrorKind::timeout, "deadline exceeded")});
    }
    changes.observe(round);
  }
  /// What was logged since the last call, line by line.
  std::vector<std::string> lines(const std::function<void()>& action) {
    testing::internal::CaptureStderr();
    log::start(log::Options());
    action();
    log::stop();
    std::vector<std::string> out;
    std::istringstream text(testing::internal::GetCapturedStderr());
    for (std::string line; std::getline(text, line);) out.push_back(line);
    return out;
  }

  ChangeLog changes;
};

TEST_F(ChangeLogTest, AChangeIsOneLineWithReasonAndDurationAndRepetitionIsNone) {
  const auto logged = lines([&] {
    observe(10, true);
    observe(11, true);
    observe(70, false);
    observe(71, false);
    observe(100, true);
    observe(101, true);
  });
  ASSERT_EQ(logged.size(), 3U);
  EXPECT_THAT(logged[0], HasSubstr("target answers"));
  EXPECT_THAT(logged[1], testing::AllOf(HasSubstr("target does not answer"), HasSubstr("connection refused"),
                                        HasSubstr("answered_for=1m"), HasSubstr("warn")));
  EXPECT_THAT(logged[2], testing::AllOf(HasSubstr("target answers again"), HasSubstr("silent_for=30s")));
}

TEST_F(ChangeLogTest, AMemberThatFallsSilentAndComesBackIsTwoLines) {
  const auto logged = lines([&] {
    observe(1, true);
    observe(2, true, {"b:1"});
    observe(3, true, {"b:1", "b:1"});  // asked twice in one round
    observe(12, true);
  });
  ASSERT_EQ(logged.size(), 3U);
  EXPECT_THAT(logged[1], testing::AllOf(HasSubstr("member does not answer"), HasSubstr("b:1"),
                                        HasSubstr("deadline exceeded")));
  EXPECT_THAT(logged[2], testing::AllOf(HasSubstr("member answers again"), HasSubstr("silent_for=10s")));
}

TEST_F(ChangeLogTest, AMemberThatIsNoneAnyMoreDoesNotAnswerAgain) {
  const auto logged = lines([&] {
    observe(10, true, {"a", "b"});
    const std::vector<std::string> gone{"a"};
    changes.forget_members({.system = "redis", .name = "sessions"}, gone);
    observe(11, true, {"b"});
    observe(12, true);
  });
  EXPECT_THAT(logged,
              testing::Not(testing::Contains(testing::AllOf(HasSubstr("again"), HasSubstr("member=a")))));
  EXPECT_THAT(logged, testing::Contains(testing::AllOf(HasSubstr("again"), HasSubstr("member=b"))));
}

TEST_F(ChangeLogTest, WhileNobodyAnswersMembersAreNotListedOneByOne) {
  const auto logged = lines([&] {
    observe(1, true);
    observe(2, false, {"a:1", "b:1", "c:1"});
  });
  EXPECT_EQ(logged.size(), 2U);
}

TEST_F(ChangeLogTest, AForgottenTargetBeginsAnew) {
  const auto logged = lines([&] {
    observe(1, false);
    changes.forget({.system = "redis", .name = "sessions"});
    observe(2, false);
  });
  EXPECT_EQ(logged.size(), 2U);
}

}  // namespace
}  // namespace qw
