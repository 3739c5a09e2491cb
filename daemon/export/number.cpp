#include "daemon/export/number.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace qw::exporting {
namespace {

char* write_text(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

char* write_number(char* out, double value) {
  // Below 1e15 every whole double prints exactly as an integer, which is quicker to write and nicer to read
  // than 1e+05.
  if (std::fabs(value) < 1e15) {
    const auto whole = static_cast<std::int64_t>(value);
    const bool is_whole = static_cast<double>(whole) == value;
    if (is_whole && (whole != 0 || !std::signbit(value)))
      return std::to_chars(out, out + kMaxNumber, whole).ptr;
  } else if (std::isnan(value)) {
    return write_text(out, "NaN");
  } else if (std::isinf(value)) {
    return write_text(out, value > 0 ? "+Inf" : "-Inf");
  }
  return std::to_chars(out, out + kMaxNumber, value).ptr;
}

}  // namespace qw::exporting
