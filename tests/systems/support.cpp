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

WatchedTarget::WatchedTarget(const ProbeKind& kind, const std::string& options, Pace pace,
                             const std::filesystem::path& folder)
    : pace_(pace),
      tasks_(io_.get_executor(), [](std::string_view, const std::string& what) { ADD_FAILURE() << what; }) {
  auto made = make_target(kind, options, ProbeContext{.net = net_, .clock = clock_}, folder);
  if (!made) throw std::runtime_error(made.error().message());
  target_ = std::move(*made);
}

Round WatchedTarget::round() {
  std::optional<Round> result;
  tasks_.spawn("round", measure(result));
  while (tasks_.size() > 0) {
    io_.restart();
    io_.run_one();
  }
  record(*result);
  on_call_.hear(std::make_shared<const Round>(*result));
  return std::move(*result);
}

Round WatchedTarget::until(const std::function<bool(const Round&)>& wanted, Nanoseconds limit) {
  const SteadyTime end = clock_.steady() + limit;
  while (true) {
    Round now = round();
    if (wanted(now)) return now;
    if (clock_.steady() > end) {
      ADD_FAILURE() << "not seen within " << seconds(limit) << " s: " << reasons_in(now);
      return now;
    }
  }
}

Task<void> WatchedTarget::measure(std::optional<Round>& into) {
  const bool waited = co_await async::sleep_until(due_);
  EXPECT_TRUE(waited);
  due_ = clock_.steady() + pace_.interval;
  auto measured = co_await target_->measure(clock_.steady() + pace_.timeout);
  into.emplace(std::move(measured));
}

std::string reasons_in(const Round& round) {
  std::string text = round.reason;
  for (const auto& none : round.facts.unanswered) text += "; " + none.member + ": " + none.error.message();
  return text;
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
