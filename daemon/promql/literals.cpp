#include "daemon/promql/literals.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>

#include "daemon/base/utf8.hpp"

namespace qw::promql {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool same_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

/// Takes the underscores out; nothing where one does not stand between two digits (or behind the prefix).
std::optional<std::string> without_underscores(std::string_view digits, bool prefixed) {
  std::string out;
  bool before = prefixed;  // something that an underscore may follow
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (digits[i] != '_') {
      out += digits[i];
      before = true;
      continue;
    }
    if (!before || i + 1 == digits.size()) return std::nullopt;
    before = false;
  }
  return out;
}

/// A whole number: "0x" is hexadecimal and a leading 0 octal. Nothing for all else, and where it is too
/// large.
std::optional<double> parse_whole(std::string_view text) {
  int base = 10;
  bool prefixed = false;
  if (text.size() > 1 && text[0] == '0') {
    const bool hex = (text[1] | 0x20) == 'x';
    base = hex ? 16 : 8;
    text.remove_prefix(hex ? 2 : 1);
    prefixed = true;
  }
  const auto digits = without_underscores(text, prefixed);
  if (!digits || digits->empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits->data(), digits->data() + digits->size(), value, base);
  if (error != std::errc() || end != digits->data() + digits->size()) return std::nullopt;
  return static_cast<double>(value);
}

std::unexpected<Error> not_a_number(std::string_view text, std::string_view why) {
  return fail(ErrorKind::config,
              fmt::format("error parsing number: strconv.ParseFloat: parsing {}: {}", quote(text), why));
}

/// What Go's %q leaves as it is (unicode.IsPrint), but for characters that no version of Unicode has.
bool is_printable(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr std::array<Range, 14> kHidden{{{0x00, 0x1F},
                                                  {0x7F, 0xA0},
                                                  {0xAD, 0xAD},
                                                  {0x061C, 0x061C},
                                                  {0x1680, 0x1680},
                                                  {0x180E, 0x180E},
                                                  {0x2000, 0x200F},
                                                  {0x2028, 0x202F},
                                                  {0x205F, 0x206F},
                                                  {0x3000, 0x3000},
                                                  {0xD800, 0xF8FF},
                                                  {0xFEFF, 0xFEFF},
                                                  {0xFFF0, 0xFFFB},
                                                  {0xE0000, 0x10FFFF}}};
  for (const auto& range : kHidden) {
    if (c >= range.first && c <= range.last) return false;
  }
  return true;
}

void append_escaped(std::string& out, const CodePoint& character, char quote) {
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v";
  constexpr std::string_view kLetters = "abfnrtv";
  const char32_t c = character.value;
  if (c == static_cast<char32_t>(quote) || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (is_printable(c)) {
    append_utf8(out, c);
  } else if (const auto found = c < 0x80 ? kMeanings.find(static_cast<char>(c)) : std::string_view::npos;
             found != std::string_view::npos) {
    out += '\\';
    out += kLetters[found];
  } else if (c < 0x80) {
    out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
  }
}

}  // namespace

Result<double> parse_number(std::string_view text) {
  if (same_word(text, "inf")) return std::numeric_limits<double>::infinity();
  if (same_word(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  if (const auto whole = parse_whole(text)) return *whole;
  const bool hex = text.size() > 1 && (text[1] | 0x20) == 'x';
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (hex || end != text.data() + text.size() || error == std::errc::invalid_argument || text.empty() ||
      !(is_digit(text[0]) || text[0] == '.'))
    return not_a_number(text, "invalid syntax");
  if (error == std::errc()) return value;
  // Too large is an error, too small is 0: from_chars does not tell which.
  value = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isinf(value)) return not_a_number(text, "value out of range");
  return value;
}

std::string print_decimal(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 1100> buffer{};  // the smallest double has 1,074 digits behind the point at most
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return {buffer.data(), written.ptr};
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto character = next_code_point(text);
    if (character.valid) {
      append_escaped(out, character, '"');
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(static_cast<unsigned char>(text[0])));
    }
    text.remove_prefix(character.size);
  }
  return out + '"';
}

std::string quote_character(std::string_view text) {
  std::string out = "'";
  append_escaped(out, next_code_point(text), '\'');
  return out + '\'';
}

std::string name_character(std::string_view text) {
  const auto character = next_code_point(text);
  auto out = fmt::format("U+{:04X}", static_cast<std::uint32_t>(character.value));
  if (!is_printable(character.value)) return out;
  out += " '";
  append_utf8(out, character.value);
  return out + '\'';
}

void append_utf8(std::string& out, char32_t value) {
  const auto c = static_cast<std::uint32_t>(value);
  const auto tail = [c](unsigned shift) { return static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += {static_cast<char>(0xC0U | (c >> 6U)), tail(0)};
  } else if (c < 0x10000) {
    out += {static_cast<char>(0xE0U | (c >> 12U)), tail(6), tail(0)};
  } else {
    out += {static_cast<char>(0xF0U | (c >> 18U)), tail(12), tail(6), tail(0)};
  }
}

}  // namespace qw::promql
