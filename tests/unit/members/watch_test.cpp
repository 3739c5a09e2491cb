#include "daemon/members/watch.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "daemon/base/time.hpp"
#include "tests/unit/config/scratch_folder.hpp"
#include "tests/unit/members/support.hpp"
#include "tests/unit/net/dns_server.hpp"

namespace qw::members {
namespace {

using net::test::DnsServer;
using test::Texts;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Texts members_of(const std::any& plan) {
  return std::any_cast<Texts>(plan);
}

/// The real clock, some time ahead: no test waits until names are asked for again.
class AheadClock final : public Clock {
 public:
  SteadyTime steady() const override { return std::chrono::steady_clock::now() + ahead; }
  WallTime wall() const override { return SystemClock().wall(); }
  Nanoseconds ahead{};
};

class WatchTest : public net::test::LoopbackTest {
 protected:
  void SetUp() override {
    dns_ = std::make_unique<DnsServer>(loop());
    make_resolver();
  }
  void TearDown() override {
    watch_.reset();
    resolver_.reset();
    pool_.reset();
    dns_.reset();
  }

  /// Forgets what names resolved to.
  void make_resolver() {
    watch_.reset();
    resolver_ = std::make_unique<net::Resolver>(
        loop().executor(),
        net::Resolver::Options{
            .servers = dns_->address(), .try_timeout = std::chrono::milliseconds(50), .tries = 1});
    watch_ = std::make_unique<Watch>(
        Tools{.clock = clock_, .resolver = *resolver_, .pool = *pool_},
        Watch::Told{
            .changed = [this](const TargetId&, const config::FoundPlan& plan, std::uint64_t) -> Result<void> {
              if (refuse_) return fail(ErrorKind::config, "ca_file: gone");
              now_ = members_of(plan.plan);
              return {};
            },
            .news =
                [this](const News& news) {
                  const std::array kinds{"changed", "failed", "found again"};
                  news_.push_back(
                      fmt::format("{}: {}", kinds[static_cast<std::size_t>(news.kind)], news.text));
                }});
  }

  /// A configuration comes into effect.
  void take(const std::string& members) {
    auto loaded = test::load(members, folder_.write("qw.yml", ""));
    ASSERT_THAT(loaded.problems, IsEmpty());
    auto config = std::make_shared<config::Config>(std::move(loaded.config));
    auto targets = loop().run(watch_->prepare(*config));
    watch_->adopt(targets);
    now_ = members_of(config->targets.front().plan);
    fingerprint_ = config->targets.front().members_fingerprint;
  }
  void look() {
    clock_.ahead += std::chrono::seconds(30);
    loop().run(once(*watch_));
  }
  static Task<bool> once(Watch& watch) {
    co_await watch.look_once();
    co_return true;
  }
  Texts news() { return std::exchange(news_, {}); }
  void put(const std::string& name, const std::string& text) {
    const auto beside = folder_.write(name + ".new", text);
    std::filesystem::rename(beside, folder_.path() / name);
  }

