#include <fmt/format.h>

#include <optional>
#include <utility>

#include "daemon/base/utf8.hpp"
#include "daemon/promql/lexer.hpp"
#include "daemon/promql/literals.hpp"

// Strings, numbers and durations.
namespace qw::promql {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The value of a hexadecimal digit; 16 where it is none.
unsigned digit_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return 16;
}

struct NumericEscape {
  int digits;
  unsigned base;
  char32_t largest;
};

std::optional<NumericEscape> numeric_escape(char c) {
  switch (c) {
    case 'x':
      return NumericEscape{2, 16, 255};
    case 'u':
      return NumericEscape{4, 16, 0x10FFFF};
    case 'U':
      return NumericEscape{8, 16, 0x10FFFF};
    default:
      return c >= '0' && c <= '7' ? std::optional(NumericEscape{3, 8, 255}) : std::nullopt;
  }
}

std::optional<char> simple_escape(char c, char quote) {
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\";
  if (c == quote) return c;
  const auto found = kLetters.find(c);
  return found == std::string_view::npos ? std::nullopt : std::optional(kMeanings[found]);
}

}  // namespace

Token Lexer::string(char quote) {
  Token read = token(TokenKind::string);
  ++pos_;
  const bool raw = quote == '`';
  while (pos_ < text_.size()) {
    const char c = text_[pos_];
    if (c == quote) {
      ++pos_;
      read.span.end = static_cast<std::uint32_t>(pos_);
      read.text = text_.substr(start_, pos_ - start_);
      return read;
    }
    if (!raw && c == '\n') break;
    if (!raw && c == '\\') {
      ++pos_;
      if (!escape(quote, read)) return fail(std::move(read.value));
      continue;
    }
    const auto character = next_code_point(text_.substr(pos_));
    // The replacement character itself stands for broken text too.
    if (character.value == 0xFFFD) return fail("invalid UTF-8 rune");
    read.value += text_.substr(pos_, character.size);
    pos_ += character.size;
  }
  return fail(raw ? "unterminated raw string" : "unterminated quoted string");
}

/// Behind the backslash; false with the reason in token.value.
bool Lexer::escape(char quote, Token& token) {
  const auto wrong = [&token](std::string message) {
    token.value = std::move(message);
    return false;
  };
  if (pos_ == text_.size()) return wrong("escape sequence not terminated");
  if (const auto simple = simple_escape(text_[pos_], quote)) {
    token.value += *simple;
    ++pos_;
    return true;
  }
  const auto numeric = numeric_escape(text_[pos_]);
  if (!numeric) return wrong("unknown escape sequence " + name_character(text_.substr(pos_)));
  if (numeric->base == 16) ++pos_;
  char32_t value = 0;
  for (int i = 0; i < numeric->digits; ++i, ++pos_) {
    if (pos_ == text_.size()) return wrong("escape sequence not terminated");
    const unsigned digit = digit_value(text_[pos_]);
    if (digit >= numeric->base)
      return wrong(
          fmt::format("illegal character {} in escape sequence", name_character(text_.substr(pos_))));
    value = value * numeric->base + digit;
  }
  if (value > numeric->largest || (value >= 0xD800 && value < 0xE000))
    return wrong("escape sequence is an invalid Unicode code point");
  if (numeric->largest == 255) {
    token.value += static_cast<char>(value);  // a byte, whatever the text becomes by it
  } else {
    append_utf8(token.value, value);
  }
  return true;
}

Token Lexer::number_or_duration() {
  if (scan_number()) return token(TokenKind::number);
  if (scan_rest_of_duration()) return token(TokenKind::duration);
  return fail(fmt::format("bad number or duration syntax: {}", quote(text_.substr(start_, pos_ - start_))));
}

/// Takes what looks like a number; whether it is one, parse_number decides. False leaves it where it stopped.
bool Lexer::scan_number() {
  std::string_view digits = kDigits;
  if (accept("0") && accept("xX")) {
    accept("_");
    digits = kHexDigits;
  }
  const bool hex = digits.size() > kDigits.size();
  bool dot = accept(".");
  bool exponent = false;
  while (pos_ < text_.size()) {
    if (digits.contains(peek())) {
      ++pos_;
    } else if (accept(".")) {
      if (std::exchange(dot, true) || hex || accept("_.")) return false;
    } else if (accept("eE")) {
      if (std::exchange(exponent, true)) return false;
      accept("+-");
      if (accept("._eE") || pos_ == text_.size()) return false;
    } else if (accept("_")) {
      if (accept("._eE") || pos_ == text_.size()) return false;
    } else {
      break;
    }
  }
  return !is_word_character(peek());
}

bool Lexer::scan_rest_of_duration() {
  if (!accept("smhdwy")) return false;
  accept("s");  // of "ms"; "hs" is found to be none when it is read
  while (accept(kDigits)) {
    while (accept(kDigits)) continue;
    if (!accept("smhdw")) return false;
    accept("s");
  }
  if (!is_word_character(peek())) return true;
  ++pos_;
  return false;
}

}  // namespace qw::promql
