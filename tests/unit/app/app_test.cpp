#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/app/support.hpp"

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::Child;
using test::http;
using testing::HasSubstr;
using testing::Not;

std::string target(const std::string& name, int port, const std::string& interval = "100ms",
                   const std::string& timeout = "80ms") {
  return "  - {system: redis, name: " + name + ", members: [\"127.0.0.1:" + std::to_string(port) +
         "\"], interval: " + interval + ", timeout: " + timeout + "}\n";
}

std::vector<std::string> run(const std::string& file) {
  return {"run", "--config.file=" + file, "--web.listen-address=127.0.0.1:0"};
}

/// Asks until the page says it, since a reload or a round takes a moment.
template <class Condition>
bool page_comes_to(const std::string& address, const std::string& path, Condition condition) {
  const auto limit = steady_clock::now() + seconds(20);
  while (steady_clock::now() < limit) {
    if (condition(http(address, "GET", path))) return true;
    usleep(5000);
  }
  return false;
}

bool has_line(const std::string& page, const std::string& line) {
  return page.find("\n" + line + "\n") != std::string::npos;
}

std::string metrics(const std::string& address) {
  return http(address, "GET", "/metrics").body;
}

TEST(App, WithoutAConfigurationItWatchesItsHost) {
  Child daemon({"run", "--web.listen-address=127.0.0.1:0"});
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  EXPECT_THAT(daemon.output(), HasSubstr("no configuration file is given"));
  EXPECT_EQ(http(address, "GET", "/-/healthy").status, 200);
  EXPECT_TRUE(page_comes_to(address, "/-/ready", [](const test::Reply& reply) {
    return reply.status == 200;
  })) << "after the first rounds";
  const auto page = metrics(address);
  EXPECT_THAT(page, HasSubstr("quorumwatch_build_info"));
  EXPECT_THAT(page, HasSubstr("quorumwatch_event_loop_lag_seconds"));
  EXPECT_THAT(page, HasSubstr("quorumwatch_probe_success{system=\"host\""));
  daemon.signal(SIGINT);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(App, ATargetThatDoesNotAnswerIsOneZeroOneWarningAndNoOtherSeries) {
  test::TempFolder folder;
  Child daemon(run(folder.write("q.yml", "targets:\n" + target("dead", test::closed_port()))));
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  EXPECT_TRUE(page_comes_to(address, "/metrics", [](const test::Reply& reply) {
    return has_line(reply.body, "quorumwatch_probe_success{system=\"redis\",target=\"dead\"} 0");
  }));
  EXPECT_TRUE(
      page_comes_to(address, "/-/ready", [](const test::Reply& reply) { return reply.status == 200; }));
  // Three more rounds bring no further line.
  EXPECT_TRUE(page_comes_to(address, "/api/v1/targets", [](const test::Reply& reply) {
    return reply.body.find("connection refused") != std::string::npos;
  }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
  EXPECT_EQ(daemon.count("target does not answer"), 1U) << daemon.output();
}

TEST(App, SigtermEndsItInTimeWithAHundredHungTargets) {
  test::MuteServer mute;
  test::TempFolder folder;
  std::string config = "targets:\n";
  for (int i = 0; i < 100; ++i) config += target("hung" + std::to_string(i), mute.port(), "30s", "29s");
  // One target with a short interval shows that the loop goes on beside the hung ones.
  config += target("dead", test::closed_port());
  Child daemon(run(folder.write("q.yml", config)));
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  EXPECT_EQ(http(address, "GET", "/-/ready").status, 503) << "the hung ones have had no round";
  EXPECT_TRUE(daemon.wait_for("target does not answer"));
  const auto start = steady_clock::now();
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
  EXPECT_LT(steady_clock::now() - start, seconds(5));
}

TEST(App, AReloadSwapsTargetsAndABadFileChangesNothing) {
  test::TempFolder folder;
  const auto port = test::closed_port();
  const auto file = folder.write("q.yml", "targets:\n" + target("a", port) + target("b", port));
  Child daemon(run(file));
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  const auto shows = [](const std::string& page, const std::string& name) {
    return has_line(page, "quorumwatch_probe_success{system=\"redis\",target=\"" + name + "\"} 0");
  };
  ASSERT_TRUE(page_comes_to(address, "/metrics", [&](const test::Reply& reply) {
    return shows(reply.body, "a") && shows(reply.body, "b");
  }));

  folder.write("q.yml", "targets:\n" + target("a", port) + "  - {system: rediss, nmae: x}\n");
  const auto refused = http(address, "POST", "/-/reload");
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("q.yml:3"));
  const auto page = metrics(address);
  EXPECT_TRUE(has_line(page, "quorumwatch_config_last_reload_successful 0")) << page;
  EXPECT_TRUE(shows(page, "a") && shows(page, "b"));

  folder.write("q.yml", "targets:\n" + target("a", port) + target("c", port));
  EXPECT_EQ(http(address, "POST", "/-/reload").status, 200);
  EXPECT_TRUE(page_comes_to(address, "/metrics", [&](const test::Reply& reply) {
    return shows(reply.body, "a") && !shows(reply.body, "b") && shows(reply.body, "c") &&
           has_line(reply.body, "quorumwatch_config_last_reload_successful 1");
  }));
  EXPECT_EQ(http(address, "GET", "/-/reload").status, 405);
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(App, AStormOfSighupsIsFewReloadsAndEndsInTheLastFile) {
  test::TempFolder folder;
  const auto port = test::closed_port();
  Child daemon(run(folder.write("q.yml", "targets:\n" + target("a", port))));
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  for (int i = 0; i < 1000; ++i) daemon.signal(SIGHUP);
  folder.write("q.yml", "targets:\n" + target("last", port));
  daemon.signal(SIGHUP);
  EXPECT_TRUE(page_comes_to(address, "/metrics", [](const test::Reply& reply) {
    return reply.body.find("target=\"last\"} 0") != std::string::npos;
  }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
  EXPECT_LE(daemon.count("configuration reloaded"), 500U);
  EXPECT_GE(daemon.count("configuration reloaded"), 1U);
}

TEST(App, AReloadIsDoneInASecondWithAHundredHungTargets) {
  test::MuteServer mute;
  test::TempFolder folder;
  std::string config = "targets:\n";
  for (int i = 0; i < 100; ++i) config += target("hung" + std::to_string(i), mute.port(), "20s", "19s");
  Child daemon(run(folder.write("q.yml", config)));
  const auto address = daemon.address();
  ASSERT_NE(address, "") << daemon.output();
  folder.write("q.yml", "targets:\n" + target("dead", test::closed_port()));
  const auto start = steady_clock::now();
  EXPECT_EQ(http(address, "POST", "/-/reload").status, 200);
  EXPECT_LT(steady_clock::now() - start, seconds(1));
  EXPECT_TRUE(page_comes_to(address, "/metrics", [](const test::Reply& reply) {
    return reply.body.find("target=\"dead\"} 0") != std::string::npos;
  }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0) << daemon.output();
}

TEST(App, ATakenAddressIsALostResource) {
  test::MuteServer mute;
  Child daemon({"run", "--web.listen-address=127.0.0.1:" + std::to_string(mute.port())});
  EXPECT_EQ(daemon.wait_exit(), 1);
  EXPECT_THAT(daemon.output(), HasSubstr("can not listen"));
}

TEST(App, AnAddressThatOthersReachIsWarnedAbout) {
  Child daemon({"run", "--web.listen-address=0.0.0.0:0"});
  ASSERT_TRUE(daemon.wait_for("started")) << daemon.output();
  EXPECT_THAT(daemon.output(), HasSubstr("without TLS"));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait_exit(), 0);
}

TEST(App, BadUsageAndBadFilesEndWithTwoAndAllProblems) {
  test::TempFolder folder;
  const auto bad =
      folder.write("bad.yml", "targets:\n  - {system: redis, nmae: x}\n  - {system: nothing, name: y}\n");
  for (const auto& args :
       {std::vector<std::string>{"run", "--config.file=" + bad}, std::vector<std::string>{"check", bad},
        std::vector<std::string>{"once", "--config.file=" + bad}}) {
    Child program(args);
    EXPECT_EQ(program.wait_exit(), 2);
    EXPECT_THAT(program.output(), HasSubstr("bad.yml:2"));
    EXPECT_THAT(program.output(), HasSubstr("bad.yml:3"));
  }
  Child usage({"rum"});
  EXPECT_EQ(usage.wait_exit(), 2);
  EXPECT_THAT(usage.output(), HasSubstr("did you mean 'run'?"));
  Child check({"check"});
  EXPECT_EQ(check.wait_exit(), 2);
  Child missing({"check", "/nonexistent/q.yml"});
  EXPECT_EQ(missing.wait_exit(), 2);
}

TEST(App, CheckSaysThatAGoodFileIsGood) {
  test::TempFolder folder;
  Child program({"check", folder.write("good.yml", "targets:\n" + target("a", 6379))});
  EXPECT_EQ(program.wait_exit(), 0) << program.output();
  EXPECT_THAT(program.output(), HasSubstr("good, 1 targets"));
}

TEST(Once, SaysWhoDidNotAnswerAndWhy) {
  test::TempFolder folder;
  test::MuteServer mute;
  const auto file =
      folder.write("q.yml", "targets:\n" + target("dead", test::closed_port()) + target("hung", mute.port()));
  Child all({"once", "--config.file=" + file});
  EXPECT_EQ(all.wait_exit(), 1) << all.output();
  EXPECT_THAT(all.output(), HasSubstr("NOBODY ANSWERED"));
  EXPECT_THAT(all.output(), HasSubstr("connection refused"));
  EXPECT_THAT(all.output(), HasSubstr("redis hung"));
  EXPECT_THAT(all.output(), Not(HasSubstr("\x1b"))) << "no colours in a pipe";
  Child one({"once", "hung", "--config.file=" + file, "--output=json"});
  EXPECT_EQ(one.wait_exit(), 1);
  EXPECT_THAT(one.output(), HasSubstr("\"hung\""));
  EXPECT_THAT(one.output(), Not(HasSubstr("\"dead\"")));
  Child none({"once", "hnug", "--config.file=" + file});
  EXPECT_EQ(none.wait_exit(), 2);
  EXPECT_THAT(none.output(), HasSubstr("did you mean 'hung'?"));
}

}  // namespace
}  // namespace qw
