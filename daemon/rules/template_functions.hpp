#pragma once
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "daemon/rules/template.hpp"

namespace qw::rules {

/// Whether templates may call `name`. `and` and `or` are among them, though the expansion evaluates those
/// itself, as they look at no more arguments than they need.
bool is_template_function(std::string_view name);

/// Calls a function of Go's or Prometheus' templates with its arguments already evaluated; `template_text`
/// expands a defined template for `tmpl`. The error is the text that Go has after "error calling NAME: ", or,
/// where `whole` is set, the whole of it.
struct TemplateCallError {
  std::string message;
  bool whole = false;
};
struct TemplateCall {
  const TemplateContext& context;
  const std::string& external_url;
  std::function<std::expected<std::string, std::string>(const std::string& name, const TemplateValue& data)>
      expand_defined;
};
std::expected<TemplateValue, TemplateCallError> call_template_function(
    std::string_view name, std::span<const TemplateValue> arguments, const TemplateCall& call);

}  // namespace qw::rules
