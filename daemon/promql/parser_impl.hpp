#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/promql/lexer.hpp"
#include "daemon/promql/parser.hpp"

/// The parser itself; private to parser*.cpp and series_description.cpp.
namespace qw::promql {

/// A Pratt parser: one function climbs the operators, the others read what stands between them. The first
/// error is kept; after it every function gives null and no text is read any more.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), lexer_(text) {}

  ExprPtr expression();
  /// `name{...}` or `{...}`; nothing after an error.
  std::optional<VectorSelector> selector();
  /// Adds an error when anything is left.
  void expect_end();

  bool failed() const { return error_.has_value(); }
  ParseError take_error() { return std::move(*error_); }
  void fail(Span span, std::string message);

 private:
  // parser_expression.cpp
  ExprPtr binary(int lowest);
  ExprPtr operand();
  ExprPtr unary();
  ExprPtr primary();
  ExprPtr parenthesised();
  ExprPtr aggregate(const Token& op);
  ExprPtr call(const Token& name);
  bool arguments(std::vector<ExprPtr>& into);
  bool grouping(std::vector<std::string>& into);
  bool grouping_label(std::vector<std::string>& into);
  bool aggregate_modifier(Aggregate& into);
  std::optional<Binary> binary_modifiers(BinaryOp op);

  // parser_selector.cpp
  ExprPtr selector_expression(const Token* name);
  std::optional<VectorSelector> selector_with(const Token* name);
  bool matchers(std::vector<store::Matcher>& into);
  bool matcher(std::vector<store::Matcher>& into);
  ExprPtr postfix(ExprPtr expr);
  ExprPtr range(ExprPtr expr);
  ExprPtr matrix(ExprPtr expr, Millis range, Span brackets);
  bool offset(Expr& expr);
  bool at(Expr& expr);
  bool at_time(Expr& expr, std::optional<At>& into);
  std::optional<Millis> positive_duration();

  /// "1", "5m" or "Inf" at the token; in seconds.
  std::optional<double> number(const Token& token);
  ExprPtr make(Span span, ValueType type, Expr::Node node, std::uint32_t below);

  /// The next token, not yet taken; it is read only when it is asked for, so that an error further right does
  /// not hide one on the left.
  const Token& peek();
  Token take();
  bool peek_is(TokenKind kind) { return peek().kind == kind; }
  bool accept(TokenKind kind);
  /// "unexpected X in CONTEXT, expected EXPECTED" about the next token.
  void unexpected(std::string_view context = {}, std::string_view expected = {});

  std::string_view text_;
  Lexer lexer_;
  std::optional<Token> next_;
  std::optional<ParseError> error_;
  std::size_t last_end_ = 0;      // of the last token taken
  std::size_t depth_ = 0;         // of the recursion
  std::size_t aggregations_ = 0;  // whose brackets are open
};

/// Identifiers, and the words that are names of metrics wherever they can not be what they mean.
bool may_be_metric(TokenKind kind);

/// The semantic half (check.cpp): types, arguments, matching labels, selectors that would match everything.
std::optional<ParseError> check(Expr& expr, std::string_view text);

}  // namespace qw::promql
