#include "daemon/placement_service.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>

#include "daemon/state_store.hpp"

namespace qw {
namespace {

using namespace std::chrono_literals;
using placement::Move;

const TargetId kShop{.system = "redis", .name = "shop"};

/// Another daemon, as far as its pages show it: what is asked of it stands in `requests`.
class OtherDaemon {
 public:
  explicit OtherDaemon(asio::io_context& io)
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
    requests.push_back(request.path + (request.query.empty() ? "" : "?" + request.query));
    authorization = request.authorization;
    reply.status = status;
    reply.body =
        std::make_shared<const std::string>(request.path == placement::kAlertsPath ? alerts : claims);
    co_return reply;
  }
  std::string name() const { return fmt::format("127.0.0.1:{}", port); }
  void asks(std::uint64_t rounds) {
    const placement::Standings standings{{kShop, {.decided = true, .here = true}}};
    claims = placement::print_claims(name(), standings,
                                     {{kShop, {.rounds = rounds, .taken = 1s, .last_round = 100ms}}});
  }
  void asks_nothing() { claims = placement::print_claims(name(), {}, {}); }

  std::uint16_t port = 0;
  unsigned status = 200;
  std::string claims, alerts, authorization;
  std::vector<std::string> requests;
  net::HttpServer server;
};

class PlacementServiceTest : public testing::Test {
 protected:
  PlacementServiceTest() {
    // The one that comes first for the target is the other.
    for (std::uint16_t own = 1; own < 200; ++own) {
      self = fmt::format("127.0.0.9:{}", own);
      if (placement::weight(kShop, other.name()) > placement::weight(kShop, self)) break;
    }
  }
  ~PlacementServiceTest() override {
    tasks.cancel();
    turn([this] { return tasks.size() == 0; });
  }
  config::Config config() const {
    config::Config out;
    out.placement.peers = {other.name(), self};
    out.placement.self = self;
    out.placement.interval = 500ms;
    out.placement.username = "monitor";
    out.placement.password.value = Secret("secret");
    config::TargetConfig target{
        .common = {.system = "redis", .name = "shop", .interval = 1s, .timeout = 500ms, .one_node = true},
        .plan = {},
        .fingerprint = 1};
    out.targets.push_back(std::move(target));
    return out;
  }
  void start() {
    ASSERT_TRUE(service.configure(config()));
    tasks.spawn("placement", service.run());
  }
  bool turn(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition() && std::chrono::steady_clock::now() < deadline) io.run_one_for(5ms);
    return condition();
  }
  /// One alert of the target, as another daemon's rules have it.
  static std::string alerts() {
    rules::ActiveAlert alert;
    alert.labels = {{"alertname", "A"}};
    alert.active_at = 1000;
    alert.system = "redis";
    alert.target = "shop";
    return rules::encode_state(
        {.at = 61'000, .boot_id = "another machine", .boot_time = 7, .rules = {{"g", "A", "", {alert}}}});
  }

  asio::io_context io{1};
  SystemClock clock;
  net::Resolver resolver{io.get_executor(), {}};
  net::Net net{io.get_executor(), resolver};
  OtherDaemon other{io};
  std::string self;
  std::vector<Move> moves;
  std::optional<rules::SavedState> handed;
  PlacementService service{
      {.executor = io.get_executor(),
       .clock = clock,
       .net = net,
       .on_bug = [](std::string_view, const std::string& what) { ADD_FAILURE() << what; },
       .on_move =
           [this](const Move& move, std::optional<rules::SavedState> state) {
             moves.push_back(move);
             handed = std::move(state);
           },
       .alerts_of = [](const TargetId&) { return alerts(); }}};
  async::TaskGroup tasks{io.get_executor(),
                         [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }};
};

TEST_F(PlacementServiceTest, WithoutPeersEverythingIsAskedHereAtOnce) {
  auto alone = config();
  alone.placement.peers.clear();
  ASSERT_TRUE(service.configure(alone));
  EXPECT_TRUE(service.asks(kShop));
  EXPECT_FALSE(service.is_placed(kShop));
}

TEST_F(PlacementServiceTest, APeerThatIsNoneIsToldAndChangesNothing) {
  start();
  auto wrong = config();
  wrong.placement.peers = {"_http._tcp.example:80"};
  const auto set = service.configure(wrong);
  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().message(), testing::StartsWith("placement.peers: '_http._tcp.example:80': "));
  EXPECT_TRUE(service.is_placed(kShop));
}

TEST_F(PlacementServiceTest, TheOneBeforeIsAskedWithThePasswordAndItsAlertsAreCopied) {
  other.asks(5);
  other.alerts = alerts();
  start();
  ASSERT_TRUE(turn([&] { return other.requests.size() >= 2; }));
  EXPECT_EQ(other.requests[0], "/api/v1/placement");
  EXPECT_EQ(other.requests[1], "/api/v1/placement/alerts?system=redis&target=shop");
  EXPECT_EQ(other.authorization, "Basic bW9uaXRvcjpzZWNyZXQ=");
  EXPECT_FALSE(service.asks(kShop));
  EXPECT_TRUE(moves.empty());
}

TEST_F(PlacementServiceTest, WhenTheOneBeforeFallsSilentItsAlertsGoOnHere) {
  other.asks(5);
  other.alerts = alerts();
  start();
  ASSERT_TRUE(turn([&] { return other.requests.size() >= 2; }));
  other.status = 500;
  ASSERT_TRUE(turn([&] { return !moves.empty(); }));
  EXPECT_TRUE(moves[0].taken);
  EXPECT_EQ(moves[0].other, other.name());
  EXPECT_TRUE(service.asks(kShop));
  ASSERT_TRUE(handed);
  ASSERT_EQ(handed->rules.size(), 1U);
  EXPECT_EQ(handed->boot_id, boot_id()) << "as if it had been saved here";
  rules::resume_state(*handed, 1'000'000, boot_id(), boot_time());
  EXPECT_NEAR(static_cast<double>(handed->rules[0].alerts[0].active_at), 940'000, 2'000)
      << "a minute ago, as there";
  EXPECT_EQ(service.placement().standings().at(kShop).reason, "answered with status 500");

  other.status = 200;
  other.asks(5);
  ASSERT_TRUE(turn([&] { return moves.size() == 2; }));
  EXPECT_FALSE(moves[1].taken);
}

TEST_F(PlacementServiceTest, WhatIsNoAnswerIsSilence) {
  for (const auto& nonsense : {std::string("{}"), std::string("<html>"), std::string(5U << 20U, '[')}) {
    moves.clear();
    other.claims = nonsense;
    start();
    ASSERT_TRUE(turn([&] { return !moves.empty(); })) << nonsense.substr(0, 10);
    EXPECT_THAT(service.placement().standings().at(kShop).silent, testing::ElementsAre(other.name()));
    tasks.cancel();
    ASSERT_TRUE(turn([this] { return tasks.size() == 0; }));
    config::Config none;
    ASSERT_TRUE(service.configure(none));
  }
}

TEST_F(PlacementServiceTest, ItsOwnPagesTellWhatItAsks) {
  other.asks_nothing();
  start();
  ASSERT_TRUE(turn([&] { return !moves.empty(); }));
  service.on_round(kShop);
  net::ServerRequest request;
  request.path = "/api/v1/placement";
  const auto reply = service.answer(request);
  ASSERT_TRUE(reply);
  const auto claims = placement::read_claims(*reply->body);
  ASSERT_TRUE(claims);
  EXPECT_EQ(claims->at(kShop).rounds, 1U);
  request.path = "/api/v1/placement/alerts";
  request.query = "system=redis&target=shop";
  EXPECT_EQ(*service.answer(request)->body, alerts());
  request.query = "system=redis&target=another";
  EXPECT_EQ(service.answer(request)->status, 404U);
  request.path = "/metrics";
  EXPECT_FALSE(service.answer(request));
}

}  // namespace
}  // namespace qw
