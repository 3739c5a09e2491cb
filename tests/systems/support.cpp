#include "tests/systems/support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "config/config.hpp"
#include "tests/traces/trace.hpp"

namespace qw::probes {

std::optional<double> value(const Round& round, std::string_view family, std::string_view label,
                            std::string_view is) {
  std::optional<double> sum;
  for (const auto& sample : round.samples) {
    const auto& series = *sample.series;
    if (series.family->name != family || (!label.empty() && series.labels.get(label) != is)) continue;
    sum = sum.value_or(0) + sample.value;
  }
  return sum;
}

std::string shell(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> block{};
  while (const auto got = std::fread(block.data(), 1, block.size(), pipe)) text.append(block.data(), got);
  ::pclose(pipe);
  return text;
}

Result<std::unique_ptr<Target>> make_target(const ProbeKind& kind, const std::string& options,
                                            const ProbeContext& context,
                                            const std::filesystem::path& folder) {
  const config::Kind table{.system = kind.system, .summary = "", .read = [&kind](config::Fields& fields) {
                             return std::any(kind.read(fields));
                           }};
  auto loaded =
      config::load_text("targets: [{system: " + std::string(kind.system) + ", name: lab, " + options + "}]",
                        folder / "lab.yml", std::span(&table, 1));
  if (!loaded.problems.empty()) return fail(ErrorKind::config, loaded.problems.front().print());
  auto probe = std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan)(context);
  if (!probe) return std::unexpected(probe.error());
  return std::make_unique<Target>(TargetId{.system = std::string(kind.system), .name = "lab"},
                                  std::move(*probe), context.clock);
}

void record(const Round& round) {
  const char* folder = std::getenv("QW_RECORD_TRACES");
  if (folder == nullptr) return;
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test->test_suite_name()) + "_" + test->name();
  std::ranges::replace(name, '/', '_');
  std::ofstream out(std::filesystem::path(folder) / (name + ".trace"), std::ios::app);
  traces::write_round(out, round);
}

}  // namespace qw::probes
