#include "daemon/rules/template_functions.hpp"

#include <fmt/format.h>

#include <map>

#include "daemon/rules/template_builtins.hpp"

namespace qw::rules {
namespace {

/// How many arguments a function takes; `most` -1: any number.
struct Known {
  TemplateFunction call;
  int least;
  int most;
};

const std::map<std::string_view, Known>& table() {
  static const std::map<std::string_view, Known> kTable = [] {
    std::map<std::string_view, Known> all;
    for (const auto& one : go_functions()) all[one.name] = {one.call, one.least, one.most};
    for (const auto& one : prometheus_functions()) all[one.name] = {one.call, one.least, one.most};
    for (const auto& one : humanize_functions()) all[one.name] = {one.call, one.least, one.most};
    return all;
  }();
  return kTable;
}

}  // namespace

bool is_template_function(std::string_view name) {
  return name == "and" || name == "or" || table().contains(name);
}

std::expected<TemplateValue, TemplateCallError> call_template_function(
    std::string_view name, std::span<const TemplateValue> arguments, const TemplateCall& call) {
  const auto count = static_cast<int>(arguments.size());
  // `and` and `or` get here only as an argument, where they have none themselves.
  const auto found = table().find(name);
  if (found == table().end()) {
    return std::unexpected(TemplateCallError{
        fmt::format("wrong number of args for {}: want at least 1 got {}", name, count), true});
  }
  const auto& known = found->second;
  if (count < known.least || (known.most >= 0 && count > known.most)) {
    return std::unexpected(
        TemplateCallError{fmt::format("wrong number of args for {}: want {}{} got {}", name,
                                      known.most < 0 ? "at least " : "", known.least, count),
                          true});
  }
  return known.call(arguments, call);
}

}  // namespace qw::rules
