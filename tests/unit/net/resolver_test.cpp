#include "daemon/net/resolver.hpp"

#include "daemon/net/stream.hpp"
#include "tests/unit/net/dns_server.hpp"

namespace qw::net {
namespace {

using test::DnsServer;
using test::in;
using test::milliseconds;
using test::steady_clock;
using Addresses = std::vector<asio::ip::address>;
using Mood = DnsServer::Mood;

class ResolverTest : public test::LoopbackTest {
 protected:
  ResolverTest() : dns_(std::make_unique<DnsServer>(loop())) {}
  void TearDown() override {
    resolver_.reset();
    dns_.reset();
    LoopbackTest::TearDown();
  }
  DnsServer& dns() { return *dns_; }
  Resolver& resolver(milliseconds try_timeout = milliseconds(100)) {
    if (!resolver_) {
      Resolver::Options options;
      options.servers = dns_->address();
      options.try_timeout = try_timeout;
      resolver_ = std::make_unique<Resolver>(loop().executor(), options);
    }
    return *resolver_;
  }
  void drop_resolver() { resolver_.reset(); }
  Result<Addresses> resolve(const std::string& host, milliseconds within = milliseconds(3000)) {
    return loop().run(resolver().resolve(host, in(within)));
  }
  /// Several look-ups at the same time.
  std::vector<Result<Addresses>> resolve_all(const std::vector<std::string>& hosts, milliseconds within) {
    std::vector<Task<Result<Addresses>>> tasks;
    for (const auto& host : hosts) tasks.push_back(resolver().resolve(host, in(within)));
    return loop().run(async::all(std::move(tasks)));
  }

