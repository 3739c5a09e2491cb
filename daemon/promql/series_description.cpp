#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/promql/lexer.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

constexpr std::string_view kNameLabel = "__name__";
/// More values in one line are refused: "1x1000000000" is short.
constexpr std::size_t kMaxValues = 1 << 22;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Reads the labels through the lexer and the values by hand: their blanks mean something.
class Description {
 public:
  explicit Description(std::string_view text) : text_(text), lexer_(text) {}

  Parsed<SeriesDescription> read() {
    if (metric()) values();
    if (error_) return std::unexpected(std::move(*error_));
    made_.labels = Labels(std::move(labels_));
    return std::move(made_);
  }

 private:
  bool fail(Span span, std::string message) {
    if (!error_) error_ = ParseError{.span = span, .message = std::move(message)};
    return false;
  }
  bool fail_here(std::string message) {
    return fail({.begin = static_cast<std::uint32_t>(pos_), .end = static_cast<std::uint32_t>(text_.size())},
                std::move(message));
  }
  bool unexpected(const Token& token, std::string_view context, std::string_view expected) {
    if (token.kind == TokenKind::error) return fail(token.span, token.value);
    return fail(token.span,
                fmt::format("unexpected {} in {}, expected {}", describe(token), context, expected));
  }

  bool metric() {
    Token token = lexer_.next();
    pos_ = lexer_.position();
    if (token.kind != TokenKind::left_brace) {
      if (!is_metric_name(token.text)) {
        if (token.kind == TokenKind::error) return fail(token.span, token.value);
        return fail(token.span, "unexpected " + describe(token));
      }
      set(kNameLabel, token.text);
      if (pos_ == text_.size() || text_[pos_] != '{') return true;
      lexer_.next();
    }
    if (!label_set()) return false;
    pos_ = lexer_.position();
    return true;
  }

  bool label_set() {
    for (Token token = lexer_.next(); token.kind != TokenKind::right_brace;) {
      const bool quoted = token.kind == TokenKind::string;
      if (!quoted && token.kind != TokenKind::identifier)
        return unexpected(token, "label set", "identifier or \"}\"");
      const std::string name = quoted ? std::move(token.value) : std::string(token.text);
      token = lexer_.next();
      if (token.kind == TokenKind::equal) {
        token = lexer_.next();
        if (token.kind != TokenKind::string) return unexpected(token, "label set", "string");
        set(name, token.value);
        token = lexer_.next();
      } else if (quoted) {
        set(kNameLabel, name);
      } else {
        return unexpected(token, "label set", "\"=\"");
      }
      if (token.kind == TokenKind::comma) {
        token = lexer_.next();
      } else if (token.kind != TokenKind::right_brace) {
        return unexpected(token, "label set", "\",\" or \"}\"");
      }
    }
    return true;
  }

  void set(std::string_view name, std::string_view value) {
    const auto found = std::ranges::find(labels_, name, &Labels::Pair::first);
    if (found != labels_.end()) {
      found->second = value;
    } else {
      labels_.emplace_back(name, value);
    }
  }

  void values() {
    while (pos_ < text_.size()) {
      if (!is_blank(text_[pos_])) {
        fail_here(fmt::format("unexpected {} in series values", quote_character(text_.substr(pos_))));
        return;
      }
      while (pos_ < text_.size() && is_blank(text_[pos_])) ++pos_;
      if (pos_ < text_.size() && !item()) return;
    }
  }

  /// `_`, `_x3`, `1`, `1x3` or `1+2x3`
  bool item() {
    if (text_.substr(pos_).starts_with("{{")) return fail_here("native histograms are not supported");
    if (accept('_')) {
      const auto times = repetitions();
      return times && append(times->given ? times->count : 1, {.omitted = true}, {});
    }
    const auto first = value();
    if (!first) return false;
    std::optional<double> step;
    const bool stepped = pos_ < text_.size() && (text_[pos_] == '+' || text_[pos_] == '-');
    if (stepped) {
      const auto read = value();
      if (!read) return false;
      step = read;
    }
    const auto times = repetitions();
    if (!times) return false;
    if (stepped && !times->given)
      return fail_here("unexpected end of the step in series values, expected \"x\"");
    return append(times->given ? times->count + 1 : 1, {.value = *first}, step);
  }

  static std::string too_many() { return fmt::format("more than {} values in one series", kMaxValues); }

  struct Repetitions {
    bool given = false;
    std::uint64_t count = 0;
  };
  std::optional<Repetitions> repetitions() {
    if (!accept('x')) return Repetitions{};
    auto end = pos_;
    while (end < text_.size() && text_[end] >= '0' && text_[end] <= '9') ++end;
    const auto count = parse_uint64(text_.substr(pos_, end - pos_));
    if (!count || *count > kMaxValues) {
      fail_here(count ? too_many() : "invalid repetition in series values");
      return std::nullopt;
    }
    pos_ = end;
    return Repetitions{.given = true, .count = *count};
  }

  /// A number with or without a sign, or `stale`.
  std::optional<double> value() {
    const auto begin = pos_;
    const bool minus = accept('-');
    if (!minus) accept('+');
    const bool sign = pos_ > begin;
    const auto number = pos_;
    scan_number();
    const auto text = text_.substr(number, pos_ - number);
    if (text == "stale" && !sign) return store::stale_marker();
    const auto read = parse_number(text);
    if (read) return minus ? -*read : *read;
    pos_ = begin;
    fail_here(fmt::format("unexpected {} in series values, expected number or \"stale\"",
                          quote(text_.substr(begin, std::min<std::size_t>(text_.size() - begin, 10)))));
    return std::nullopt;
  }

  /// Up to where it can be no number: `x` is the times sign here, so that there are no hexadecimal numbers.
  void scan_number() {
    const auto begin = pos_;
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      const bool exponent_sign = (c == '+' || c == '-') && pos_ > begin && (text_[pos_ - 1] | 0x20) == 'e' &&
                                 text_[begin] >= '.' && text_[begin] <= '9';
      const bool letter = (c >= 'a' && c <= 'w') || (c >= 'A' && c <= 'Z');
      if (!exponent_sign && !letter && c != '.' && !(c >= '0' && c <= '9')) return;
      ++pos_;
    }
  }

  bool append(std::uint64_t count, SeriesDescription::Value value, std::optional<double> step) {
    if (count > kMaxValues - made_.values.size()) return fail_here(too_many());
    for (std::uint64_t i = 0; i < count; ++i) {
      made_.values.push_back(value);
      if (step) value.value += *step;
    }
    return true;
  }

  bool accept(char c) {
    if (pos_ == text_.size() || text_[pos_] != c) return false;
    ++pos_;
    return true;
  }

  std::string_view text_;
  Lexer lexer_;
  std::size_t pos_ = 0;
  std::vector<Labels::Pair> labels_;
  SeriesDescription made_;
  std::optional<ParseError> error_;
};

}  // namespace

Parsed<SeriesDescription> parse_series(std::string_view text) {
  if (text.size() > kMaxText)
    return std::unexpected(
        ParseError{.span = {}, .message = fmt::format("expected at most {} bytes", kMaxText)});
  return Description(text).read();
}

}  // namespace qw::promql
