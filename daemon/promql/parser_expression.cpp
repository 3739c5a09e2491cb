#include <fmt/format.h>

#include <utility>

#include "daemon/promql/functions.hpp"
#include "daemon/promql/parser_impl.hpp"

namespace qw::promql {
namespace {

/// How tightly an operator binds; 0: it is none. Unary signs bind as `*`, so that -1^2 is -(1^2).
constexpr int kPow = 6;

std::optional<BinaryOp> binary_op(TokenKind kind) {
  switch (kind) {
    case TokenKind::add:
      return BinaryOp::add;
    case TokenKind::sub:
      return BinaryOp::sub;
    case TokenKind::mul:
      return BinaryOp::mul;
    case TokenKind::div:
      return BinaryOp::div;
    case TokenKind::mod:
      return BinaryOp::mod;
    case TokenKind::pow:
      return BinaryOp::pow;
    case TokenKind::atan2:
      return BinaryOp::atan2;
    case TokenKind::eq:
      return BinaryOp::eq;
    case TokenKind::ne:
      return BinaryOp::ne;
    case TokenKind::lt:
      return BinaryOp::lt;
    case TokenKind::le:
      return BinaryOp::le;
    case TokenKind::gt:
      return BinaryOp::gt;
    case TokenKind::ge:
      return BinaryOp::ge;
    case TokenKind::and_:
      return BinaryOp::and_;
    case TokenKind::or_:
      return BinaryOp::or_;
    case TokenKind::unless:
      return BinaryOp::unless;
    default:
      return std::nullopt;
  }
}

int precedence(BinaryOp op) {
  switch (op) {
    case BinaryOp::or_:
      return 1;
    case BinaryOp::and_:
    case BinaryOp::unless:
      return 2;
    case BinaryOp::add:
    case BinaryOp::sub:
      return 4;
    case BinaryOp::mul:
    case BinaryOp::div:
    case BinaryOp::mod:
    case BinaryOp::atan2:
      return 5;
    case BinaryOp::pow:
      return kPow;
    default:
      return 3;  // comparisons
  }
}

}  // namespace

ExprPtr Parser::expression() {
  if (peek_is(TokenKind::end)) {
    fail({}, "no expression found in input");
    return nullptr;
  }
  auto expr = binary(1);
  expect_end();
  return failed() ? nullptr : std::move(expr);
}

/// Operators that bind at least as tightly as `lowest`, and what stands between them.
ExprPtr Parser::binary(int lowest) {
  if (++depth_ > kMaxDepth) {
    fail(peek().span, fmt::format("nested deeper than {} levels", kMaxDepth));
    return nullptr;
  }
  auto left = operand();
  while (left) {
    const auto op = binary_op(peek().kind);
    if (!op || precedence(*op) < lowest) break;
    take();
    auto made = binary_modifiers(*op);
    if (!made) return nullptr;
    auto right = binary(*op == BinaryOp::pow ? kPow : precedence(*op) + 1);
    if (!right) return nullptr;
    const Span span{.begin = left->span.begin, .end = right->span.end};
    const bool scalar = left->type == ValueType::scalar && right->type == ValueType::scalar;
    const auto height = std::max(left->height, right->height);
    made->left = std::move(left);
    made->right = std::move(right);
    left = make(span, scalar ? ValueType::scalar : ValueType::vector, std::move(*made), height);
  }
  --depth_;
  return left;
}

ExprPtr Parser::operand() {
  if (peek_is(TokenKind::add) || peek_is(TokenKind::sub)) return unary();
  return postfix(primary());
}

ExprPtr Parser::unary() {
  const Token sign = take();
  const bool minus = sign.kind == TokenKind::sub;
  auto inner = binary(kPow);
  if (!inner) return nullptr;
  if (auto* const literal = std::get_if<Number>(&inner->node)) {
    if (minus) literal->value = -literal->value;
    inner->span.begin = sign.span.begin;
    return inner;
  }
  const Span span{.begin = sign.span.begin, .end = inner->span.end};
  const auto type = inner->type;
  const auto height = inner->height;
  return make(span, type, Unary{.minus = minus, .expr = std::move(inner)}, height);
}

ExprPtr Parser::primary() {
  const auto kind = peek().kind;
  if (kind == TokenKind::left_paren) return parenthesised();
  if (kind == TokenKind::left_brace) return selector_expression(nullptr);
  if (kind == TokenKind::number || kind == TokenKind::duration) {
    const Token literal = take();
    const auto value = number(literal);
    if (!value) return nullptr;
    return make(literal.span, ValueType::scalar,
                Number{.value = *value, .duration = kind == TokenKind::duration}, 0);
  }
  if (kind == TokenKind::string) {
    Token literal = take();
    return make(literal.span, ValueType::string, String{.value = std::move(literal.value)}, 0);
  }
  if (!may_be_metric(kind)) {
    unexpected();
    return nullptr;
  }
  const Token word = take();
  const auto following = peek().kind;
  if (kind == TokenKind::aggregator &&
      (following == TokenKind::left_paren || following == TokenKind::by || following == TokenKind::without))
    return aggregate(word);
  const bool callable =
      kind == TokenKind::identifier || kind == TokenKind::start || kind == TokenKind::end_word;
  // "limitk by (a) (3, m)": an aggregation that is refused is one all the same.
  const bool refused =
      (following == TokenKind::by || following == TokenKind::without) && !why_unsupported(word.text).empty();
  if (callable && (following == TokenKind::left_paren || refused)) return call(word);
  return selector_expression(&word);
}

ExprPtr Parser::parenthesised() {
  const auto begin = take().span.begin;
  auto inner = binary(1);
  if (!inner) return nullptr;
  if (!accept(TokenKind::right_paren)) {
    unexpected();
    return nullptr;
  }
  const Span span{.begin = begin, .end = static_cast<std::uint32_t>(last_end_)};
  const auto type = inner->type;
  const auto height = inner->height;
  return make(span, type, Paren{.expr = std::move(inner)}, height);
}

/// `bool`, on or ignoring, group_left or group_right.
std::optional<Binary> Parser::binary_modifiers(BinaryOp op) {
  Binary made;
  made.op = op;
  made.return_bool = accept(TokenKind::bool_);
  auto& matching = made.matching.emplace();
  if (!peek_is(TokenKind::on) && !peek_is(TokenKind::ignoring)) return made;
  matching.on = take().kind == TokenKind::on;
  if (!grouping(matching.labels)) return std::nullopt;
  if (peek_is(TokenKind::group_left) || peek_is(TokenKind::group_right)) {
    matching.cardinality =
        take().kind == TokenKind::group_left ? Cardinality::many_to_one : Cardinality::one_to_many;
    if (peek_is(TokenKind::left_paren) && !grouping(matching.include)) return std::nullopt;
  }
  return made;
}
}  // namespace qw::promql
