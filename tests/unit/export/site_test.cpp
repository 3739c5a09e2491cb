#include "daemon/export/site.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "Members that lead.", ""};

class SiteTest : public testing::Test {
 protected:
  SiteTest() {
    Site::Hooks hooks;
    hooks.ready = [this] { return ready_; };
    hooks.refresh = [this] { ++refreshed_; };
    hooks.reload = [this]() -> Task<Result<void>> { return reload(); };
    site_ = std::make_unique<Site>(store_, self_, pool_, std::move(hooks));
    RoundBuilder etcd("etcd", "control-plane");
    etcd.add(kLeaders, 1);
    store_.publish(etcd.build());
  }

  net::ServerReply ask(net::ServerRequest request) {
    auto replies = ask_all({std::move(request)});
    return replies.front();
  }
  net::ServerReply get(std::string path, std::string method = "GET") {
    net::ServerRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.peer_ip = "10.0.0.1";
    return ask(std::move(request));
  }
  /// All at the same time.
  std::vector<net::ServerReply> ask_all(std::vector<net::ServerRequest> requests) {
    asio::io_context io(1);
    std::vector<net::ServerReply> replies(requests.size());
    async::TaskGroup tasks(io.get_executor(),
                           [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    for (std::size_t i = 0; i < requests.size(); ++i)
      tasks.spawn("ask", carry(std::move(requests[i]), replies[i]));
    io.run();
    return replies;
  }

  Task<void> look_while_users_change() {
    net::ServerRequest request;
    request.method = "GET";
    request.path = "/events";
    for (const bool others : {false, true}) {
      const auto reply = co_await site_->answer(request);
      EXPECT_EQ(reply.content_type, "text/event-stream");
      EXPECT_TRUE(reply.stream);
      if (!reply.stream) co_return;
      std::vector<BasicAuthUser> users;
      if (others) users.push_back({.name = "somebody", .bcrypt = "$2y$04$x"});
      site_->set_users(std::move(users));
      const auto piece = co_await reply.stream->next();
      EXPECT_EQ(piece == nullptr, others) << "a stream goes on where the users are the same";
    }
  }
  Task<void> carry(net::ServerRequest request, net::ServerReply& into) {
    into = co_await site_->answer(std::move(request));
  }
  Task<Result<void>> reload() {
    ++reloads_;
    if (reload_error_) co_return std::unexpected(*reload_error_);
    co_return Result<void>();
  }

  SystemClock clock_;
  store::Store store_{store::Store::Options()};
  SelfMetrics self_{clock_};
  async::WorkerPool pool_{2};
  bool ready_ = true;
  int refreshed_ = 0;
  int reloads_ = 0;
  std::optional<Error> reload_error_;
  std::unique_ptr<Site> site_;
};

std::string header(const net::ServerReply& reply, std::string_view name) {
  for (const auto& [key, value] : reply.headers) {
    if (key == name) return value;
  }
  return {};
}

TEST_F(SiteTest, ServesTheMetricsInTheFormatThatIsAskedFor) {
  auto reply = get("/metrics");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.content_type, content_type(PageFormat::text));
  auto read = read_exposition(*reply.body, false);
  EXPECT_TRUE(read.problems.empty()) << read.problems.front();
  EXPECT_EQ(read.value("quorumwatch_leaders", {{"system", "etcd"}, {"target", "control-plane"}}), 1);
  EXPECT_TRUE(read.families.contains("process_cpu_seconds_total"));
  EXPECT_EQ(refreshed_, 1);

  net::ServerRequest request;
  request.method = "GET";
  request.path = "/metrics";
  request.accept = "application/openmetrics-text;version=1.0.0";
  request.accept_encoding = "gzip";
  reply = ask(request);
  EXPECT_EQ(reply.content_type, content_type(PageFormat::open_metrics));
  EXPECT_EQ(header(reply, "Content-Encoding"), "gzip");
  EXPECT_TRUE(reply.body->starts_with("\x1f\x8b"));
}

TEST_F(SiteTest, ScrapesAtTheSameTimeShareOnePageAndLaterOnesGetAFreshOne) {
  net::ServerRequest request;
  request.method = "GET";
  request.path = "/metrics";
  const auto replies = ask_all(std::vector(50, request));
  for (const auto& reply : replies) EXPECT_EQ(reply.body, replies.front().body);
  EXPECT_EQ(refreshed_, 1);
  EXPECT_NE(get("/metrics").body, replies.front().body);
  EXPECT_EQ(refreshed_, 2);
}

TEST_F(SiteTest, ManyPagesInTheHandsOfSlowReadersAreShared) {
  std::vector<net::ServerReply> held;
  for (int i = 0; i < 50; ++i) held.push_back(get("/metrics"));
  std::vector<const std::string*> different;
  for (const auto& reply : held) different.push_back(reply.body.get());
  std::ranges::sort(different);
  const auto rest = std::ranges::unique(different);
  EXPECT_LE(different.size() - rest.size(), 20U);
  held.clear();
  const auto before = refreshed_;
  get("/metrics");
  EXPECT_EQ(refreshed_, before + 1);
}

TEST_F(SiteTest, SaysWhetherItIsHealthyAndReady) {
  EXPECT_EQ(*get("/-/healthy").body, "quorumwatch is healthy\n");
  EXPECT_EQ(get("/-/ready").status, 200U);
  ready_ = false;
  EXPECT_EQ(get("/-/ready").status, 503U);
  EXPECT_EQ(get("/-/healthy").status, 200U);
}

TEST_F(SiteTest, ReloadsOnPostOnly) {
  EXPECT_EQ(get("/-/reload").status, 405U);
  EXPECT_EQ(header(get("/-/reload"), "Allow"), "POST");
  EXPECT_EQ(reloads_, 0);
  EXPECT_EQ(get("/-/reload", "POST").status, 200U);
  EXPECT_EQ(reloads_, 1);
  reload_error_ = Error(ErrorKind::config, "a.yml:1:1: no");
  const auto reply = get("/-/reload", "POST");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_EQ(*reply.body, "reload failed: a.yml:1:1: no\n");
}

TEST_F(SiteTest, RefusesOtherPathsAndMethods) {
  struct Case {
    const char* method;
    const char* path;
    unsigned status;
  };
  for (const auto& c :
       {Case{"GET", "/nothing", 404}, Case{"POST", "/metrics", 405}, Case{"DELETE", "/", 405},
        Case{"HEAD", "/metrics", 200}, Case{"HEAD", "/-/ready", 200}, Case{"PUT", "/-/reload", 405},
        Case{"GET", "", 404}, Case{"GET", "//metrics", 404}, Case{"OPTIONS", "/metrics", 405}}) {
    EXPECT_EQ(get(c.path, c.method).status, c.status) << c.method << " " << c.path;
  }
}

TEST_F(SiteTest, TheStatusPageHasAPolicyAgainstScripts) {
  const auto reply = get("/");
  EXPECT_EQ(reply.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(header(reply, "Content-Security-Policy").starts_with("default-src 'none'; "));
  EXPECT_NE(reply.body->find("control-plane"), std::string::npos);
}

TEST_F(SiteTest, TheApiIsJson) {
  const auto reply = get("/api/v1/targets");
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_TRUE(reply.body->starts_with("{\"now\":"));
}

TEST_F(SiteTest, WithUsersNothingIsServedWithoutAPassword) {
  site_->set_users(
      {{.name = "alice", .bcrypt = "$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm"}});
  for (const auto* path : {"/", "/metrics", "/-/healthy", "/-/reload", "/nothing"}) {
    const auto reply = get(path);
    EXPECT_EQ(reply.status, 401U) << path;
    EXPECT_EQ(header(reply, "WWW-Authenticate"), "Basic realm=\"quorumwatch\"");
  }
  site_->set_users({});
  EXPECT_EQ(get("/-/healthy").status, 200U);
}

TEST_F(SiteTest, TheStatusPageAllowsNothingInlineAndNothingFromElsewhere) {
  for (const auto* path : {"/", "/target/etcd/control-plane"}) {
    const auto reply = get(path);
    EXPECT_EQ(reply.status, 200U) << path;
    EXPECT_EQ(reply.content_type, "text/html; charset=utf-8");
    const auto policy = header(reply, "Content-Security-Policy");
    EXPECT_NE(policy.find("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'"),
              std::string::npos)
        << policy;
    EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  }
  EXPECT_EQ(get("/status.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(get("/status.js").content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(get("/status.svg").content_type, "image/svg+xml");
  EXPECT_EQ(get("/target/etcd/nobody").status, 404U);
  EXPECT_EQ(get("/target/etcd").status, 404U);
  EXPECT_EQ(get("/", "POST").status, 405U);
  EXPECT_EQ(get("/events", "POST").status, 405U);
}

TEST_F(SiteTest, StreamsEndWhenOtherUsersMayLook) {
  asio::io_context io(1);
  async::TaskGroup tasks(io.get_executor(),
                         [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  tasks.spawn("look", look_while_users_change());
  io.run();
  EXPECT_EQ(get("/events").status, 401U);
}

}  // namespace
}  // namespace qw::exporting
