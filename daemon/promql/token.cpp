#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/base/utf8.hpp"
#include "daemon/promql/lexer.hpp"
#include "daemon/promql/literals.hpp"

namespace qw::promql {
namespace {

struct Keyword {
  std::string_view word;
  TokenKind kind;
  AggregateOp aggregate = AggregateOp::sum;
};

constexpr std::array<Keyword, 28> kKeywords{{
    {"and", TokenKind::and_},
    {"atan2", TokenKind::atan2},
    {"avg", TokenKind::aggregator, AggregateOp::avg},
    {"bool", TokenKind::bool_},
    {"bottomk", TokenKind::aggregator, AggregateOp::bottomk},
    {"by", TokenKind::by},
    {"count", TokenKind::aggregator, AggregateOp::count},
    {"count_values", TokenKind::aggregator, AggregateOp::count_values},
    {"end", TokenKind::end_word},
    {"group", TokenKind::aggregator, AggregateOp::group},
    {"group_left", TokenKind::group_left},
    {"group_right", TokenKind::group_right},
    {"ignoring", TokenKind::ignoring},
    {"inf", TokenKind::number},
    {"max", TokenKind::aggregator, AggregateOp::max},
    {"min", TokenKind::aggregator, AggregateOp::min},
    {"nan", TokenKind::number},
    {"offset", TokenKind::offset},
    {"on", TokenKind::on},
    {"or", TokenKind::or_},
    {"quantile", TokenKind::aggregator, AggregateOp::quantile},
    {"start", TokenKind::start},
    {"stddev", TokenKind::aggregator, AggregateOp::stddev},
    {"stdvar", TokenKind::aggregator, AggregateOp::stdvar},
    {"sum", TokenKind::aggregator, AggregateOp::sum},
    {"topk", TokenKind::aggregator, AggregateOp::topk},
    {"unless", TokenKind::unless},
    {"without", TokenKind::without},
}};

/// At most ten characters of it, as messages show numbers and strings.
std::string abbreviated(std::string_view text) {
  std::size_t end = 0;
  for (int i = 0; i < 10 && end < text.size(); ++i) end += next_code_point(text.substr(end)).size;
  return quote(text.substr(0, end)) + (text.size() > 10 ? "..." : "");
}

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::end:
      return "end of input";
    case TokenKind::error:
      return token.value;
    case TokenKind::identifier:
      return "identifier " + quote(token.text);
    case TokenKind::metric_identifier:
      return "metric identifier " + quote(token.text);
    case TokenKind::string:
      return "string " + abbreviated(token.text);
    case TokenKind::number:
      return "number " + abbreviated(token.text);
    case TokenKind::duration:
      return "duration " + abbreviated(token.text);
    case TokenKind::aggregator:
      return fmt::format("<aggr:{}>", token.text);
    default:
      break;
  }
  const bool is_operator =
      token.kind == TokenKind::at || (token.kind >= TokenKind::add && token.kind <= TokenKind::atan2);
  if (is_operator) return fmt::format("<op:{}>", token.text);
  if (token.kind >= TokenKind::offset && token.kind <= TokenKind::bool_)
    return fmt::format("<{}>", token.text);
  return quote(token.text);
}

TokenKind keyword(std::string_view word, AggregateOp& aggregate) {
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  const auto* const found = std::ranges::lower_bound(kKeywords, lower, {}, &Keyword::word);
  if (found == kKeywords.end() || found->word != lower) return TokenKind::identifier;
  aggregate = found->aggregate;
  return found->kind;
}

}  // namespace qw::promql
