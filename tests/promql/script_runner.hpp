#pragma once
#include <map>
#include <string>
#include <vector>

#include "tests/promql/memory_source.hpp"
#include "tests/promql/script.hpp"

namespace qw::promql {

/// What came of a script, or of many.
struct ScriptReport {
  std::size_t passed = 0;
  std::size_t reruns = 0;  ///< the same queries in other forms, all with the same answer
  std::vector<std::string> differences;
  std::map<std::string, std::size_t> left_out;  ///< evals by the reason why we can not do them

  std::size_t evals() const;
};

/// Runs scripts, one after the other, each from nothing.
class ScriptRunner {
 public:
  /// With `closed` as Prometheus 2.x.
  explicit ScriptRunner(bool closed);
  /// The error is the script's own.
  Result<void> run(const std::string& name, std::string_view text, ScriptReport& report);

 private:
  Result<void> load(const LoadCommand& command);
  Result<void> load_line(const LoadCommand& command, const std::string& line);
  void eval(const std::string& place, const EvalCommand& command, ScriptReport& report);
  std::string check(const EvalCommand& command, const Result<Answer>& answer) const;
  std::string check_values(const EvalCommand& command, const Answer& answer) const;
  std::string rerun(const EvalCommand& command, ScriptReport& report) const;

  Options options_;
  MemorySource source_;
};

}  // namespace qw::promql
