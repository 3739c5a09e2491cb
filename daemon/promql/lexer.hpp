#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "daemon/promql/ast.hpp"

/// The words of PromQL. Used by the parser alone; a header of its own for the fuzzer.
namespace qw::promql {

enum class TokenKind : std::uint8_t {
  end,
  error,  ///< Token::value says what is wrong
  // punctuation
  left_paren,
  right_paren,
  left_brace,
  right_brace,
  left_bracket,
  right_bracket,
  comma,
  colon,
  equal,  ///< `=`
  at,
  // operators
  add,
  sub,
  mul,
  div,
  mod,
  pow,
  eq,  ///< `==`
  ne,
  lt,
  le,
  gt,
  ge,
  regex,
  not_regex,
  and_,
  or_,
  unless,
  atan2,
  // words
  aggregator,  ///< Token::aggregate says which
  offset,
  by,
  without,
  on,
  ignoring,
  group_left,
  group_right,
  bool_,
  start,
  end_word,  ///< `end`
  // the rest
  identifier,
  metric_identifier,  ///< with a colon
  string,             ///< Token::value is what it stands for
  number,
  duration,
};

struct Token {
  TokenKind kind = TokenKind::end;
  Span span;
  std::string_view text;  ///< as it is written
  std::string value;      ///< of strings and errors
  AggregateOp aggregate = AggregateOp::sum;
};

/// How a message names the token: `identifier "foo"`, `<op:+>`, `end of input`.
std::string describe(const Token& token);

/// Which token a word is, known in any case: a keyword (for aggregators which one), "inf" and "nan" as
/// numbers, or an identifier.
TokenKind keyword(std::string_view word, AggregateOp& aggregate);
/// A letter, a digit or an underscore.
bool is_word_character(char c);

/// Gives the tokens one by one; which ones there are depends on the brackets around them. The text must
/// outlive it. After an error or the end it gives that for ever.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}
  Token next();
  /// Behind the last token.
  std::size_t position() const { return pos_; }

 private:
  Token in_expression();
  Token in_braces();
  Token in_brackets();
  Token string(char quote);
  bool escape(char quote, Token& token);
  Token number_or_duration();
  bool scan_number();
  bool scan_rest_of_duration();
  Token word(bool keywords);
  Token comparison(char first);

  void skip_blanks();
  char peek(std::size_t ahead = 0) const { return pos_ + ahead < text_.size() ? text_[pos_ + ahead] : '\0'; }
  bool accept(std::string_view set);
  Token token(TokenKind kind) const;
  Token one(TokenKind kind);
  Token fail(std::string message);
  Token fail_at_character(std::string_view what);

  std::string_view text_;
  std::size_t pos_ = 0;
  std::size_t start_ = 0;  // of the token in the making
  std::size_t parens_ = 0;
  bool braces_ = false;
  bool brackets_ = false;
  bool colon_ = false;        // seen in these brackets
  bool bracket_new_ = false;  // nothing yet seen in these brackets
  bool failed_ = false;
  std::string failure_;
};

}  // namespace qw::promql
