#pragma once
#include <span>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"
#include "daemon/rules/template_value.hpp"

/// Values as Go prints them: an annotation has to be the same text whoever evaluates its rule.
namespace qw::rules {

/// strconv.FormatFloat(value, verb, precision, 64) for the verbs e, f and g; precision -1 is the shortest
/// text that reads back the same.
std::string go_float(double value, char verb, int precision);
/// fmt.Sprint of one value (%v).
std::string go_print(const TemplateValue& value);
/// fmt.Sprint: a space between two operands of which neither is a string.
std::string go_print(std::span<const TemplateValue> values);
/// fmt.Sprintln.
std::string go_println(std::span<const TemplateValue> values);
/// fmt.Sprintf, its complaints about wrong verbs included ("%!d(string=x)"). Widths and precisions are
/// capped.
std::string go_printf(std::string_view format, std::span<const TemplateValue> values);
/// strconv.Quote.
std::string go_quote(std::string_view text, bool ascii_only = false);
/// time.Time.String in UTC: "2022-01-25 12:36:43.5 +0000 UTC".
std::string go_time(const TemplateTime& time);
/// time.Duration.String: "1h0m5s".
std::string go_duration(const TemplateDuration& duration);

}  // namespace qw::rules
