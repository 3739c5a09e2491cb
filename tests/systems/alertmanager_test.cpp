// Real Alertmanagers: what fires gets there and stays there, whatever happens on the way and whatever our
// clock says.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "daemon/notify/notifier.hpp"

namespace qw::notify {
namespace {

using namespace std::chrono_literals;

class TestClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now() + wrong_by; }
  Nanoseconds wrong_by{};
};

/// One Alertmanager on loopback, with its data in a folder of its own.
class RealAlertmanager {
 public:
  explicit RealAlertmanager(asio::io_context& io) {
    char name[] = "/tmp/qw-alertmanager-XXXXXX";
    folder_ = mkdtemp(name);
    std::ofstream(folder_ / "am.yml") << "route: {receiver: none}\nreceivers: [{name: none}]\n";
    asio::ip::tcp::acceptor free(io, {asio::ip::make_address("127.0.0.1"), 0});
    port_ = free.local_endpoint().port();
  }
  ~RealAlertmanager() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    std::vector<std::string> words{"prometheus-alertmanager",
                                   "--config.file=" + (folder_ / "am.yml").string(),
                                   "--storage.path=" + folder_.string(),
                                   "--web.listen-address=127.0.0.1:" + std::to_string(port_),
                                   "--cluster.listen-address=",
                                   "--log.level=error"};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    ASSERT_EQ(posix_spawnp(&process_, arguments[0], nullptr, nullptr, arguments.data(), environ), 0);
  }
  void stop() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  HttpEndpoint endpoint() const {
    HttpEndpoint to;
    to.url = *net::Url::parse("http://127.0.0.1:" + std::to_string(port_));
    to.timeout = 2s;
    return to;
  }

 private:
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  pid_t process_ = 0;
};

bool is_installed() {
  return ::access("/usr/bin/prometheus-alertmanager", X_OK) == 0;
}

class AlertmanagerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!is_installed()) {
      ASSERT_STRNE(std::getenv("CI") ? std::getenv("CI") : "", "true")
          << "prometheus-alertmanager is missing";
      GTEST_SKIP() << "prometheus-alertmanager is not installed";
    }
  }
  ~AlertmanagerTest() override {
    async::TaskGroup group(io.get_executor(), nullptr);
    group.spawn("stop", notifier.stop());
    until([&] { return group.size() == 0; }, 10s);
  }

  void configure() {
    Options options;
    options.alertmanagers = {alertmanager.endpoint()};
    options.watchdog = false;
    options.resend = 2s;
    notifier.configure(options);
  }
  void fire(const std::string& name, Labels more = {}) {
    more.set("alertname", name);
    alerts.push_back({.labels = std::move(more),
                      .annotations = {},
                      .starts_at = clock.wall(),
                      .ends_at = {},
                      .generator_url = {}});
  }
  void publish() {
    std::vector<AlertPtr> all;
    for (const auto& alert : alerts) all.push_back(std::make_shared<const Alert>(alert));
    notifier.publish(std::make_shared<const std::vector<AlertPtr>>(std::move(all)));
  }

  bool until(const std::function<bool()>& done, Nanoseconds limit) {
    const auto end = clock.steady() + limit;
    while (!done()) {
      if (clock.steady() > end) return false;
      io.restart();
      io.run_one_for(10ms);
    }
    return true;
  }

  /// Names of the alerts that Alertmanager holds for firing now; nothing: it does not answer.
  std::optional<std::set<std::string>> active() {
    net::HttpClient client(net, clock, alertmanager.endpoint().url.to, nullptr, {});
    std::optional<Result<net::HttpReply>> reply;
    async::TaskGroup group(io.get_executor(),
                           [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    group.spawn("ask", ask(client, reply));
    until([&] { return group.size() == 0; }, 5s);
    if (!*reply || (*reply)->status != 200) return std::nullopt;
    std::set<std::string> names;
    for (const auto& one : boost::json::parse((*reply)->body).as_array())
      names.emplace(one.at("labels").at("alertname").as_string());
    return names;
  }
  Task<void> ask(net::HttpClient& client, std::optional<Result<net::HttpReply>>& into) {
    auto reply =
        co_await client.exchange(net::HttpRequest("GET", "/api/v2/alerts?active=true"), clock.steady() + 2s);
    into.emplace(std::move(reply));
  }
  bool holds(const std::set<std::string>& names) {
    const auto now = active();
    return now && *now == names;
  }

  TestClock clock;
  asio::io_context io{1};
  net::Resolver resolver{io.get_executor(), {}};
  net::Net net{io.get_executor(), resolver};
  RealAlertmanager alertmanager{io};
  Notifier notifier{net, clock, [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
  std::vector<Alert> alerts;
};

TEST_F(AlertmanagerTest, HearsWhatFiresAndWhatHasEnded) {
  alertmanager.start();
  configure();
  fire("A", {{"member", "db \"1\"\n"}});
  fire("B");
  publish();
  EXPECT_TRUE(until([&] { return holds({"A", "B"}); }, 10s));
  alerts[0].ends_at = clock.wall();
  publish();
  EXPECT_TRUE(until([&] { return holds({"B"}); }, 5s));
}

/// The acceptance test has it away for 75 s (QW_ALERTMANAGER_AWAY); what matters is the same after some.
TEST_F(AlertmanagerTest, HearsEverythingWithinFiveSecondsOfItsReturn) {
  const auto* away = std::getenv("QW_ALERTMANAGER_AWAY");
  configure();
  fire("Ended");
  fire("A");
  publish();
  until([] { return false; }, std::chrono::seconds(away ? std::atoi(away) : 4));
  alerts[0].ends_at = clock.wall();
  fire("Late");
  publish();
  alertmanager.start();
  ASSERT_TRUE(until([&] { return active().has_value(); }, 15s)) << "it answers";
  const auto back = clock.steady();
  EXPECT_TRUE(until([&] { return holds({"A", "Late"}); }, 5s));
  EXPECT_TRUE(until([&] { return notifier.stats()[0].waiting == 0; }, 1s));
  RecordProperty("delivered_after_ms", static_cast<int>((clock.steady() - back) / 1ms));
  alertmanager.stop();
  alertmanager.start();
  EXPECT_TRUE(until([&] { return holds({"A", "Late"}); }, 15s))
      << "a restarted one has forgotten them, and is told again";
}

TEST_F(AlertmanagerTest, AClockOfOursThatIsWrongByAnHourChangesNothing) {
  alertmanager.start();
  configure();
  for (const auto wrong : {-3600s, 3600s}) {
    clock.wrong_by = wrong;
    alerts.clear();
    fire(wrong > 0s ? "Ahead" : "Behind");
    publish();
    EXPECT_TRUE(until([&] { return holds({std::string(wrong > 0s ? "Ahead" : "Behind")}); }, 10s))
        << wrong.count();
    EXPECT_FALSE(until([&] { return !holds({std::string(wrong > 0s ? "Ahead" : "Behind")}); }, 3s))
        << "it stays";
    alerts[0].ends_at = clock.wall();
    publish();
    EXPECT_TRUE(until([&] { return holds({}); }, 5s)) << "and ends when it ends: " << wrong.count();
  }
  EXPECT_EQ(notifier.stats()[0].dropped, 0U);
}

TEST_F(AlertmanagerTest, OneAlertThatItRefusesKeepsNoneOfTheOthers) {
  alertmanager.start();
  configure();
  for (int i = 0; i < 20; ++i) fire("A" + std::to_string(i));
  fire("Bad", {{"a-b", "a name that this Alertmanager does not take"}});
  publish();
  EXPECT_TRUE(until(
      [&] {
        const auto now = active();
        return now && now->size() >= 20 && notifier.stats()[0].waiting == 0;
      },
      15s));
  EXPECT_EQ(notifier.stats()[0].dropped, 1U);
}

}  // namespace
}  // namespace qw::notify
