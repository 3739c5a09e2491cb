#include "daemon/export/own_samples.hpp"

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <array>

#include "daemon/export/number.hpp"
#include "daemon/export/own_families.hpp"

namespace qw::exporting {
namespace {

TEST(OwnSamples, AreTheLinesOfThePage) {
  prometheus::Registry registry;
  prometheus::BuildCounter()
      .Name("c_total")
      .Help("h")
      .Register(registry)
      .Add({{"a", "x \"y\""}})
      .Increment(3);
  auto& histogram = prometheus::BuildHistogram()
                        .Name("h_seconds")
                        .Help("h")
                        .Register(registry)
                        .Add({}, std::vector<double>{0.1, 1});
  histogram.Observe(0.5);
  const auto families = registry.Collect();
  OwnSamples own;
  std::vector<std::string> lines;
  for (const auto& sample : own.read(families)) {
    std::array<char, kMaxNumber> number{};
    lines.push_back(line_prefix(*sample.series) +
                    std::string(number.data(), write_number(number.data(), sample.value)));
  }
  std::string page;
  for (const auto& family : families) page += write_own(family, PageFormat::text);
  std::string joined;
  for (const auto& line : lines) joined += line + "\n";
  EXPECT_EQ(joined, page);
  EXPECT_EQ(lines.size(), 6U);
  EXPECT_EQ(own.read(families).size(), 6U) << "and again";
}

}  // namespace
}  // namespace qw::exporting
