#include "daemon/base/utf8.hpp"

namespace qw {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kLargest = 0x10FFFF;

struct Lead {
  std::size_t size;   // bytes of the whole character; 0: no character starts so
  char32_t bits;      // the lead byte's share of the value
  char32_t smallest;  // smaller values are overlong
};

Lead read_lead(unsigned char byte) {
  if (byte < 0x80) return {1, byte, 0};
  if ((byte & 0xE0U) == 0xC0U) return {2, byte & 0x1FU, 0x80};
  if ((byte & 0xF0U) == 0xE0U) return {3, byte & 0x0FU, 0x800};
  if ((byte & 0xF8U) == 0xF0U) return {4, byte & 0x07U, 0x10000};
  return {0, 0, 0};
}

}  // namespace

CodePoint next_code_point(std::string_view text) {
  const Lead lead = read_lead(static_cast<unsigned char>(text[0]));
  if (lead.size == 0 || lead.size > text.size()) return {kReplacement, 1, false};
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.size; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) != 0x80U) return {kReplacement, 1, false};
    value = (value << 6U) | (byte & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lead.smallest || value > kLargest || surrogate) return {kReplacement, 1, false};
  return {value, lead.size, true};
}

bool is_control(char32_t value) {
  const bool c0_or_c1 = value < 0x20 || (value >= 0x7F && value <= 0x9F);
  const bool line_separator = value == 0x2028 || value == 0x2029;
  const bool reorders = (value >= 0x202A && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069);
  return c0_or_c1 || line_separator || reorders;
}

}  // namespace qw
