#include "daemon/rules/template_parser.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "daemon/base/utf8.hpp"
#include "daemon/rules/go_format.hpp"
#include "daemon/rules/template_functions.hpp"
#include "daemon/rules/template_lexer.hpp"

namespace qw::rules {
namespace {

using Kind = TemplateToken::Kind;

[[noreturn]] void refuse(std::size_t at, std::string message) {
  throw TemplateError{at, std::move(message)};
}

std::string quoted_value(const TemplateToken& token) {
  return token.kind == Kind::end_of_text ? "EOF" : fmt::format("\"{}\"", token.text);
}

void append_code_point(std::string& out, std::uint32_t code, std::size_t at) {
  if (code > 0x10ffff) refuse(at, "invalid syntax");
  const std::int64_t value = code;
  const TemplateValue argument(value);
  out += go_printf("%c", std::span(&argument, 1));
}

/// What stands between the quotes, as strconv.Unquote reads it.
std::string unquote(const TemplateToken& token) {
  const auto text = token.text.substr(1, token.text.size() - 2);
  if (token.kind == Kind::raw_string) return std::string(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    constexpr std::string_view kNames = "abfnrtv\\\"'", kValues = "\a\b\f\n\r\t\v\\\"'";
    const char c = ++i < text.size() ? text[i] : '\0';
    if (const auto known = kNames.find(c); c != '\0' && known != std::string_view::npos) {
      out += kValues[known];
      continue;
    }
    const bool octal = c >= '0' && c <= '7';
    const std::size_t size = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : octal ? 3 : 0;
    const auto digits = size > 0 ? text.substr(octal ? i : i + 1, size) : std::string_view();
    std::uint32_t code = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, octal ? 8 : 16);
    if (size == 0 || digits.size() != size || read.ptr != digits.data() + digits.size() ||
        read.ec != std::errc()) {
      refuse(token.position, fmt::format("invalid syntax: {}", token.text));
    }
    if (c == 'u' || c == 'U') {
      append_code_point(out, code, token.position);
    } else {
      if (code > 0xff) refuse(token.position, fmt::format("invalid syntax: {}", token.text));
      out += static_cast<char>(code);
    }
    i += octal ? size - 1 : size;
  }
  return out;
}

/// A constant is an int when it is written as one.
TemplateValue number_value(const TemplateToken& token) {
  std::string text;
  for (const char c : token.text) {
    if (c != '_') text += c;
  }
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  const auto base_of = [&] {
    if (digits.size() < 2 || digits[0] != '0') return 10;
    const char c = static_cast<char>(digits[1] | 0x20);
    return c == 'x' ? 16 : c == 'b' ? 2 : 8;
  };
  const int base = base_of();
  if (base == 10 && digits.find_first_of(".eE") != std::string_view::npos) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (*end != '\0' || std::isinf(value))
      refuse(token.position, "bad number syntax: " + quoted_value(token));
    return value;
  }
  if (base == 8 && digits.find_first_of(".eE") != std::string_view::npos) {
    return std::strtod(text.c_str(), nullptr);
  }
  auto body = digits;
  if (base == 16 || base == 2 || (base == 8 && digits.size() > 1 && (digits[1] | 0x20) == 'o')) {
    body.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto read = std::from_chars(body.data(), body.data() + body.size(), value, base);
  if (body.empty() || read.ptr != body.data() + body.size() || read.ec != std::errc() ||
      value > 0x7fffffffffffffffULL) {
    refuse(token.position, "integer overflow: " + quoted_value(token));
  }
  return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), tokens_(lex_template(text)) {}

  TemplateTree run() {
    TemplateTree tree;
    tree.text = std::string(text_);
    variables_ = {"$", "$labels", "$externalLabels", "$externalURL", "$value"};
    tree_ = &tree;
    tree.root = list({}, "");
    return tree;
  }

