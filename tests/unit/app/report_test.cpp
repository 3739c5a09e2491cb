// The journal and its report as a user of the program meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/flags.hpp"
#include "tests/unit/app/support.hpp"

namespace qw {
namespace {

using test::Child;
using test::http;
using testing::HasSubstr;
using testing::Not;

/// Asks until the body says it.
bool comes_to_say(const std::string& address, const std::string& path, const std::string& text) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < limit) {
    if (http(address, "GET", path).body.contains(text)) return true;
    usleep(5000);
  }
  return false;
}

TEST(Report, TellsWhatTheDaemonSawAfterItHasEnded) {
  const test::TempFolder folder;
  const auto config = folder.write(
      "q.yml", "targets:\n  - {system: redis, name: nobody, members: ['127.0.0.1:" +
                   std::to_string(test::closed_port()) + "'], interval: 100ms, timeout: 80ms}\n");
  const auto state = config.substr(0, config.rfind('/'));
  for (int run = 0; run < 2; ++run) {
    Child daemon(
        {"run", "--config.file=" + config, "--web.listen-address=127.0.0.1:0", "--storage.path=" + state});
    const auto address = daemon.address();
    ASSERT_NE(address, "") << daemon.output();
    EXPECT_TRUE(comes_to_say(address, "/api/v1/journal?target=redis/nobody", "nobody answers"));
    EXPECT_TRUE(comes_to_say(address, "/api/v1/journal?kind=daemon", "the daemon has started"));
    EXPECT_TRUE(comes_to_say(address, "/metrics", "\nquorumwatch_journal_write_errors_total 0\n"));
    EXPECT_EQ(http(address, "GET", "/api/v1/journal?limit=x").status, 400);
    EXPECT_EQ(http(address, "GET", "/runbooks/QuorumwatchTargetDown").status, 200);
    EXPECT_EQ(http(address, "POST", "/-/reload").status, 200);
    EXPECT_TRUE(comes_to_say(address, "/api/v1/journal", "the configuration was reloaded"));
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
  }
  Child report({"report", "--storage.path=" + state, "nobody"});
  EXPECT_EQ(report.wait_exit(), 0) << report.output();
  EXPECT_THAT(report.output(), HasSubstr("# Incident report"));
  EXPECT_THAT(report.output(), HasSubstr("**redis nobody**: nobody answers"));
  EXPECT_THAT(report.output(), HasSubstr("it was stopped"));
  EXPECT_THAT(report.output(), HasSubstr("not known: the daemon is down"));
  Child other({"report", "--storage.path=" + state, "nobdy", "--since=2h"});
  EXPECT_EQ(other.wait_exit(), 0);
  EXPECT_THAT(other.output(), HasSubstr("did you mean 'nobody'?"));
}

TEST(Report, NeedsAJournal) {
  const test::TempFolder folder;
  const auto file = folder.write("x", "");
  Child nowhere({"report"});
  EXPECT_EQ(nowhere.wait_exit(), 2);
  EXPECT_THAT(nowhere.output(), HasSubstr("report needs --storage.path"));
  Child empty({"report", "--storage.path=" + file.substr(0, file.rfind('/'))});
  EXPECT_EQ(empty.wait_exit(), 1);
  EXPECT_THAT(empty.output(), HasSubstr("there is no journal in"));
  const auto refused = [](const std::vector<std::string_view>& args) {
    const auto flags = parse_flags(args);
    return flags ? "" : flags.error().message();
  };
  EXPECT_THAT(refused({"report", "--since=0s"}), HasSubstr("--since: must be longer than nothing"));
  EXPECT_THAT(refused({"report", "--since=soon"}), HasSubstr("--since: "));
  EXPECT_THAT(refused({"run", "--since=1h"}), HasSubstr("has no meaning for 'run'"));
  EXPECT_EQ(refused({"report", "a", "--since=1h30m"}), "");
}

}  // namespace
}  // namespace qw
