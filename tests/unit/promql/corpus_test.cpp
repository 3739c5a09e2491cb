#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "daemon/base/text.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"
#include "same_tree.hpp"

namespace qw::promql {
namespace {

/// Every expression of 600 public rule files: read, printed, and read again as the same.
TEST(PromqlCorpus, RealRulesReadAndPrintBack) {
  std::ifstream file(QW_SOURCE_DIR "/../shared/alerting/alert_exprs.txt");
  if (!file) GTEST_SKIP() << "no ../shared/alerting/alert_exprs.txt";
  int read = 0;
  std::vector<std::string> refused;
  for (std::string line; std::getline(file, line);) {
    const auto columns = split(line, '\t');
    if (line.starts_with('#') || columns.size() < 6) continue;
    const auto text = columns[5];
    const auto expr = parse(text);
    if (!expr) {
      refused.push_back(std::string(columns[2]) + ": " + expr.error().print(text));
      continue;
    }
    ++read;
    const auto printed = print(**expr);
    const auto again = parse(printed);
    ASSERT_TRUE(again) << printed << "\n" << again.error().print(printed);
    EXPECT_TRUE(same_tree(**expr, **again)) << text << "\n" << printed;
    EXPECT_EQ(print(**again), printed);
  }
  EXPECT_EQ(read, 2864);
  // MetricsQL's lag(), and a range where Prometheus refuses it too.
  ASSERT_EQ(refused.size(), 2U);
  EXPECT_TRUE(refused[0].ends_with("1:1: parse error: unknown function with name \"lag\"")) << refused[0];
  EXPECT_TRUE(
      refused[1].ends_with("expected type instant vector in aggregation expression, got range vector"))
      << refused[1];
}

}  // namespace
}  // namespace qw::promql
