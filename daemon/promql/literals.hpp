#pragma once
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

/// Numbers and strings as Go writes and reads them: what Prometheus prints is compared byte by byte.
namespace qw::promql {

/// A number as PromQL has it: "1", "1e3", "0x1f", "017" (octal), "1_000", "Inf", "nan". Errors: config, in
/// Prometheus' words.
Result<double> parse_number(std::string_view text);

/// Never with an exponent ("1000000", "+Inf"), and reads back as the same value: Go's 'f' with precision -1.
std::string print_decimal(double value);

/// In double quotes, with escapes: Go's %q.
std::string quote(std::string_view text);
/// One character in single quotes, as in "unexpected character: '$'".
std::string quote_character(std::string_view text);
/// "U+0024 '$'".
std::string name_character(std::string_view text);
/// Appends the character as UTF-8.
void append_utf8(std::string& out, char32_t value);

}  // namespace qw::promql
