#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "daemon/plan.hpp"

namespace qw {
namespace {

struct Case {
  std::string system, key, address, more;
};

/// Every list of addresses that some system has.
const std::vector<Case> kCases{{"clocks", "members", "ntp://10.0.0.1", ""},
                               {"etcd", "members", "10.0.0.1:2379", ""},
                               {"kafka", "bootstrap", "10.0.0.1:9092", ""},
                               {"kafka", "controllers", "10.0.0.1:9093", "bootstrap: [b]"},
                               {"nodes", "members", "10.0.0.1", "zones: {10.0.0.7: a}"},
                               {"postgres", "members", "10.0.0.1:5432", "username: u"},
                               {"redis", "members", "10.0.0.1:6379", ""},
                               {"redis", "sentinels", "10.0.0.1:26379", "members: [r], sentinel_master: m"}};

TEST(FoundMembers, EverySystemTakesThemAndNobodyAtFirst) {
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  for (const auto& one : kCases) {
    const auto text = fmt::format("targets: [{{system: {}, name: t, {}: {{files: [m.yml]}}{}{}}}]",
                                  one.system, one.key, one.more.empty() ? "" : ", ", one.more);
    auto loaded = config::load_text(text, "qw.yml", config_kinds());
    ASSERT_THAT(loaded.problems, testing::IsEmpty()) << text << "\n" << loaded.problems.front().print();
    auto& target = loaded.config.targets.front();
    for (const auto& found : {config::Found(), config::Found{{one.key, {one.address}}}}) {
      auto plan = target.read_with(found);
      EXPECT_EQ(plan.problems, "") << text;
      target.plan = std::move(plan.plan);
      const auto made = make_target(target, {.net = net, .clock = clock});
      EXPECT_TRUE(made) << text << ": " << made.error().message();
    }
    const auto& canonical = target.sources.front().rule.canonical;
    ASSERT_TRUE(canonical) << text;
    EXPECT_EQ(canonical(one.address).value_or("none"), one.address);
    EXPECT_FALSE(canonical("no address")) << text;
  }
}

TEST(FoundMembers, OtherMembersAreAnotherFingerprintOfTheSameTarget) {
  auto loaded = config::load_text("targets: [{system: etcd, name: t, members: {files: [m.yml]}}]", "qw.yml",
                                  config_kinds());
  asio::io_context io(1);
  const SystemClock clock;
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  const auto before = make_entries(loaded.config, {.net = net, .clock = clock}).front();
  loaded.config.targets.front().members_fingerprint = 7;
  const auto after = make_entries(loaded.config, {.net = net, .clock = clock}).front();
  EXPECT_EQ(before.fingerprint, after.fingerprint);
  EXPECT_EQ(after.members_fingerprint, 7U);
  EXPECT_TRUE(after.make_probe());
}

}  // namespace
}  // namespace qw