 private:
  /// Counts how deep the recursion is.
  class Level {
   public:
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxTemplateDepth) {
        refuse(parser_.peek().position, fmt::format("nested deeper than {} levels", kMaxTemplateDepth));
      }
    }
    ~Level() { --parser_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Parser& parser_;
  };

  const TemplateToken& peek() const { return tokens_[at_]; }
  const TemplateToken& next() {
    const auto& token = tokens_[at_];
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  void skip_space() {
    while (peek().kind == Kind::space) ++at_;
  }
  [[noreturn]] void unexpected(const TemplateToken& token, std::string_view where) const {
    if (token.kind == Kind::end_of_text) refuse(token.position, "unexpected EOF");
    if (token.kind == Kind::close) refuse(token.position, "unexpected right paren");
    if (token.kind == Kind::dot) refuse(token.position, fmt::format("unexpected <.> in {}", where));
    refuse(token.position, fmt::format("unexpected {} in {}", quoted_value(token), where));
  }

  static bool is_end(std::string_view word, std::span<const std::string_view> ends) {
    for (const auto end : ends) {
      if (word == end) return true;
    }
    return false;
  }

  /// Nodes up to an action that is one of `ends`, which becomes `end_word_` with the cursor behind the word;
  /// without `ends` up to the end of the text.
  TemplateNodes list(std::span<const std::string_view> ends, std::string_view of) {
    const Level level(*this);
    TemplateNodes nodes;
    while (true) {
      const auto& token = next();
      if (token.kind == Kind::end_of_text) {
        if (!ends.empty()) refuse(token.position, fmt::format("unexpected EOF: {{{{{}}}}} has no end", of));
        return nodes;
      }
      if (token.kind == Kind::text) {
        TemplateNode node;
        node.begin = token.position;
        node.end = token.position + token.text.size();
        node.text = std::string(token.text);
        nodes.push_back(std::move(node));
        continue;
      }
      skip_space();
      const auto& word = peek();
      if (word.kind == Kind::word && is_end(word.text, ends)) {
        end_word_ = word.text;
        next();
        return nodes;
      }
      if (auto node = action(token, ends.empty())) nodes.push_back(std::move(*node));
    }
  }

  std::optional<TemplateNode> action(const TemplateToken& left, bool top) {
    const auto& word = peek();
    if (word.kind == Kind::word) {
      if (word.text == "if" || word.text == "range" || word.text == "with") {
        next();
        return control(left, word.text);
      }
      if (word.text == "template") return call(left);
      if (word.text == "block") return block(left);
      if (word.text == "define") {
        if (!top) refuse(word.position, "unexpected {{define}}");
        define();
        return std::nullopt;
      }
      if (word.text == "break" || word.text == "continue") return jump(left);
      if (word.text == "end" || word.text == "else") {
        refuse(word.position, fmt::format("unexpected {{{{{}}}}}", word.text));
      }
    }
    TemplateNode node;
    node.kind = TemplateNode::Kind::action;
    node.begin = left.position;
    node.pipeline = pipeline("command", Kind::right);
    node.end = tokens_[at_ - 1].position;
    return node;
  }

  TemplateNode control(const TemplateToken& left, std::string_view word) {
    const Level level(*this);
    const auto known = variables_.size();
    TemplateNode node;
    node.kind = word == "if"      ? TemplateNode::Kind::if_
                : word == "range" ? TemplateNode::Kind::range
                                  : TemplateNode::Kind::with;
    node.begin = left.position;
    node.pipeline = pipeline(word, Kind::right);
    node.end = tokens_[at_ - 1].position;
    ranges_ += word == "range" ? 1 : 0;
    constexpr std::array<std::string_view, 2> kEnds{"else", "end"};
    node.body = list(kEnds, word);
    ranges_ -= word == "range" ? 1 : 0;
    if (end_word_ == "else")
      otherwise(node, left, word);
    else
      close("end");
    variables_.resize(known);
    return node;
  }

  void otherwise(TemplateNode& node, const TemplateToken& left, std::string_view word) {
    skip_space();
    // `{{else if x}}` is an if within the else that shares its end.
    if (peek().kind == Kind::word && (peek().text == "if" || peek().text == "with") && peek().text == word) {
      const auto inner = next().text;
      node.otherwise.push_back(control(left, inner));
      return;
    }
    close("else");
    constexpr std::array<std::string_view, 1> kEnd{"end"};
    node.otherwise = list(kEnd, word);
    close("end");
  }

  /// The `}}` after a word.
  void close(std::string_view where) {
    skip_space();
    const auto& token = next();
    if (token.kind != Kind::right) unexpected(token, where);
  }

  std::string name_of(std::string_view where) {
    skip_space();
    const auto& token = next();
    if (token.kind != Kind::string && token.kind != Kind::raw_string) unexpected(token, where);
    return unquote(token);
  }

  TemplateNode call(const TemplateToken& left) {
    next();
    TemplateNode node;
    node.kind = TemplateNode::Kind::call;
    node.begin = left.position;
    node.text = name_of("template clause");
    skip_space();
    if (peek().kind == Kind::right) {
      next();
    } else {
      node.pipeline = pipeline("template clause", Kind::right);
    }
    node.end = tokens_[at_ - 1].position + tokens_[at_ - 1].text.size();
    return node;
  }

  /// A template of its own sees no variables of the outer one but `$`.
  TemplateNodes body_of(std::string_view where) {
    const auto variables = std::exchange(variables_, {"$"});
    const auto ranges = std::exchange(ranges_, 0);
    constexpr std::array<std::string_view, 1> kEnd{"end"};
    auto body = list(kEnd, where);
    close("end");
    variables_ = variables;
    ranges_ = ranges;
    return body;
  }

  void define() {
    next();
    const auto name = name_of("define clause");
    close("define clause");
    tree_->defined[name] = body_of("define");
  }

  TemplateNode block(const TemplateToken& left) {
    next();
    TemplateNode node;
    node.kind = TemplateNode::Kind::call;
    node.begin = left.position;
    node.text = name_of("block clause");
    node.pipeline = pipeline("block clause", Kind::right);
    node.end = tokens_[at_ - 1].position;
    auto body = body_of("block");
    tree_->defined.try_emplace(node.text, std::move(body));
    return node;
  }

  TemplateNode jump(const TemplateToken& left) {
    const auto& word = next();
    skip_space();
    const auto& token = next();
    if (token.kind != Kind::right) unexpected(token, fmt::format("{{{{{}}}}}", word.text));
    if (ranges_ == 0) {
      refuse(word.position, fmt::format("{{{{{}}}}} outside {{{{range}}}}", word.text));
    }
    TemplateNode node;
    node.kind = word.text == "break" ? TemplateNode::Kind::break_ : TemplateNode::Kind::continue_;
    node.begin = left.position;
    return node;
  }

  TemplatePipelinePtr pipeline(std::string_view context, Kind end) {
    const Level level(*this);
    auto pipe = std::make_unique<TemplatePipeline>();
    skip_space();
    pipe->begin = peek().position;
    declarations(*pipe, context);
    while (true) {
      skip_space();
      const auto& token = peek();
      if (token.kind == end) {
        pipe->end = end_of(at_ > 0 ? at_ - 1 : 0);
        next();
        check(*pipe, context, token);
        return pipe;
      }
      switch (token.kind) {
        case Kind::character:
        case Kind::dot:
        case Kind::field:
        case Kind::word:
        case Kind::number:
        case Kind::raw_string:
        case Kind::string:
        case Kind::variable:
        case Kind::open:
          pipe->commands.push_back(command());
          break;
        case Kind::end_of_text:
          refuse(token.position, end == Kind::close ? "unclosed left paren" : "unexpected EOF");
        case Kind::right:
          refuse(token.position, "unclosed left paren");
        default:
          unexpected(token, context);
      }
    }
  }

  /// Where the last token before the blanks ends.
  std::size_t end_of(std::size_t token) const {
    while (token > 0 && tokens_[token].kind == Kind::space) --token;
    return tokens_[token].position + tokens_[token].text.size();
  }

  /// `$x :=`, `$x =` and, in a range, `$i, $x :=`.
  void declarations(TemplatePipeline& pipe, std::string_view context) {
    while (peek().kind == Kind::variable) {
      const auto start = at_;
      const auto name = std::string(next().text);
      skip_space();
      if (peek().kind == Kind::declare || peek().kind == Kind::assign) {
        pipe.assigns = next().kind == Kind::assign;
        pipe.variables.push_back(name);
        break;
      }
      if (peek().kind == Kind::other && peek().text == ",") {
        next();
        if (context != "range" || !pipe.variables.empty()) {
          refuse(tokens_[start].position, fmt::format("too many declarations in {}", context));
        }
        pipe.variables.push_back(name);
        skip_space();
        if (peek().kind != Kind::variable) {
          refuse(peek().position, "range can only initialize variables");
        }
        continue;
      }
      at_ = start;
      break;
    }
    // Known only from here on, as in Go; assignments to unknown ones fail when they are reached, and here.
    for (const auto& name : pipe.variables) {
      if (pipe.assigns) {
        use_variable(name, pipe.begin);
      } else {
        variables_.push_back(name);
      }
    }
  }

  void use_variable(const std::string& name, std::size_t at) const {
    for (const auto& known : variables_) {
      if (known == name) return;
    }
    refuse(at, fmt::format("undefined variable \"{}\"", name));
  }

  static void check(const TemplatePipeline& pipe, std::string_view context, const TemplateToken& token) {
    if (pipe.commands.empty()) refuse(token.position, fmt::format("missing value for {}", context));
    for (std::size_t i = 1; i < pipe.commands.size(); ++i) {
      const auto& first = pipe.commands[i].operands.front();
      const bool constant = first.kind == TemplateOperand::Kind::constant ||
                            first.kind == TemplateOperand::Kind::dot ||
                            first.kind == TemplateOperand::Kind::nil;
      if (constant) {
        refuse(first.position, fmt::format("non executable command in pipeline stage {}", i + 1));
      }
    }
  }

  TemplateCommand command() {
    TemplateCommand out;
    out.begin = peek().position;
    while (true) {
      skip_space();
      if (auto found = operand()) {
        out.end = end_of(at_ - 1);
        out.operands.push_back(std::move(*found));
      }
      const auto& token = peek();
      if (token.kind == Kind::space) {
        next();
        continue;
      }
      if (token.kind == Kind::pipe) {
        next();
        skip_space();
        if (peek().kind == Kind::right || peek().kind == Kind::close) {
          refuse(peek().position, "missing value for command");
        }
      } else if (token.kind != Kind::right && token.kind != Kind::close) {
        if (token.kind == Kind::other) unexpected(token, "command");
        unexpected(token, "operand");
      }
      break;
    }
    if (out.operands.empty()) refuse(out.begin, "empty command");
    return out;
  }

  std::optional<TemplateOperand> operand() {
    auto term = this->term();
    if (!term) return std::nullopt;
    if (peek().kind == Kind::field) {
      if (term->kind == TemplateOperand::Kind::constant || term->kind == TemplateOperand::Kind::nil ||
          term->kind == TemplateOperand::Kind::dot) {
        refuse(peek().position, fmt::format("unexpected . after term \"{}\"",
                                            text_.substr(term->begin, peek().position - term->begin)));
      }
    }
    while (peek().kind == Kind::field) {
      term->position = peek().position;
      term->fields.emplace_back(next().text.substr(1));
    }
    term->end = end_of(at_ - 1);
    return term;
  }

  std::optional<TemplateOperand> term() {
    const auto& token = peek();
    TemplateOperand out;
    out.position = out.begin = token.position;
    switch (token.kind) {
      case Kind::word:
        next();
        word(token, out);
        break;
      case Kind::dot:
        next();
        break;
      case Kind::field:
        next();
        out.kind = TemplateOperand::Kind::field;
        out.fields.emplace_back(token.text.substr(1));
        break;
      case Kind::variable:
        next();
        out.kind = TemplateOperand::Kind::variable;
        out.name = std::string(token.text);
        use_variable(out.name, token.position);
        break;
      case Kind::number:
        next();
        out.kind = TemplateOperand::Kind::constant;
        out.constant = number_value(token);
        break;
      case Kind::character:
        next();
        out.kind = TemplateOperand::Kind::constant;
        out.constant = character(token);
        break;
      case Kind::string:
      case Kind::raw_string:
        next();
        out.kind = TemplateOperand::Kind::constant;
        out.constant = unquote(token);
        break;
      case Kind::open:
        next();
        out.kind = TemplateOperand::Kind::pipeline;
        out.pipeline = pipeline("parenthesized pipeline", Kind::close);
        break;
      default:
        return std::nullopt;
    }
    return out;
  }

  void word(const TemplateToken& token, TemplateOperand& out) const {
    if (token.text == "true" || token.text == "false") {
      out.kind = TemplateOperand::Kind::constant;
      out.constant = token.text == "true";
    } else if (token.text == "nil") {
      out.kind = TemplateOperand::Kind::nil;
    } else {
      if (!is_template_function(token.text)) {
        refuse(token.position, fmt::format("function \"{}\" not defined", token.text));
      }
      out.kind = TemplateOperand::Kind::function;
      out.name = std::string(token.text);
    }
  }

  static TemplateValue character(const TemplateToken& token) {
    const auto text = unquote(token);
    if (text.empty() || next_code_point(text).size != text.size()) {
      refuse(token.position, fmt::format("malformed character constant: {}", token.text));
    }
    return static_cast<std::int64_t>(next_code_point(text).value);
  }

  std::string_view text_;
  std::vector<TemplateToken> tokens_;
  std::size_t at_ = 0;
  std::vector<std::string> variables_;
  std::string_view end_word_;
  int ranges_ = 0;
  int depth_ = 0;
  TemplateTree* tree_ = nullptr;
};

}  // namespace

std::expected<TemplateTree, TemplateError> parse_template(std::string_view text) {
  if (text.size() > kMaxTemplate) {
    return std::unexpected(TemplateError{0, fmt::format("larger than {} KiB", kMaxTemplate >> 10U)});
  }
  try {
    return Parser(text).run();
  } catch (TemplateError& error) {
    return std::unexpected(std::move(error));
  }
}

}  // namespace qw::rules
