// Any bytes as a PromQL expression: refused with a place within the text, or printed as something that reads
// back and prints the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expr = qw::promql::parse(text);
  if (!expr) {
    if (expr.error().message.empty() || expr.error().span.begin > size) std::abort();
    if (expr.error().print(text).empty()) std::abort();
  } else {
    const auto printed = qw::promql::print(**expr);
    const auto again = qw::promql::parse(printed);
    if (!again || qw::promql::print(**again) != printed || (*again)->height != (*expr)->height) std::abort();
  }
  if (const auto matchers = qw::promql::parse_matchers(text); matchers && size == 0) std::abort();
  return 0;
}