 private:
  std::unique_ptr<DnsServer> dns_;
  std::unique_ptr<Resolver> resolver_;
};

std::string first(const Result<Addresses>& got) {
  return got ? got->front().to_string() : got.error().message();
}

TEST_F(ResolverTest, TakesLiteralsAndHostsWithoutAsking) {
  dns().set_mood(Mood::mute);
  EXPECT_EQ(first(resolve("10.1.2.3")), "10.1.2.3");
  EXPECT_EQ(first(resolve("2001:db8::1")), "2001:db8::1");
  const auto local = resolve("localhost");
  ASSERT_TRUE(local) << local.error().message();
  EXPECT_TRUE(local->front().is_loopback());
  EXPECT_EQ(dns().questions(), 0);
}

TEST_F(ResolverTest, AsksForBothFamilies) {
  dns().records()["both.example"] = {{"10.0.0.1", "2001:db8::1", "10.0.0.2"}};
  dns().records()["four.example"] = {{"10.0.0.4"}};
  dns().records()["six.example"] = {{"2001:db8::6"}};
  const auto both = resolve("both.example");
  ASSERT_TRUE(both) << both.error().message();
  EXPECT_EQ(both->size(), 3U);
  for (const char* text : {"10.0.0.1", "10.0.0.2", "2001:db8::1"}) {
    EXPECT_EQ(std::ranges::count(*both, asio::ip::make_address(text)), 1) << text;
  }
  EXPECT_EQ(first(resolve("four.example")), "10.0.0.4");
  EXPECT_EQ(first(resolve("six.example")), "2001:db8::6");
}

TEST_F(ResolverTest, TellsNoSuchHostFromNoAnswer) {
  EXPECT_EQ(resolve("missing.example").error(), Error(ErrorKind::unreachable, "no such host"));
  dns().records()["empty.example"] = {};
  EXPECT_EQ(resolve("empty.example").error(), Error(ErrorKind::unreachable, "no such host"));
  EXPECT_EQ(resolve("").error().kind(), ErrorKind::unreachable);
  EXPECT_EQ(resolve(std::string(64, 'a') + ".example").error().kind(), ErrorKind::unreachable);
  EXPECT_EQ(resolve(std::string(5000, 'a')).error().kind(), ErrorKind::unreachable);
  dns().set_mood(Mood::mute);
  EXPECT_EQ(resolve("x.example").error(), Error(ErrorKind::timeout, "the name servers do not answer"));
  dns().set_mood(Mood::servfail);
  EXPECT_NE(resolve("y.example").error().kind(), ErrorKind::unreachable);
  dns().set_mood(Mood::garbage);
  EXPECT_NE(resolve("z.example").error().kind(), ErrorKind::unreachable);
}

TEST_F(ResolverTest, EndsAtTheWaitersOwnDeadline) {
  resolver(milliseconds(2000));
  dns().set_mood(Mood::mute);
  const auto start = steady_clock::now();
  const auto got = resolve("mute.example", milliseconds(50));
  EXPECT_EQ(got.error(), Error(ErrorKind::timeout, "deadline exceeded while resolving the name"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(350));
}

TEST_F(ResolverTest, AsksOnceForManyWaitersAndOnceForItsTime) {
  dns().records()["one.example"] = {{"10.0.0.1"}, 60};
  const auto got = resolve_all(std::vector<std::string>(50, "one.example"), milliseconds(3000));
  for (const auto& each : got) EXPECT_EQ(first(each), "10.0.0.1");
  EXPECT_EQ(first(resolve("ONE.example")), "10.0.0.1");
  EXPECT_EQ(dns().questions("one.example"), 1);
}

TEST_F(ResolverTest, AsksAgainAfterItsTimeAndLivesThroughDeadServers) {
  dns().records()["moving.example"] = {{"10.0.0.1"}, 0};  // is kept for a second all the same
  EXPECT_EQ(first(resolve("moving.example")), "10.0.0.1");
  dns().records()["moving.example"] = {{"10.0.0.2"}, 1};
  EXPECT_EQ(first(resolve("moving.example")), "10.0.0.1");
  ASSERT_TRUE(loop().until([&] { return first(resolve("moving.example")) == "10.0.0.2"; }));
  EXPECT_EQ(dns().questions("moving.example"), 2);

  dns().set_mood(Mood::mute);
  ASSERT_TRUE(loop().until(
      [&] { return resolve("moving.example").has_value() && dns().questions("moving.example") >= 3; }));
  EXPECT_EQ(first(resolve("moving.example")), "10.0.0.2") << "an old answer is better than none";
  ASSERT_TRUE(loop().until([&] { return resolver().lookups_in_flight() == 0; }));
  // The servers are known to be dead by now: nobody waits for them, and they are asked rarely.
  const int asked = dns().questions("moving.example");
  const auto start = steady_clock::now();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(first(resolve("moving.example")), "10.0.0.2");
  EXPECT_LT(steady_clock::now() - start, milliseconds(90));
  EXPECT_LE(dns().questions("moving.example"), asked + 1);

  dns().records().clear();
  dns().set_mood(Mood::answer);
  ASSERT_TRUE(loop().until([&] { return !resolve("moving.example").has_value(); }))
      << "the servers' word is not taken";
  EXPECT_EQ(resolve("moving.example").error(), Error(ErrorKind::unreachable, "no such host"));
}

TEST_F(ResolverTest, ThousandDeadNamesDelayNobody) {
  resolver(milliseconds(1000));
  dns().records()["alive.example"] = {{"10.0.0.1"}, 60};
  ASSERT_TRUE(resolve("alive.example"));
  dns().set_mood(Mood::mute);
  auto dead = std::make_shared<int>(0);
  struct Forget {
    static Task<void> keep(Task<Result<Addresses>> inner, std::shared_ptr<int> count) {
      auto got = co_await std::move(inner);
      if (!got && got.error().kind() == ErrorKind::timeout) ++*count;
    }
  };
  for (int i = 0; i < 1000; ++i) {
    loop().spawn(Forget::keep(
        resolver().resolve("dead-" + std::to_string(i) + ".example", in(milliseconds(600))), dead));
  }
  ASSERT_TRUE(loop().until([&] { return resolver().lookups_in_flight() == 1000; }));
  for (const char* host : {"10.9.9.9", "alive.example"}) {
    const auto start = steady_clock::now();
    EXPECT_TRUE(resolve(host, milliseconds(500)));
    EXPECT_LT(steady_clock::now() - start, milliseconds(100)) << host;
  }
  ASSERT_TRUE(loop().until([&] { return *dead == 1000; }));
}

TEST_F(ResolverTest, ACanceledWaiterHurtsNobodyElse) {
  resolver(milliseconds(1000));
  dns().set_mood(Mood::mute);
  struct Forget {
    static Task<void> keep(Task<Result<Addresses>> inner,
                           std::shared_ptr<std::optional<Result<Addresses>>> out) {
      out->emplace(co_await std::move(inner));
    }
  };
  auto canceled = std::make_shared<std::optional<Result<Addresses>>>();
  auto kept = std::make_shared<std::optional<Result<Addresses>>>();
  async::TaskGroup group(loop().executor(), [](std::string_view, const std::string&) {});
  group.spawn("canceled", Forget::keep(resolver().resolve("late.example", in(milliseconds(5000))), canceled));
  loop().spawn(Forget::keep(resolver().resolve("late.example", in(milliseconds(5000))), kept));
  ASSERT_TRUE(loop().until([&] { return dns().questions("late.example") == 1; }));
  group.cancel();
  ASSERT_TRUE(loop().until([&] { return group.size() == 0; }));
  ASSERT_TRUE(canceled->has_value());
  EXPECT_EQ((*canceled)->error().kind(), ErrorKind::canceled);
  EXPECT_FALSE(kept->has_value());
  dns().records()["late.example"] = {{"10.0.0.1"}};
  dns().set_mood(Mood::answer);  // c-ares asks again after a second
  ASSERT_TRUE(loop().until([&] { return kept->has_value(); }));
  EXPECT_EQ(first(**kept), "10.0.0.1");
}

TEST_F(ResolverTest, MayGoWhileNamesAreBeingResolved) {
  dns().set_mood(Mood::mute);
  auto out = std::make_shared<std::vector<ErrorKind>>();
  struct Keep {
    static Task<void> keep(Task<Result<Addresses>> inner, std::shared_ptr<std::vector<ErrorKind>> kinds) {
      auto got = co_await std::move(inner);
      if (!got) kinds->push_back(got.error().kind());
    }
  };
  for (const char* host : {"a.example", "a.example", "b.example"}) {
    loop().spawn(Keep::keep(resolver().resolve(host, in(milliseconds(5000))), out));
  }
  ASSERT_TRUE(loop().until([&] { return dns().questions() >= 2; }));
  EXPECT_EQ(resolver().lookups_in_flight(), 2U);
  drop_resolver();
  ASSERT_TRUE(loop().until([&] { return out->size() == 3; }));
  EXPECT_EQ(*out, std::vector<ErrorKind>(3, ErrorKind::canceled));
}

TEST_F(ResolverTest, WrongServerSettingFailsTheLookUpNotTheStart) {
  Resolver::Options options;
  options.servers = "not a server";
  Resolver broken(loop().executor(), options);
  const auto got = loop().run(broken.resolve("a.example", in(milliseconds(1000))));
  EXPECT_FALSE(got);
  EXPECT_TRUE(loop().run(broken.resolve("10.0.0.1", in(milliseconds(1000)))));
}

TEST_F(ResolverTest, FindsTheServersOfAService) {
  const std::string name = "_stamp._udp.nodes.example";
  dns().records()[name] = {
      .addresses = {}, .ttl = 60, .services = {{"Node-2.example", 862}, {"node-1.example", 862}}};
  const auto find = [&] { return loop().run(resolver().resolve_service(name, in(milliseconds(3000)))); };
  const auto got = find();
  ASSERT_TRUE(got) << got.error().message();
  ASSERT_EQ(got->size(), 2U);
  EXPECT_EQ((*got)[0], (Service{.host = "node-1.example", .port = 862, .priority = 10, .weight = 1}));
  EXPECT_EQ((*got)[1].host, "node-2.example");
  EXPECT_EQ(find(), got);
  EXPECT_EQ(dns().questions(name), 1) << "an answer is kept for its time";

  const auto missing = loop().run(resolver().resolve_service("_x._udp.example", in(milliseconds(3000))));
  EXPECT_EQ(missing.error(), Error(ErrorKind::unreachable, "no such service"));
  dns().records()["four.example"] = {{"10.0.0.4"}};
  const auto host = loop().run(resolver().resolve_service("four.example", in(milliseconds(3000))));
  EXPECT_EQ(host.error(), Error(ErrorKind::unreachable, "no such service"));
  const auto empty = loop().run(resolver().resolve_service("", in(milliseconds(3000))));
  EXPECT_EQ(empty.error().kind(), ErrorKind::unreachable);
}

TEST_F(ResolverTest, AServiceIsAskedForAgainAfterItsTimeAndLivesThroughDeadServers) {
  const std::string name = "_stamp._udp.moving.example";
  const auto first_host = [&] {
    const auto got = loop().run(resolver().resolve_service(name, in(milliseconds(3000))));
    return got ? got->front().host : got.error().message();
  };
  dns().records()[name] = {.addresses = {}, .ttl = 0, .services = {{"a.example", 1}}};
  EXPECT_EQ(first_host(), "a.example");
  dns().records()[name] = {.addresses = {}, .ttl = 1, .services = {{"b.example", 1}}};
  ASSERT_TRUE(loop().until([&] { return first_host() == "b.example"; }));
  dns().set_mood(Mood::mute);
  ASSERT_TRUE(loop().until([&] { return !first_host().empty() && dns().questions(name) >= 3; }));
  EXPECT_EQ(first_host(), "b.example");
  dns().set_mood(Mood::garbage);
  EXPECT_EQ(first_host(), "b.example");
}

/// Connects to a name whose addresses are 127.0.0.1 to 127.0.0.3 at one port.
TEST_F(ResolverTest, AStreamTriesEachAddressWithinItsDeadline) {
  dns().records()["three.example"] = {{"127.0.0.1", "127.0.0.2", "127.0.0.3"}};
  Net net(loop().executor(), resolver());
  test::Server second(loop(), test::stay_mute, "127.0.0.2");
  const auto port = second.address().port;
  const auto refused_first =
      loop().run(Stream::connect(net, HostPort("three.example", port), nullptr, in(milliseconds(2000))));
  ASSERT_TRUE(refused_first) << refused_first.error().message();
  EXPECT_EQ((*refused_first)->peer(), second.address().print());

  // 127.0.0.1 swallows everything and must leave time for the others.
  test::BlackHole hole(loop(), "127.0.0.1");
  test::Server third(loop(), test::stay_mute, "127.0.0.3", hole.address().port);
  const auto mute_first = loop().run(
      Stream::connect(net, HostPort("three.example", hole.address().port), nullptr, in(milliseconds(600))));
  ASSERT_TRUE(mute_first) << mute_first.error().message();
  EXPECT_EQ((*mute_first)->peer(), third.address().print());
  const auto nobody =
      loop().run(Stream::connect(net, HostPort("three.example", 1), nullptr, in(milliseconds(2000))));
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind(), ErrorKind::refused);
  EXPECT_NE(nobody.error().message().find("127.0.0."), std::string::npos) << nobody.error().message();
}

}  // namespace
}  // namespace qw::net
