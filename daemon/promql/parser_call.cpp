#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/promql/functions.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser_impl.hpp"

// Aggregations, calls, and the label lists of by, on and group_left.
namespace qw::promql {
namespace {

/// Nothing longer is a misspelt function.
constexpr std::size_t kLongestName = 60;

bool has_parameter(AggregateOp op) {
  return op >= AggregateOp::topk;
}

bool may_begin_operand(TokenKind kind) {
  switch (kind) {
    case TokenKind::left_paren:
    case TokenKind::left_brace:
    case TokenKind::string:
    case TokenKind::number:
    case TokenKind::duration:
    case TokenKind::add:
    case TokenKind::sub:
      return true;
    default:
      return may_be_metric(kind);
  }
}

/// Words that are names of labels within by(...), on(...) and the like.
bool may_be_label(TokenKind kind) {
  switch (kind) {
    case TokenKind::atan2:
    case TokenKind::bool_:
    case TokenKind::group_left:
    case TokenKind::group_right:
    case TokenKind::ignoring:
    case TokenKind::on:
      return true;
    default:
      return may_be_metric(kind);
  }
}

std::string unknown_function(std::string_view name) {
  if (const auto why = why_unsupported(name); !why.empty()) return fmt::format("{}(): {}", name, why);
  std::vector<std::string_view> known;
  for (const auto& function : functions()) known.push_back(function.name);
  for (auto op = AggregateOp::sum; op <= AggregateOp::quantile;
       op = static_cast<AggregateOp>(std::to_underlying(op) + 1))
    known.push_back(promql::name(op));
  // Of equally near ones the first is taken: "rat" is rather "rate" than "rad".
  std::ranges::partition(known, [name](auto candidate) { return candidate.starts_with(name); });
  auto message = fmt::format("unknown function with name {}", quote(name));
  const auto meant = name.size() <= kLongestName ? nearest(name, known) : std::nullopt;
  if (meant) message += fmt::format("; did you mean '{}'?", *meant);
  return message;
}

}  // namespace

ExprPtr Parser::aggregate(const Token& op) {
  Aggregate made;
  made.op = op.aggregate;
  const bool modified = peek_is(TokenKind::by) || peek_is(TokenKind::without);
  if (modified && !aggregate_modifier(made)) return nullptr;
  std::vector<ExprPtr> all;
  ++aggregations_;
  if (!arguments(all)) return nullptr;
  --aggregations_;
  auto end = last_end_;
  if (!modified && (peek_is(TokenKind::by) || peek_is(TokenKind::without))) {
    if (!aggregate_modifier(made)) return nullptr;
    end = last_end_;
  }
  const Span span{.begin = op.span.begin, .end = static_cast<std::uint32_t>(end)};
  const std::size_t expected = has_parameter(made.op) ? 2 : 1;
  if (all.size() != expected) {
    fail(span, all.empty() ? "no arguments for aggregate expression provided"
                           : fmt::format("wrong number of arguments for aggregate expression provided, "
                                         "expected {}, got {}",
                                         expected, all.size()));
    return nullptr;
  }
  const auto height = std::max(all.front()->height, all.back()->height);
  if (expected == 2) made.parameter = std::move(all.front());
  made.expr = std::move(all.back());
  return make(span, ValueType::vector, std::move(made), height);
}

bool Parser::aggregate_modifier(Aggregate& into) {
  into.without = take().kind == TokenKind::without;
  return grouping(into.grouping);
}

ExprPtr Parser::call(const Token& name) {
  Call made;
  if (!peek_is(TokenKind::left_paren)) {
    fail(name.span, unknown_function(name.text));
    return nullptr;
  }
  if (!arguments(made.arguments)) return nullptr;
  made.function = find_function(name.text);
  if (!made.function) {
    fail(name.span, unknown_function(name.text));
    return nullptr;
  }
  std::uint32_t height = 0;
  for (const auto& argument : made.arguments) height = std::max(height, argument->height);
  const Span span{.begin = name.span.begin, .end = static_cast<std::uint32_t>(last_end_)};
  const auto type = made.function->result;
  return make(span, type, std::move(made), height);
}

bool Parser::arguments(std::vector<ExprPtr>& into) {
  if (!accept(TokenKind::left_paren)) {
    unexpected();
    return false;
  }
  if (accept(TokenKind::right_paren)) return true;
  while (true) {
    auto argument = binary(1);
    if (!argument) return false;
    into.push_back(std::move(argument));
    if (accept(TokenKind::right_paren)) return true;
    if (!peek_is(TokenKind::comma)) {
      unexpected();
      return false;
    }
    const auto comma = take().span;
    if (!may_begin_operand(peek().kind)) {
      fail(comma, "trailing commas not allowed in function call args");
      return false;
    }
  }
}

/// `(a, "b.c", by,)`
bool Parser::grouping(std::vector<std::string>& into) {
  if (!accept(TokenKind::left_paren)) {
    unexpected("grouping opts", "\"(\"");
    return false;
  }
  while (!accept(TokenKind::right_paren)) {
    if (!grouping_label(into)) return false;
    if (peek_is(TokenKind::right_paren) || accept(TokenKind::comma)) continue;
    unexpected("grouping opts", "\",\" or \")\"");
    return false;
  }
  return true;
}

bool Parser::grouping_label(std::vector<std::string>& into) {
  const bool quoted = peek_is(TokenKind::string);
  if (!quoted && !may_be_label(peek().kind)) {
    unexpected("grouping opts", "label");
    return false;
  }
  Token label = take();
  into.emplace_back(quoted ? std::move(label.value) : std::string(label.text));
  if (!into.back().empty() && is_valid_utf8(into.back())) return true;
  fail(label.span, "invalid label name for grouping: " + quote(into.back()));
  return false;
}

}  // namespace qw::promql
