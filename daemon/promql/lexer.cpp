#include "daemon/promql/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "daemon/base/utf8.hpp"
#include "daemon/promql/literals.hpp"

namespace qw::promql {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// What may begin an experimental duration expression; the parser refuses them by name.
constexpr std::array<std::string_view, 4> kDurationWords{"step", "range", "min_of", "max_of"};

/// The tokens that are one character and mean the same everywhere outside of braces.
std::optional<TokenKind> single(char c) {
  switch (c) {
    case ',':
      return TokenKind::comma;
    case '+':
      return TokenKind::add;
    case '-':
      return TokenKind::sub;
    case '*':
      return TokenKind::mul;
    case '/':
      return TokenKind::div;
    case '%':
      return TokenKind::mod;
    case '^':
      return TokenKind::pow;
    case '@':
      return TokenKind::at;
    default:
      return std::nullopt;
  }
}
}  // namespace

bool is_word_character(char c) {
  return is_alpha(c) || is_digit(c);
}

Token Lexer::next() {
  if (failed_) {
    Token again = token(TokenKind::error);
    again.value = failure_;
    return again;
  }
  skip_blanks();
  start_ = pos_;
  if (braces_) return in_braces();
  if (brackets_) return in_brackets();
  return in_expression();
}

void Lexer::skip_blanks() {
  while (pos_ < text_.size()) {
    if (is_blank(text_[pos_])) {
      ++pos_;
    } else if (text_[pos_] == '#' && !bracket_new_) {
      while (pos_ < text_.size() && text_[pos_] != '\n' && text_[pos_] != '\r') ++pos_;
    } else {
      return;
    }
  }
}

Token Lexer::in_expression() {
  if (pos_ == text_.size()) return parens_ > 0 ? fail("unclosed left parenthesis") : token(TokenKind::end);
  const char c = text_[pos_];
  if (const auto kind = single(c)) return one(*kind);
  switch (c) {
    case '(':
      ++parens_;
      return one(TokenKind::left_paren);
    case ')':
      if (parens_ == 0) return fail_at_character("unexpected right parenthesis ");
      --parens_;
      return one(TokenKind::right_paren);
    case '{':
      braces_ = true;
      return one(TokenKind::left_brace);
    case '[':
      brackets_ = bracket_new_ = true;
      colon_ = false;
      return one(TokenKind::left_bracket);
    case ']':
      return fail_at_character("unexpected right bracket ");
    case '"':
    case '\'':
    case '`':
      return string(c);
    case '=':
    case '!':
    case '<':
    case '>':
      return comparison(c);
    default:
      break;
  }
  if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number_or_duration();
  if (is_alpha(c) || c == ':') return word(true);
  return fail_at_character("unexpected character: ");
}

Token Lexer::comparison(char first) {
  ++pos_;
  const bool equal = accept("=");
  if (first == '<') return token(equal ? TokenKind::le : TokenKind::lt);
  if (first == '>') return token(equal ? TokenKind::ge : TokenKind::gt);
  if (equal) return token(first == '=' ? TokenKind::eq : TokenKind::ne);
  if (first == '=' && peek() != '~') return token(TokenKind::equal);
  if (pos_ == text_.size()) return fail("unexpected character after '!': end of input");
  return fail_at_character(first == '=' ? "unexpected character after '=': "
                                        : "unexpected character after '!': ");
}

Token Lexer::in_braces() {
  if (pos_ == text_.size()) return fail("unexpected end of input inside braces");
  const char c = text_[pos_];
  if (is_alpha(c)) return word(false);
  switch (c) {
    case ',':
      return one(TokenKind::comma);
    case '"':
    case '\'':
    case '`':
      return string(c);
    case '=':
      ++pos_;
      return token(accept("~") ? TokenKind::regex : TokenKind::equal);
    case '!':
      ++pos_;
      if (accept("~")) return token(TokenKind::not_regex);
      if (accept("=")) return token(TokenKind::ne);
      if (pos_ == text_.size()) return fail("unexpected end of input inside braces");
      return fail_at_character("unexpected character after '!' inside braces: ");
    case '{':
      return fail_at_character("unexpected left brace ");
    case '}':
      braces_ = false;
      return one(TokenKind::right_brace);
    default:
      return fail_at_character("unexpected character inside braces: ");
  }
}

Token Lexer::in_brackets() {
  const bool first = std::exchange(bracket_new_, false);
  if (pos_ == text_.size()) {
    return fail(first         ? "unexpected end of input in duration expression"
                : parens_ > 0 ? "unclosed left parenthesis"
                              : "unclosed left bracket");
  }
  const char c = text_[pos_];
  if (const auto kind = single(c)) return one(*kind);
  switch (c) {
    case ']':
      brackets_ = false;
      return one(TokenKind::right_bracket);
    case ':':
      if (colon_) return fail_at_character("unexpected colon ");
      if (first) return fail("unexpected colon before duration in duration expression");
      colon_ = true;
      return one(TokenKind::colon);
    case '[':
      return fail_at_character("unexpected left bracket ");
    default:
      break;
  }
  for (const auto word : kDurationWords) {
    if (!text_.substr(pos_).starts_with(word)) continue;
    pos_ += word.size();
    return token(TokenKind::identifier);
  }
  const bool number = is_digit(c) || (c == '.' && is_digit(peek(1)));
  if (first && !number && c != '(') return fail_at_character("unexpected character in duration expression: ");
  if (!is_alpha(c)) return in_expression();
  return fail(fmt::format("unexpected character: {}, expected ':'", quote_character(text_.substr(pos_))));
}

Token Lexer::word(bool keywords) {
  bool colon = false;
  while (is_word_character(peek()) || (keywords && peek() == ':')) colon |= text_[pos_++] == ':';
  if (keywords) {
    Token known = token(TokenKind::identifier);
    known.kind = keyword(known.text, known.aggregate);
    if (known.kind != TokenKind::identifier) return known;
  }
  return token(colon ? TokenKind::metric_identifier : TokenKind::identifier);
}

bool Lexer::accept(std::string_view set) {
  if (pos_ == text_.size() || !set.contains(text_[pos_])) return false;
  ++pos_;
  return true;
}

Token Lexer::token(TokenKind kind) const {
  Token made;
  made.kind = kind;
  made.span = {.begin = static_cast<std::uint32_t>(start_), .end = static_cast<std::uint32_t>(pos_)};
  made.text = text_.substr(start_, pos_ - start_);
  return made;
}

Token Lexer::one(TokenKind kind) {
  ++pos_;
  return token(kind);
}

Token Lexer::fail(std::string message) {
  failed_ = true;
  failure_ = std::move(message);
  pos_ = text_.size();
  Token made = token(TokenKind::error);
  made.value = failure_;
  return made;
}

Token Lexer::fail_at_character(std::string_view what) {
  return fail(fmt::format("{}{}", what, quote_character(text_.substr(pos_))));
}

}  // namespace qw::promql