  config::ScratchFolder folder_;
  AheadClock clock_;
  std::unique_ptr<DnsServer> dns_;
  std::unique_ptr<async::WorkerPool> pool_ = std::make_unique<async::WorkerPool>(1);
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<Watch> watch_;
  Texts now_;
  std::uint64_t fingerprint_ = 0;
  bool refuse_ = false;
  Texts news_;
};

TEST_F(WatchTest, PutsFilesNamesAndFixedAddressesTogether) {
  put("m.yml", "- targets: [b, 'c:7']\n");
  dns_->records()["pond.example"] = {{"10.0.0.9"}};
  take("{files: ['*.yml'], dns: ['pond.example:8'], addresses: [b]}");
  EXPECT_THAT(now_, ElementsAre("10.0.0.9:8", "b:7", "c:7"));
  EXPECT_THAT(news(), IsEmpty());
  EXPECT_EQ(watch_->standings().front().found, 3U);
  EXPECT_FALSE(watch_->standings().front().failed);
}

TEST_F(WatchTest, ANewMemberIsToldAndAnotherOrderIsNot) {
  put("m.yml", "- targets: [a, b]\n");
  take("{files: ['m.yml']}");
  put("m.yml", "- targets: [b]\n- targets: [a, b]\n");
  look();
  EXPECT_THAT(news(), IsEmpty());
  put("m.yml", "- targets: [c, b]\n");
  look();
  EXPECT_THAT(now_, ElementsAre("b:7", "c:7"));
  EXPECT_THAT(news(), ElementsAre("changed: b:7, c:7 (c:7 is new, a:7 is gone)"));
}

TEST_F(WatchTest, AskForServicesAndForAllAddressesOfAName) {
  dns_->records()["_toy._tcp.example"] = {{}, 60, {{"n2.example", 9}, {"n1.example", 9}}};
  take("{dns: [_toy._tcp.example]}");
  EXPECT_THAT(now_, ElementsAre("n1.example:9", "n2.example:9"));
  dns_->records()["pond.example"] = {{"10.0.0.2", "10.0.0.1", "2001:db8::1"}};
  take("{dns: [pond.example]}");
  EXPECT_THAT(now_, ElementsAre("10.0.0.1:7", "10.0.0.2:7", "[2001:db8::1]:7"));
}

TEST_F(WatchTest, NamesAreAskedForAgainWhenTheirTimeHasCome) {
  dns_->records()["pond.example"] = {{"10.0.0.1"}, 1};
  take("{dns: [pond.example], refresh: 20s}");
  dns_->records()["pond.example"] = {{"10.0.0.1", "10.0.0.2"}, 1};
  ASSERT_TRUE(loop().until([&] {
    look();
    return now_.size() == 2;
  }));
  EXPECT_THAT(news(), ElementsAre("changed: 10.0.0.1:7, 10.0.0.2:7 (10.0.0.2:7 is new)"));
}

TEST_F(WatchTest, WhatDnsSaidLastStays) {
  dns_->records()["pond.example"] = {{"10.0.0.1"}, 1};
  take("{dns: [pond.example]}");
  dns_->records().clear();
  ASSERT_TRUE(loop().until([&] {
    look();
    return watch_->standings().front().failed;
  }));
  EXPECT_THAT(now_, ElementsAre("10.0.0.1:7"));
  EXPECT_THAT(news(), ElementsAre("failed: pond.example: no such host"));
  dns_->records()["pond.example"] = {{"10.0.0.1"}, 1};
  ASSERT_TRUE(loop().until([&] {
    look();
    return !watch_->standings().front().failed;
  }));
  EXPECT_THAT(news(), ElementsAre("found again: "));
}

TEST_F(WatchTest, ANameThatNeverGaveAnythingIsNobody) {
  dns_->set_mood(DnsServer::Mood::mute);
  take("{dns: [pond.example], addresses: [a]}");
  EXPECT_THAT(now_, ElementsAre("a:7"));
  EXPECT_THAT(news(), ElementsAre(HasSubstr("failed: pond.example: the name servers do not")));
}

TEST_F(WatchTest, AListThatTheSystemRefusesChangesNothing) {
  put("m.yml", "- targets: [a, b]\n");
  take("{files: ['m.yml']}");
  put("m.yml", "- targets: [a, b, c, d]\n");
  look();
  look();
  EXPECT_THAT(now_, ElementsAre("a:7", "b:7"));
  EXPECT_THAT(news(), ElementsAre(HasSubstr("targets[0].members: has more than 3 addresses")));
  EXPECT_TRUE(watch_->standings().front().failed);
  EXPECT_EQ(watch_->standings().front().found, 2U);
  put("m.yml", "- targets: [a, c]\n");
  look();
  EXPECT_THAT(now_, ElementsAre("a:7", "c:7"));
  EXPECT_FALSE(watch_->standings().front().failed);
}

TEST_F(WatchTest, AProbeThatCanNotBeMadeIsTriedAgain) {
  put("m.yml", "- targets: [a]\n");
  take("{files: ['m.yml']}");
  put("m.yml", "- targets: [b]\n");
  refuse_ = true;
  look();
  EXPECT_THAT(news(), ElementsAre("failed: ca_file: gone"));
  refuse_ = false;
  look();
  EXPECT_THAT(now_, ElementsAre("b:7"));
}

TEST_F(WatchTest, AReloadKeepsWhatTheSamePlacesGave) {
  put("m.yml", "- targets: [a]\n");
  take("{files: ['m.yml']}");
  const auto before = fingerprint_;
  put("m.yml", "- targets: [a, 'b c']\n");
  take("{files: ['m.yml']}");
  EXPECT_THAT(now_, ElementsAre("a:7"));
  EXPECT_EQ(fingerprint_, before);
  EXPECT_THAT(news(), ElementsAre(HasSubstr("m.yml:1:16: ")));
  put("m.yml", "- targets: [a, b]\n");
  take("{files: ['m.yml']}");
  EXPECT_NE(fingerprint_, before);
  EXPECT_THAT(news(), ElementsAre("changed: a:7, b:7 (b:7 is new)", "found again: "));
  take("[z]");
  EXPECT_THAT(watch_->standings(), IsEmpty());
}

TEST_F(WatchTest, AStandInWasReadBeforeAnybodyLooked) {
  const auto loaded = test::load("{files: ['m.yml'], addresses: [a]}");
  EXPECT_THAT(members_of(loaded.config.targets.front().plan), ElementsAre("a"));
}

TEST(CheckFiles, TellsWhatIsWrongAndWhatIsOnlyMissing) {
  const config::ScratchFolder folder;
  const auto file = folder.write("qw.yml", "");
  const auto checked = [&](const std::string& members) {
    return check_files(test::load(members, file).config);
  };
  auto missing = checked("{files: ['m.yml', '*.json']}");
  EXPECT_THAT(missing.problems, IsEmpty());
  EXPECT_EQ(missing.notes.size(), 2U);
  folder.write("m.yml", "- targets: [a, b, c, d]\n");
  EXPECT_THAT(checked("{files: ['m.yml']}").problems,
              ElementsAre(HasSubstr("qw.yml:2:40: targets[0].members: has more than 3 addresses")));
  folder.write("m.yml", "- targets: [a b]\n");
  EXPECT_THAT(checked("{files: ['m.yml']}").problems, ElementsAre(HasSubstr("m.yml:1:13: [0].targets[0]: ")));
}

}  // namespace
}  // namespace qw::members
