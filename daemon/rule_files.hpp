#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/rules/rule_file.hpp"

namespace qw {

/// The files that a pattern stands for, in order of name; a name without `*`, `?` and `[` stands for itself.
std::vector<std::string> expand_pattern(const std::string& pattern);

/// Reads all rule files; blocks. A file named by itself must be there, a pattern may match nothing.
struct LoadedRules {
  std::vector<rules::RuleGroup> groups;
  std::vector<std::string> files;
  std::vector<config::Problem> problems;
};
LoadedRules load_rules(const std::vector<std::string>& patterns);
/// Those that a configuration names; relative ones are relative to its file.
LoadedRules load_rules(const config::Config& config);

}  // namespace qw
