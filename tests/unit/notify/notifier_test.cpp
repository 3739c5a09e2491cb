#include "daemon/notify/notifier.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <deque>
#include <functional>

#include "daemon/net/http_server.hpp"

namespace qw::notify {
namespace {

using namespace std::chrono_literals;

/// Time goes on by itself; the wall clock may be wrong.
class TestClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::system_clock::now() + wrong_by; }
  Nanoseconds wrong_by{};
};

/// An Alertmanager as far as one connection shows it: it answers with the statuses of its script, then 200.
class Sink {
 public:
  explicit Sink(asio::io_context& io)
      : server(
            io.get_executor(), [this](net::ServerRequest request) { return answer(std::move(request)); },
            net::HttpServer::Limits(),
            [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }) {
    const auto bound = server.listen({"127.0.0.1", 0});
    EXPECT_TRUE(bound);
    port = bound->port;
  }

  Task<net::ServerReply> answer(net::ServerRequest request) {
    net::ServerReply reply;
    if (!script.empty()) {
      reply.status = script.front();
      script.pop_front();
    } else if (!poison.empty() && request.body.contains(poison)) {
      reply.status = 400;
    }
    if (reply.status == 200) taken.push_back(request.body);
    authorization = request.authorization;
    path = request.path;
    ++requests;
    reply.body = std::make_shared<const std::string>(std::to_string(reply.status));
    co_return reply;
  }

  HttpEndpoint endpoint() const {
    HttpEndpoint to;
    to.url = *net::Url::parse("http://127.0.0.1:" + std::to_string(port) + "/am");
    to.timeout = 2s;
    return to;
  }
  bool took(std::string_view text) const {
    return std::ranges::any_of(taken, [&](const std::string& body) { return body.contains(text); });
  }

  std::uint16_t port = 0;
  std::deque<unsigned> script;
  std::string poison;  ///< a batch that holds this is refused
  std::vector<std::string> taken;
  std::string authorization, path;
  unsigned requests = 0;
  net::HttpServer server;
};

Alert named(const std::string& name) {
  return {.labels = {{"alertname", name}},
          .annotations = {},
          .starts_at = std::chrono::system_clock::now(),
          .ends_at = std::nullopt,
          .generator_url = {}};
}

AlertsPtr alerts(std::initializer_list<std::string> names) {
  auto all = std::make_shared<std::vector<AlertPtr>>();
  for (const auto& name : names) all->push_back(std::make_shared<const Alert>(named(name)));
  return all;
}

class NotifierTest : public ::testing::Test {
 protected:
  ~NotifierTest() override {
    async::TaskGroup group(io.get_executor(), nullptr);
    group.spawn("stop", notifier.stop());
    group.spawn("first", first.server.stop(clock.steady()));
    group.spawn("second", second.server.stop(clock.steady()));
    until([&] { return group.size() == 0; });
    for (int i = 0; i < 100 && io.poll_one() > 0; ++i) {
    }
  }

  void until(const std::function<bool()>& done) {
    const auto end = clock.steady() + 10s;
    while (!done() && clock.steady() < end) {
      io.restart();
      io.run_one_for(10ms);
    }
    EXPECT_TRUE(done());
  }
  Options options(std::initializer_list<HttpEndpoint> to) {
    Options made;
    made.alertmanagers = to;
    made.watchdog = false;
    return made;
  }

