#include "daemon/export/number.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>

namespace qw::exporting {
namespace {

std::string print(double value) {
  char text[kMaxNumber];
  return {text, write_number(text, value)};
}

TEST(WriteNumber, WritesTheShortestText) {
  struct Case {
    double value;
    const char* text;
  };
  const Case cases[] = {{0, "0"},
                        {-0.0, "-0"},
                        {1, "1"},
                        {-17, "-17"},
                        {100000, "100000"},
                        {1732181618, "1732181618"},
                        {999999999999999, "999999999999999"},
                        {1e15, "1e+15"},
                        {0.1, "0.1"},
                        {0.1 + 0.2, "0.30000000000000004"},
                        {0.000728608, "0.000728608"},
                        {1.5e300, "1.5e+300"},
                        {std::nan(""), "NaN"},
                        {-std::nan(""), "NaN"},
                        {std::numeric_limits<double>::infinity(), "+Inf"},
                        {-std::numeric_limits<double>::infinity(), "-Inf"}};
  for (const auto& c : cases) EXPECT_EQ(print(c.value), c.text);
}

TEST(WriteNumber, AnyDoubleReadsBackAsItselfAndFits) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 200'000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (std::isnan(value)) continue;
    const auto text = print(value);
    ASSERT_LE(text.size(), kMaxNumber);
    ASSERT_EQ(std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)),
              std::bit_cast<std::uint64_t>(value))
        << text;
  }
}

}  // namespace
}  // namespace qw::exporting
