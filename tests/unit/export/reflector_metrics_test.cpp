#include "daemon/export/reflector_metrics.hpp"

#include <gtest/gtest.h>

#include "daemon/export/page.hpp"
#include "tests/unit/export/exposition.hpp"

namespace qw::exporting {
namespace {

TEST(ReflectorMetrics, CountOnWhenTheReflectorIsOpenedAnew) {
  prometheus::Registry registry;
  ReflectorMetrics metrics(registry);
  const auto read = [&] {
    return read_exposition(write_page({}, registry.Collect(), PageFormat::text), false);
  };
  EXPECT_TRUE(read().samples.empty()) << "there is no reflector yet";
  metrics.set({.reflected = 10, .refused = {{"malformed", 2}}, .sessions = 3});
  metrics.set({.reflected = 12, .refused = {{"malformed", 2}}, .sessions = 4});
  auto page = read();
  EXPECT_EQ(page.value("quorumwatch_reflector_reflected_total", {}), 12);
  EXPECT_EQ(page.value("quorumwatch_reflector_refused_total", {{"reason", "malformed"}}), 2);
  EXPECT_EQ(page.value("quorumwatch_reflector_sessions", {}), 4);
  metrics.set({.reflected = 1, .refused = {{"malformed", 0}}, .sessions = 1});
  EXPECT_EQ(read().value("quorumwatch_reflector_reflected_total", {}), 13);
}

}  // namespace
}  // namespace qw::exporting
