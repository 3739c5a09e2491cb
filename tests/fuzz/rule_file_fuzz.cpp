// Rule files and rule tests: a file is refused with problems at places within it, or every rule of it can be
// checked.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/base/text.hpp"
#include "daemon/rules/rule_check.hpp"
#include "daemon/rules/rule_test_file.hpp"

namespace {

void hold_to(const std::vector<qw::config::Problem>& problems, std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const auto& problem : problems) {
    if (problem.line > lines + 1 || !qw::is_valid_utf8(problem.print())) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qw::rules;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = read_rule_file(text, "fuzz.yml");
  hold_to(file.problems, text);
  if (file.problems.empty()) {
    for (const auto& group : file.groups) {
      for (const auto& rule : group.rules) {
        if (!rule->expr || rule->name.empty()) std::abort();
      }
    }
    static_cast<void>(find_duplicate_rules(file.groups));
    static_cast<void>(check_rules(file.groups, {}, 1000));
  }
  hold_to(read_rule_test_file(text, "fuzz.yml").problems, text);
  return 0;
}
