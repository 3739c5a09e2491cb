// promql_scripts [--closed] [--at-least=N] FILES: runs test scripts of Prometheus against our evaluator,
// prints every difference, what is left out and why, and last "N of M". With --closed as Prometheus 2.x. Exit
// code 1 on a difference or when fewer than --at-least=N evals pass, 2 when a script can not be read, 77 when
// there is no file at all (a test without its data).
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/promql/script_runner.hpp"

namespace {

int run(bool closed, std::size_t at_least, const std::vector<std::string>& files) {
  qw::promql::ScriptReport report;
  qw::promql::ScriptRunner runner(closed);
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      fmt::print(stderr, "promql_scripts: {}: can not be read\n", file);
      return 2;
    }
    const std::string text(std::istreambuf_iterator<char>(in), {});
    const auto done = runner.run(std::filesystem::path(file).filename().string(), text, report);
    if (!done) {
      fmt::print(stderr, "promql_scripts: {}\n", done.error().message());
      return 2;
    }
  }
  for (const auto& difference : report.differences) fmt::print("{}\n", difference);
  std::size_t left_out = 0;
  for (const auto& [reason, count] : report.left_out) {
    fmt::print("left out: {}: {}\n", reason, count);
    left_out += count;
  }
  fmt::print("{} evals in the scripts, {} left out; {} more runs of the same queries in other forms\n",
             report.evals(), left_out, report.reruns);
  fmt::print("{} of {}\n", report.passed, report.passed + report.differences.size());
  if (report.passed < at_least) fmt::print("fewer than {} passed\n", at_least);
  return report.differences.empty() && report.passed >= at_least ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool closed = false;
  std::size_t at_least = 1;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--closed") {
      closed = true;
    } else if (argument.starts_with("--at-least=")) {
      at_least = std::strtoul(argument.c_str() + argument.find('=') + 1, nullptr, 10);
    } else if (std::filesystem::is_directory(argument)) {
      for (const auto& entry : std::filesystem::directory_iterator(argument)) {
        if (entry.path().extension() == ".test") files.push_back(entry.path().string());
      }
    } else if (argument.starts_with("-")) {
      fmt::print(stderr, "usage: promql_scripts [--closed] [--at-least=N] FILES\n");
      return 2;
    } else if (std::filesystem::exists(argument) || argument.ends_with(".test")) {
      files.push_back(argument);
    }
  }
  if (files.empty()) {
    fmt::print("promql_scripts: no scripts\n");
    return 77;
  }
  return run(closed, at_least, files);
}
