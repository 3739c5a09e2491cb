#include "daemon/rules/template_lexer.hpp"

#include <fmt/format.h>

#include "daemon/base/utf8.hpp"

namespace qw::rules {
namespace {

using Kind = TemplateToken::Kind;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
/// Letters of other alphabets count too; whatever is not ASCII is taken for one.
bool is_word(char c) {
  return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<TemplateToken> run() {
    while (at_ < text_.size()) text();
    add(Kind::end_of_text, at_, at_);
    return std::move(tokens_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool here(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  void add(Kind kind, std::size_t begin, std::size_t end) {
    tokens_.push_back({.kind = kind, .position = begin, .text = text_.substr(begin, end - begin)});
  }
  [[noreturn]] static void refuse(std::size_t at, std::string message) {
    throw TemplateError{at, std::move(message)};
  }

  void text() {
    const auto begin = at_;
    const auto left = std::min(text_.find("{{", at_), text_.size());
    auto end = left;
    // `{{- ` eats the blanks before it.
    const bool trims = left + 3 < text_.size() && text_[left + 2] == '-' && is_blank(text_[left + 3]);
    while (trims && end > begin && is_blank(text_[end - 1])) --end;
    if (end > begin) add(Kind::text, begin, end);
    at_ = left;
    if (at_ >= text_.size()) return;
    at_ += trims ? 3 : 2;
    auto after = at_;
    while (trims && after < text_.size() && is_blank(text_[after])) ++after;
    if (text_.substr(after).starts_with("/*")) {
      at_ = after;
      return comment(left);
    }
    add(Kind::left, left, left + 2);
    action();
  }

  void comment(std::size_t left) {
    const auto close = text_.find("*/", at_);
    if (close == std::string_view::npos) refuse(left, "unclosed comment");
    at_ = close + 2;
    const bool trims = at_ + 1 < text_.size() && is_blank(text_[at_]) && text_[at_ + 1] == '-';
    if (trims) at_ += 2;
    if (!here("}}")) refuse(left, "comment ends before closing delimiter");
    at_ += 2;
    if (trims) skip_blanks();
  }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
  }

  void action() {
    const auto begin = tokens_.size();
    while (true) {
      if (at_ >= text_.size()) refuse(tokens_[begin - 1].position, "unclosed action");
      if (here("}}")) {
        add(Kind::right, at_, at_ + 2);
        at_ += 2;
        return;
      }
      if (is_blank(peek())) {
        if (blanks()) return;
        continue;
      }
      token();
    }
  }

  /// True when the action ended with ` -}}`.
  bool blanks() {
    const auto begin = at_;
    while (is_blank(peek())) ++at_;
    if (here("-}}")) {
      add(Kind::right, at_, at_ + 3);
      at_ += 3;
      skip_blanks();
      return true;
    }
    add(Kind::space, begin, at_);
    return false;
  }

  void token() {
    const auto begin = at_;
    const char c = peek();
    if (c == '"') return quoted();
    if (c == '`') return raw();
    if (c == '\'') return character();
    if (c == '.' && !is_digit(peek(1))) return field();
    if (c == '$') {
      ++at_;
      while (is_word(peek())) ++at_;
      return add(Kind::variable, begin, at_);
    }
    if (is_digit(c) || c == '+' || c == '-' || c == '.') return number();
    if (is_word(c)) {
      while (is_word(peek())) ++at_;
      return add(Kind::word, begin, at_);
    }
    if (here(":=")) return advance(Kind::declare, 2);
    switch (c) {
      case '|':
        return advance(Kind::pipe, 1);
      case '=':
        return advance(Kind::assign, 1);
      case '(':
        return advance(Kind::open, 1);
      case ')':
        return advance(Kind::close, 1);
      default:
        return advance(Kind::other, next_code_point(text_.substr(at_)).size);
    }
  }
  void advance(Kind kind, std::size_t size) {
    add(kind, at_, at_ + size);
    at_ += size;
  }

  void field() {
    const auto begin = at_++;
    if (!is_word(peek())) return add(Kind::dot, begin, at_);
    while (is_word(peek())) ++at_;
    add(Kind::field, begin, at_);
  }

  void number() {
    const auto begin = at_;
    if (peek() == '+' || peek() == '-') ++at_;
    const bool hexadecimal = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    if (hexadecimal) at_ += 2;
    bool digits = false;
    while (true) {
      const char c = peek();
      const bool exponent = !hexadecimal && digits && (c == 'e' || c == 'E');
      if (exponent && (peek(1) == '+' || peek(1) == '-')) {
        at_ += 2;
        continue;
      }
      const bool belongs = c == '_' || is_digit(c) || exponent ||
                           (hexadecimal && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) ||
                           (!hexadecimal && (c == 'x' || c == 'o' || c == 'b') && at_ == begin + 1);
      const bool point = c == '.' && text_.substr(begin, at_ - begin).find('.') == std::string_view::npos;
      if (!belongs && !point) break;
      digits = digits || is_digit(c);
      ++at_;
    }
    if (is_word(peek()) || (!digits && !hexadecimal)) {
      refuse(begin, fmt::format("bad number syntax: \"{}\"", text_.substr(begin, at_ + 1 - begin)));
    }
    add(Kind::number, begin, at_);
  }

  void quoted() {
    const auto begin = at_++;
    while (peek() != '"') {
      if (peek() == '\\') ++at_;
      if (at_ >= text_.size() || peek() == '\n') refuse(begin, "unterminated quoted string");
      ++at_;
    }
    ++at_;
    add(Kind::string, begin, at_);
  }
  void raw() {
    const auto begin = at_;
    const auto close = text_.find('`', at_ + 1);
    if (close == std::string_view::npos) refuse(begin, "unterminated raw quoted string");
    at_ = close + 1;
    add(Kind::raw_string, begin, at_);
  }
  void character() {
    const auto begin = at_++;
    while (peek() != '\'') {
      if (peek() == '\\') ++at_;
      if (at_ >= text_.size() || peek() == '\n') refuse(begin, "unterminated character constant");
      ++at_;
    }
    ++at_;
    add(Kind::character, begin, at_);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<TemplateToken> tokens_;
};

}  // namespace

std::vector<TemplateToken> lex_template(std::string_view text) {
  return Lexer(text).run();
}

}  // namespace qw::rules
