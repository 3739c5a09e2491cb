#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <utility>

#include "daemon/base/pattern.hpp"
#include "daemon/base/text.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser_impl.hpp"

namespace qw::promql {
namespace {

constexpr std::string_view kNameLabel = "__name__";
constexpr std::string_view kDurationForms = "number or duration";
constexpr std::string_view kNoDurationArithmetic = "experimental duration expressions are not supported";

std::optional<store::MatchType> match_type(TokenKind kind) {
  switch (kind) {
    case TokenKind::equal:
      return store::MatchType::equal;
    case TokenKind::ne:
      return store::MatchType::not_equal;
    case TokenKind::regex:
      return store::MatchType::regex;
    case TokenKind::not_regex:
      return store::MatchType::not_regex;
    default:
      return std::nullopt;
  }
}

/// The selector whose offset and `@` the expression has, if it can have any.
struct Modified {
  Millis* offset = nullptr;
  std::optional<At>* at = nullptr;
};

Modified modified_by(Expr& expr) {
  if (auto* const selector = std::get_if<VectorSelector>(&expr.node))
    return {.offset = &selector->offset, .at = &selector->at};
  if (auto* const matrix = std::get_if<MatrixSelector>(&expr.node))
    return {.offset = &matrix->selector.offset, .at = &matrix->selector.at};
  if (auto* const subquery = std::get_if<Subquery>(&expr.node))
    return {.offset = &subquery->offset, .at = &subquery->at};
  return {};
}

/// Go keeps durations in nanoseconds; nothing where that is too much.
std::optional<Millis> to_millis(double seconds) {
  constexpr double kLongest = 9223372036.0;
  if (!(std::fabs(seconds) <= kLongest)) return std::nullopt;
  return static_cast<Millis>(std::trunc(std::round(seconds * 1e9) / 1e6));
}

bool begins_duration_arithmetic(const Token& token) {
  return token.kind == TokenKind::left_paren || token.text == "step" || token.text == "range" ||
         token.text == "min_of" || token.text == "max_of";
}

bool is_arithmetic(TokenKind kind) {
  return kind >= TokenKind::add && kind <= TokenKind::pow;
}

}  // namespace

std::optional<VectorSelector> Parser::selector() {
  if (peek_is(TokenKind::left_brace)) return selector_with(nullptr);
  if (!may_be_metric(peek().kind)) {
    unexpected();
    return std::nullopt;
  }
  const Token name = take();
  return selector_with(&name);
}

/// `name` is taken already, or there is none.
std::optional<VectorSelector> Parser::selector_with(const Token* name) {
  VectorSelector made;
  if (accept(TokenKind::left_brace) && !matchers(made.matchers)) return std::nullopt;
  if (name) {
    made.name = name->text;
    made.matchers.push_back(
        {.label = std::string(kNameLabel), .type = store::MatchType::equal, .value = made.name});
  }
  return made;
}

ExprPtr Parser::selector_expression(const Token* name) {
  const auto begin = name ? name->span.begin : peek().span.begin;
  auto made = selector_with(name);
  if (!made) return nullptr;
  const Span span{.begin = begin, .end = static_cast<std::uint32_t>(last_end_)};
  return make(span, ValueType::vector, std::move(*made), 0);
}

/// Behind the opening brace, up to the closing one.
bool Parser::matchers(std::vector<store::Matcher>& into) {
  while (!accept(TokenKind::right_brace)) {
    if (!matcher(into)) return false;
    if (peek_is(TokenKind::right_brace) || accept(TokenKind::comma)) continue;
    unexpected("label matching", "\",\" or \"}\"");
    return false;
  }
  return true;
}

/// `a="b"`, `"a.b"="c"`, or a metric's name as a string.
bool Parser::matcher(std::vector<store::Matcher>& into) {
  const bool quoted = peek_is(TokenKind::string);
  if (!quoted && !peek_is(TokenKind::identifier)) {
    unexpected("label matching", "identifier or \"}\"");
    return false;
  }
  Token label = take();
  const auto type = match_type(peek().kind);
  if (!type) {
    if (!quoted) {
      unexpected("label matching", "label matching operator");
      return false;
    }
    into.push_back({.label = std::string(kNameLabel), .value = std::move(label.value)});
    return true;
  }
  take();
  if (!peek_is(TokenKind::string)) {
    unexpected("label matching", "string");
    return false;
  }
  Token value = take();
  into.push_back({.label = quoted ? std::move(label.value) : std::string(label.text),
                  .type = *type,
                  .value = std::move(value.value)});
  if (*type == store::MatchType::equal || *type == store::MatchType::not_equal) return true;
  const auto pattern = Pattern::compile(into.back().value);
  if (pattern) return true;
  fail({.begin = label.span.begin, .end = value.span.end},
       "error parsing regexp: " + sanitize(pattern.error().message()));
  return false;
}

/// Ranges, subqueries, offset and `@` behind an expression.
ExprPtr Parser::postfix(ExprPtr expr) {
  while (expr) {
    const auto& next = peek();
    bool good = true;
    if (next.kind == TokenKind::left_bracket) {
      expr = range(std::move(expr));
    } else if (next.kind == TokenKind::offset) {
      good = offset(*expr);
    } else if (next.kind == TokenKind::at) {
      good = at(*expr);
    } else if (next.kind == TokenKind::identifier && (next.text == "anchored" || next.text == "smoothed")) {
      fail(expr->span, fmt::format("{} modifier is experimental and not supported", next.text));
      good = false;
    } else {
      break;
    }
    if (!good) return nullptr;
  }
  return expr;
}

/// `[5m]`, `[5m:]` or `[5m:1m]`
ExprPtr Parser::range(ExprPtr expr) {
  const auto bracket = take().span;
  if (peek_is(TokenKind::right_bracket)) unexpected("subquery or range selector", kDurationForms);
  const auto length = positive_duration();
  if (!length) return nullptr;
  if (accept(TokenKind::right_bracket))
    return matrix(std::move(expr), *length,
                  {.begin = bracket.begin, .end = static_cast<std::uint32_t>(last_end_)});
  if (!accept(TokenKind::colon)) {
    unexpected("subquery or range", "\":\" or \"]\"");
    return nullptr;
  }
  Subquery made{.expr = std::move(expr), .range = *length, .step = {}, .offset = 0, .at = {}};
  if (!peek_is(TokenKind::right_bracket)) {
    made.step = positive_duration();
    if (!made.step) return nullptr;
  }
  if (!accept(TokenKind::right_bracket)) {
    unexpected("subquery selector", "\"]\"");
    return nullptr;
  }
  const Span span{.begin = made.expr->span.begin, .end = static_cast<std::uint32_t>(last_end_)};
  const auto height = made.expr->height;
  return make(span, ValueType::matrix, std::move(made), height);
}

ExprPtr Parser::matrix(ExprPtr expr, Millis range, Span brackets) {
  auto* const selector = std::get_if<VectorSelector>(&expr->node);
  if (!selector || selector->offset != 0 || selector->at) {
    fail(brackets, !selector               ? "ranges only allowed for vector selectors"
                   : selector->offset != 0 ? "no offset modifiers allowed before range"
                                           : "no @ modifiers allowed before range");
    return nullptr;
  }
  const Span span{.begin = expr->span.begin, .end = brackets.end};
  return make(span, ValueType::matrix, MatrixSelector{.selector = std::move(*selector), .range = range}, 0);
}

/// In brackets: a duration or seconds, above zero. Arithmetic there is an experiment of Prometheus.
std::optional<Millis> Parser::positive_duration() {
  const bool minus = peek_is(TokenKind::sub);
  const auto begin = peek().span.begin;
  if (minus || peek_is(TokenKind::add)) take();
  const auto kind = peek().kind;
  if (begins_duration_arithmetic(peek())) {
    fail(peek().span, std::string(kNoDurationArithmetic));
    return std::nullopt;
  }
  if (kind != TokenKind::number && kind != TokenKind::duration) {
    unexpected("subquery or range selector", kDurationForms);
    return std::nullopt;
  }
  const Token literal = take();
  const auto seconds = number(literal);
  if (!seconds) return std::nullopt;
  const Span span{.begin = begin, .end = literal.span.end};
  const auto length = to_millis(*seconds);
  if (is_arithmetic(peek().kind)) {
    fail(span, std::string(kNoDurationArithmetic));
  } else if (!length) {
    fail(span, "duration out of range");
  } else if (minus || *length <= 0) {
    fail(span, "duration must be greater than 0");
  }
  return failed() ? std::nullopt : length;
}

bool Parser::offset(Expr& expr) {
  take();
  const bool minus = peek_is(TokenKind::sub);
  if (minus || peek_is(TokenKind::add)) take();
  if (!peek_is(TokenKind::number) && !peek_is(TokenKind::duration)) {
    if (begins_duration_arithmetic(peek())) fail(peek().span, std::string(kNoDurationArithmetic));
    unexpected("offset", kDurationForms);
    return false;
  }
  const Token literal = take();
  const auto seconds = number(literal);
  if (!seconds) return false;
  const auto length = to_millis(*seconds);
  const auto modified = modified_by(expr);
  if (!length) {
    fail(literal.span, "duration out of range");
  } else if (!modified.offset) {
    fail(expr.span,
         "offset modifier must be preceded by an instant vector selector or range vector selector or a "
         "subquery");
  } else if (*modified.offset != 0) {
    fail(expr.span, "offset may not be set multiple times");
  } else {
    *modified.offset = minus ? -*length : *length;
    expr.span.end = static_cast<std::uint32_t>(last_end_);
  }
  return !failed();
}

bool Parser::at(Expr& expr) {
  take();
  std::optional<At> time;
  if (!at_time(expr, time)) return false;
  const auto modified = modified_by(expr);
  if (!modified.at) {
    fail(expr.span,
         "@ modifier must be preceded by an instant vector selector or range vector selector or a subquery");
  } else if (*modified.at) {
    fail(expr.span, "@ <timestamp> may not be set multiple times");
  } else {
    *modified.at = time;
    expr.span.end = static_cast<std::uint32_t>(last_end_);
  }
  return !failed();
}

/// A number of seconds, `start()` or `end()`.
bool Parser::at_time(Expr& expr, std::optional<At>& into) {
  if (peek_is(TokenKind::start) || peek_is(TokenKind::end_word)) {
    const bool start = take().kind == TokenKind::start;
    into = At{.kind = start ? At::Kind::start : At::Kind::end};
    if (accept(TokenKind::left_paren) && accept(TokenKind::right_paren)) return true;
    unexpected("@", "timestamp");
    return false;
  }
  const bool minus = peek_is(TokenKind::sub);
  if (minus || peek_is(TokenKind::add)) take();
  if (!peek_is(TokenKind::number) && !peek_is(TokenKind::duration)) {
    unexpected("@", "timestamp");
    return false;
  }
  const auto read = number(take());
  if (!read) return false;
  const double seconds = minus ? -*read : *read;
  // What milliseconds can hold.
  if (!(std::fabs(seconds) < 9.2e15)) {
    fail(expr.span,
         fmt::format("timestamp out of bounds for @ modifier: {}",
                     std::isfinite(seconds) ? fmt::format("{:f}", seconds) : print_decimal(seconds)));
    return false;
  }
  into = At{.time = std::llround(seconds * 1000)};
  return true;
}

}  // namespace qw::promql
