#pragma once
#include <span>

#include "daemon/rules/template_functions.hpp"

/// The tables of the functions; template_functions.cpp looks into all of them.
namespace qw::rules {

using TemplateResult = std::expected<TemplateValue, TemplateCallError>;
using TemplateFunction = TemplateResult (*)(std::span<const TemplateValue> arguments,
                                            const TemplateCall& call);

struct TemplateFunctionEntry {
  std::string_view name;
  TemplateFunction call;
  int least;
  int most;  ///< -1: any number
};

std::span<const TemplateFunctionEntry> go_functions();          ///< those of text/template itself
std::span<const TemplateFunctionEntry> prometheus_functions();  ///< query, first, match, title, ...
std::span<const TemplateFunctionEntry> humanize_functions();    ///< numbers for people

/// The argument as the function's signature wants it, or Go's complaint.
std::expected<std::string, TemplateCallError> want_string(const TemplateValue& value);
std::expected<double, TemplateCallError> want_number(const TemplateValue& value);
std::unexpected<TemplateCallError> call_failure(std::string message);
/// url.QueryEscape: what is safe in a query stays, blanks become '+'.
std::string query_escape(std::string_view text);

}  // namespace qw::rules
