#include "daemon/promql/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser_impl.hpp"

namespace qw::promql {
namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

std::unexpected<ParseError> too_long(std::string_view text) {
  return std::unexpected(ParseError{
      .span = {}, .message = fmt::format("expected at most {} bytes, got {}", kMaxText, text.size())});
}

}  // namespace

std::string ParseError::print(std::string_view text) const {
  const auto before = text.substr(0, std::min<std::size_t>(span.begin, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto line_break = before.rfind('\n');
  const auto column = before.size() - (line_break == std::string_view::npos ? 0 : line_break + 1) + 1;
  return fmt::format("{}:{}: parse error: {}", line, column, message);
}

bool may_be_metric(TokenKind kind) {
  switch (kind) {
    case TokenKind::identifier:
    case TokenKind::metric_identifier:
    case TokenKind::aggregator:
    case TokenKind::and_:
    case TokenKind::or_:
    case TokenKind::unless:
    case TokenKind::by:
    case TokenKind::without:
    case TokenKind::offset:
    case TokenKind::start:
    case TokenKind::end_word:
      return true;
    default:
      return false;
  }
}

void Parser::fail(Span span, std::string message) {
  if (!error_) error_ = ParseError{.span = span, .message = std::move(message)};
}

const Token& Parser::peek() {
  if (!next_) {
    next_ = lexer_.next();
    if (next_->kind == TokenKind::error) fail(next_->span, next_->value);
  }
  return *next_;
}

Token Parser::take() {
  peek();
  Token taken = std::move(*next_);
  // An error ends the text.
  if (taken.kind != TokenKind::error && taken.kind != TokenKind::end) next_.reset();
  last_end_ = taken.span.end;
  return taken;
}

bool Parser::accept(TokenKind kind) {
  if (!peek_is(kind)) return false;
  take();
  return true;
}

void Parser::unexpected(std::string_view context, std::string_view expected) {
  if (context.empty() && aggregations_ > 0) context = "aggregation";
  auto message = "unexpected " + describe(peek());
  if (!context.empty()) message += fmt::format(" in {}", context);
  if (!expected.empty()) message += fmt::format(", expected {}", expected);
  fail(peek().span, std::move(message));
}

void Parser::expect_end() {
  if (!failed() && !peek_is(TokenKind::end)) unexpected();
}

std::optional<double> Parser::number(const Token& token) {
  if (token.kind == TokenKind::duration) {
    auto read = parse_duration(token.text);
    if (read) return static_cast<double>(*read) / 1000;
    fail(token.span, std::move(read.error().message));
    return std::nullopt;
  }
  const auto read = parse_number(token.text);
  if (read) return *read;
  fail(token.span, read.error().message());
  return std::nullopt;
}

/// `below` is the height of the highest part.
ExprPtr Parser::make(Span span, ValueType type, Expr::Node node, std::uint32_t below) {
  if (below >= kMaxDepth) {
    fail(span, fmt::format("nested deeper than {} levels", kMaxDepth));
    return nullptr;
  }
  auto made = std::make_unique<Expr>();
  made->span = span;
  made->type = type;
  made->node = std::move(node);
  made->height = below + 1;
  return made;
}

Parsed<ExprPtr> parse(std::string_view text) {
  if (text.size() > kMaxText) return too_long(text);
  Parser parser(text);
  auto expr = parser.expression();
  if (parser.failed()) return std::unexpected(parser.take_error());
  if (auto error = check(*expr, text)) return std::unexpected(std::move(*error));
  return expr;
}

Parsed<std::vector<store::Matcher>> parse_matchers(std::string_view text) {
  if (text.size() > kMaxText) return too_long(text);
  Parser parser(text);
  auto selector = parser.selector();
  parser.expect_end();
  if (parser.failed()) return std::unexpected(parser.take_error());
  return std::move(selector->matchers);
}

bool is_metric_name(std::string_view text) {
  const auto fits = [](char c) { return is_alpha(c) || (c >= '0' && c <= '9') || c == ':'; };
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') && std::ranges::all_of(text, fits);
}

}  // namespace qw::promql