  TestClock clock;
  asio::io_context io{1};
  net::Resolver resolver{io.get_executor(), {}};
  net::Net net{io.get_executor(), resolver};
  Sink first{io}, second{io};
  Notifier notifier{net, clock, [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
};

TEST_F(NotifierTest, TellsEachAlertmanagerWithExternalLabelsAndRelabelling) {
  auto made = options({first.endpoint(), second.endpoint()});
  made.external_labels = {{"cluster", "c1"}, {"alertname", "never"}};
  made.relabel = {{.action = RelabelRule::Action::drop,
                   .source_labels = {"alertname"},
                   .regex = *Pattern::compile("Secret"),
                   .target_label = {}}};
  notifier.configure(made);
  notifier.publish(alerts({"A", "Secret"}));
  until([&] { return !first.taken.empty() && !second.taken.empty(); });
  EXPECT_TRUE(first.took(R"("labels":{"alertname":"A","cluster":"c1"})")) << first.taken.front();
  EXPECT_FALSE(first.took("Secret"));
  EXPECT_FALSE(first.took("endsAt"));
  EXPECT_EQ(first.path, "/am/api/v2/alerts");
  until([&] { return notifier.stats()[0].waiting == 0; });
  EXPECT_EQ(notifier.stats()[0].sent, 1U);
  EXPECT_TRUE(notifier.stats()[0].last_success);
}

TEST_F(NotifierTest, TriesAgainUntilItIsTakenWhileTheOtherGetsItsOwn) {
  first.script = {500, 503, 429, 404};
  notifier.configure(options({first.endpoint(), second.endpoint()}));
  notifier.publish(alerts({"A"}));
  until([&] { return first.took("A"); });
  EXPECT_EQ(first.requests, 5U);
  EXPECT_EQ(second.requests, 1U);
  until([&] { return notifier.stats()[0].waiting == 0; });
  EXPECT_EQ(notifier.stats()[0].errors, 4U);
  EXPECT_EQ(notifier.stats()[1].errors, 0U);
}

TEST_F(NotifierTest, FindsTheOneAlertThatIsRefused) {
  first.poison = "Poison";
  notifier.configure(options({first.endpoint()}));
  notifier.publish(alerts({"A", "B", "C", "D", "Poison", "E", "F"}));
  until([&] { return notifier.stats()[0].waiting == 0; });
  EXPECT_EQ(notifier.stats()[0].sent, 6U);
  EXPECT_EQ(notifier.stats()[0].dropped, 1U);
  for (const auto* name : {"\"A\"", "\"B\"", "\"C\"", "\"D\"", "\"E\"", "\"F\""})
    EXPECT_TRUE(first.took(name)) << name;
  EXPECT_LE(first.requests, 9U);
}

TEST_F(NotifierTest, AClockThatIsAnHourAheadIsFoundOutAndAllowedFor) {
  clock.wrong_by = 1h;
  first.script = {400};  // as Alertmanager does: the start lies in its future
  auto early = named("A");
  early.starts_at += 1h;
  notifier.configure(options({first.endpoint()}));
  notifier.publish(
      std::make_shared<const std::vector<AlertPtr>>(1, std::make_shared<const Alert>(std::move(early))));
  until([&] { return first.took("A"); });
  EXPECT_EQ(first.requests, 2U);
  EXPECT_EQ(notifier.stats()[0].dropped, 0U);
  const auto at = first.taken.front().find("startsAt\":\"") + 11;
  const auto hour = first.taken.front().substr(at, 13);  // to the hour
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto a_little_ago = now - 3s;
  const auto text = [](auto time) {
    const auto seconds = std::chrono::system_clock::to_time_t(time);
    std::string out(14, '\0');
    std::strftime(out.data(), out.size(), "%Y-%m-%dT%H", std::gmtime(&seconds));
    out.resize(13);
    return out;
  };
  EXPECT_TRUE(hour == text(now) || hour == text(a_little_ago)) << hour;
}

TEST_F(NotifierTest, AnotherConfigurationKeepsWhatWasTold) {
  notifier.configure(options({first.endpoint()}));
  notifier.publish(alerts({"A"}));
  until([&] { return notifier.stats()[0].sent == 1; });
  notifier.configure(options({first.endpoint(), second.endpoint()}));
  until([&] { return second.took("A"); });
  EXPECT_EQ(first.requests, 1U);
  notifier.publish(alerts({}));
  until([&] { return first.took("endsAt") && second.took("endsAt"); });
}

TEST_F(NotifierTest, TheWatchdogAlwaysFires) {
  auto made = options({first.endpoint()});
  made.watchdog = true;
  made.instance = "host-1";
  notifier.configure(made);
  until([&] { return first.took(R"("alertname":"QuorumwatchWatchdog","instance":"host-1")"); });
}

TEST_F(NotifierTest, SaysWhoItIs) {
  auto to = first.endpoint();
  to.username = "monitor";
  to.password = Secret("s3cret");
  notifier.configure(options({to}));
  notifier.publish(alerts({"A"}));
  until([&] { return first.took("A"); });
  EXPECT_EQ(first.authorization, "Basic bW9uaXRvcjpzM2NyZXQ=");
  to.bearer_token = Secret("token");
  notifier.configure(options({to}));
  notifier.publish(alerts({"A", "B"}));
  until([&] { return first.took("B"); });
  EXPECT_EQ(first.authorization, "Bearer token");
}

}  // namespace
}  // namespace qw::notify
