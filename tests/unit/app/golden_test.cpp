#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/config.hpp"
#include "daemon/plan.hpp"
#include "daemon/reference.hpp"

namespace qw {
namespace {

/// The committed text must be what the program prints. QW_UPDATE_GOLDEN=1 writes it anew.
void hold_against(const std::string& file, const std::string& printed) {
  const auto path = std::string(QW_SOURCE_DIR) + "/" + file;
  if (std::getenv("QW_UPDATE_GOLDEN")) {
    std::ofstream(path) << printed;
    return;
  }
  std::ostringstream committed;
  committed << std::ifstream(path).rdbuf();
  EXPECT_EQ(committed.str(), printed)
      << file << " is not what the program prints: run the test with QW_UPDATE_GOLDEN=1";
}

TEST(Golden, TheConfigurationReference) {
  hold_against("config/REFERENCE.md", config::print_reference(config_kinds()));
}
TEST(Golden, TheMetricReference) {
  hold_against("daemon/METRICS.md", print_metrics());
}
TEST(Golden, TheKindsOfTarget) {
  hold_against("probes/PROBES.md", print_probes());
}

}  // namespace
}  // namespace qw
