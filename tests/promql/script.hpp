#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/promql/evaluator.hpp"

/// Test scripts in the language of Prometheus' own PromQL tests, of 2.x and of 3.x.
namespace qw::promql {

struct LoadCommand {
  Millis step = 0;
  bool with_histograms = false;  ///< load_with_nhcb: classic histograms become native ones as well
  std::vector<std::string> lines;
};

struct ClearCommand {};

/// One line about what else the query should come to: `expect warn msg: ...`, `expected_fail_message ...`.
struct Expectation {
  std::string type;  ///< fail, warn, info, no_warn, no_info, ordered, string, "range vector"
  bool regex = false;
  std::string text;  ///< of `msg:` or `regex:`, or of the string
};

struct EvalCommand {
  std::string kind;  ///< of the old language: "", fail, warn, info, ordered
  bool range = false;
  Times times;
  std::string expr;
  std::vector<Expectation> expectations;
  std::vector<std::string> lines;  ///< the expected values
};

struct Command {
  std::size_t line = 0;
  std::variant<LoadCommand, ClearCommand, EvalCommand> what;
};

/// A problem with the script itself is an error that names its line.
Result<std::vector<Command>> read_script(std::string_view text);

/// Where the values begin in "name{labels} values".
std::size_t end_of_metric(std::string_view line);

}  // namespace qw::promql
