#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "daemon/base/error.hpp"

/// Rule tests in promtool's format: series and expressions in, what fires and what they come to out.
namespace qw::rules {

/// How the files that a test names are found.
struct RuleTestFiles {
  /// The files that a pattern of `rule_files` stands for, relative to the test file.
  std::function<std::vector<std::string>(const std::string& pattern)> expand;
  std::function<Result<std::string>(const std::string& file)> read;
};

struct RuleTestOutcome {
  std::vector<config::Problem> problems;  ///< why the file could not be used
  std::vector<std::string> failures;      ///< expectations that were not met, each a few lines
  std::size_t groups = 0;                 ///< test groups that ran
  std::size_t expectations = 0;           ///< that were looked at
  bool passed() const { return problems.empty() && failures.empty(); }
};

struct RuleTestOptions {
  bool prometheus2 = false;  ///< ranges with both ends, as in Prometheus 2.x
};

RuleTestOutcome run_rule_tests(std::string_view text, const std::string& file, const RuleTestFiles& files,
                               const RuleTestOptions& options = {});

}  // namespace qw::rules
