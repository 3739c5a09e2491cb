#include "daemon/default_config.hpp"

#include <gtest/gtest.h>

#include "daemon/plan.hpp"

namespace qw {
namespace {

TEST(DefaultConfig, IsAGoodConfiguration) {
  const auto loaded = config::load_text(default_config_text(), "", config_kinds());
  for (const auto& problem : loaded.problems) ADD_FAILURE() << problem.print();
}

TEST(DefaultConfig, WatchesThisHostAndNobodyElse) {
  const auto config = default_config();
  EXPECT_TRUE(config.file.empty());
  ASSERT_EQ(config.targets.size(), 2u);
  EXPECT_EQ(config.targets[0].common.system, "host");
  EXPECT_EQ(config.targets[1].common.system, "nodes");
  ASSERT_EQ(config.reflector.listen.size(), 1u);
  EXPECT_TRUE(config.reflector.listen[0].starts_with("127.0.0.1:"));
}

TEST(PortSystems, ArePortsThatMembersAreAskedAt) {
  const auto loaded = config::load_text(
      "targets:\n"
      "  - {system: etcd, name: a, members: ['10.0.0.1', '10.0.0.2:12379']}\n"
      "  - {system: redis, name: b, members: ['10.0.0.1:6380'], sentinels: ['10.0.0.1']}\n"
      "  - {system: postgres, name: c, members: ['10.0.0.1:12379'], username: u}\n",
      "", config_kinds());
  ASSERT_TRUE(loaded.problems.empty());
  const probes::PortSystems expected{{2379, "etcd"}, {12379, "etcd"}, {6380, "redis"}, {26379, "redis"}};
  EXPECT_EQ(port_systems(loaded.config), expected);
}

TEST(PortSystems, AHostHasNone) {
  EXPECT_TRUE(port_systems(default_config()).empty());
}

}  // namespace
}  // namespace qw
