#include "daemon/rule_files.hpp"

#include <glob.h>

#include <memory>
#include <set>

#include "config/document.hpp"
#include "config/files.hpp"

namespace qw {

std::vector<std::string> expand_pattern(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {pattern};
  glob_t found{};
  const int failed = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> out;
  if (failed == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return out;
}

LoadedRules load_rules(const std::vector<std::string>& patterns) {
  LoadedRules out;
  std::set<std::string> seen;
  for (const auto& pattern : patterns) {
    for (const auto& file : expand_pattern(pattern)) {
      // Two patterns may find the same file.
      if (!seen.insert(file).second) continue;
      out.files.push_back(file);
      const auto text = config::read_text_file(file, config::kMaxText);
      if (!text) {
        out.problems.push_back(
            {.file = file, .line = 0, .column = 0, .path = "", .text = text.error().message()});
        continue;
      }
      auto read = rules::read_rule_file(*text, file);
      out.problems.insert(out.problems.end(), read.problems.begin(), read.problems.end());
      for (auto& group : read.groups) out.groups.push_back(std::move(group));
    }
  }
  return out;
}

LoadedRules load_rules(const config::Config& config) {
  std::vector<std::string> patterns;
  for (const auto& file : config.rules.files) patterns.push_back(config::resolve_path(file, config.file));
  return load_rules(patterns);
}

}  // namespace qw
