#include "tests/promql/script.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

/// The first word, which is taken out of `text`.
std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text = trim(text.substr(prefix.size()));
  return true;
}

/// "5m", "-1m30s", or seconds: "0", "8000".
std::optional<Millis> time_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  Millis time = 0;
  if (error == std::errc() && end == text.data() + text.size()) {
    time = static_cast<Millis>(seconds * 1000);
  } else {
    const auto duration = parse_duration(text);
    if (!duration) return std::nullopt;
    time = *duration;
  }
  return negative ? -time : time;
}

/// "from 0 to 5m step 1m"
bool take_times(std::string_view& text, Times& times) {
  if (!take(text, "from ")) return false;
  const auto from = time_of(take_word(text));
  if (!take(text, "to ")) return false;
  const auto to = time_of(take_word(text));
  if (!take(text, "step ")) return false;
  const auto step = time_of(take_word(text));
  if (!from || !to || !step) return false;
  times = {.start = *from, .end = *to, .step = *step};
  return true;
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '`') && text.back() == text[0]) {
    return std::string(text.substr(1, text.size() - 2));
  }
  return std::string(text);
}

std::optional<Expectation> expectation_of(std::string_view line) {
  Expectation out;
  if (take(line, "expected_fail_message")) {
    return Expectation{.type = "fail", .text = std::string(line)};
  }
  if (take(line, "expected_fail_regexp")) {
    return Expectation{.type = "fail", .regex = true, .text = std::string(line)};
  }
  if (!take(line, "expect ")) return std::nullopt;
  out.type = take_word(line);
  if (out.type == "range") {
    take_word(line);
    out.type = "range vector";
    out.text = line;
  } else if (take(line, "msg:")) {
    out.text = unquoted(line);
  } else if (take(line, "regex:")) {
    out.regex = true;
    out.text = unquoted(line);
  } else {
    out.text = unquoted(line);
  }
  return out;
}

class Reader {
 public:
  explicit Reader(std::string_view text) {
    for (const auto line : split(text, '\n')) {
      const auto trimmed = trim(line);
      // A comment is an empty line, and so ends a block.
      lines_.push_back(trimmed.starts_with('#') ? std::string_view() : trimmed);
    }
  }

  Result<std::vector<Command>> read() {
    std::vector<Command> commands;
    while (at_ < lines_.size()) {
      if (lines_[at_].empty()) {
        ++at_;
        continue;
      }
      const std::size_t line = at_ + 1;
      auto what = command();
      if (!what) return std::unexpected(what.error().within(fmt::format("line {}", line)));
      commands.push_back({.line = line, .what = std::move(*what)});
    }
    return commands;
  }

 private:
  using What = decltype(Command::what);

  static bool begins_command(std::string_view line) {
    return line.starts_with("load ") || line.starts_with("load_with_nhcb ") || line == "clear" ||
           line.starts_with("eval ") || line.starts_with("eval_");
  }

  /// The lines up to the next empty one or the next command.
  std::vector<std::string_view> block() {
    std::vector<std::string_view> out;
    while (at_ < lines_.size() && !lines_[at_].empty() && !begins_command(lines_[at_]))
      out.push_back(lines_[at_++]);
    return out;
  }

  Result<What> command() {
    std::string_view line = lines_[at_++];
    const auto word = take_word(line);
    if (word == "clear") return What(ClearCommand());
    if (word == "load" || word == "load_with_nhcb") {
      const auto step = time_of(line);
      if (!step) return fail(ErrorKind::config, fmt::format("'{}' is no duration", line));
      LoadCommand load{.step = *step, .with_histograms = word != "load", .lines = {}};
      for (const auto one : block()) load.lines.emplace_back(one);
      return What(std::move(load));
    }
    if (word == "eval" || word.starts_with("eval_")) return eval(word, line);
    return fail(ErrorKind::config, fmt::format("'{}' is no command", word));
  }

  Result<What> eval(std::string_view word, std::string_view line) {
    EvalCommand out;
    if (word != "eval") out.kind = word.substr(5);
    if (take(line, "range ")) {
      out.range = true;
      if (!take_times(line, out.times)) return fail(ErrorKind::config, "a range query without its times");
    } else if (take(line, "instant ") && take(line, "at ")) {
      const auto at = time_of(take_word(line));
      if (!at) return fail(ErrorKind::config, "an instant query without its time");
      out.times = {.start = *at, .end = *at, .step = 0};
    } else {
      return fail(ErrorKind::config, "neither an instant nor a range query");
    }
    out.expr = line;
    for (const auto one : block()) {
      if (auto expectation = expectation_of(one)) {
        out.expectations.push_back(std::move(*expectation));
      } else {
        out.lines.emplace_back(one);
      }
    }
    return What(std::move(out));
  }

  std::vector<std::string_view> lines_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<Command>> read_script(std::string_view text) {
  return Reader(text).read();
}

std::size_t end_of_metric(std::string_view line) {
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (inside && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '{' || c == '}') {
      inside = c == '{';
    } else if (!inside && (c == ' ' || c == '\t') && i > 0) {
      // A blank before the brace belongs to the metric.
      const auto next = line.find_first_not_of(" \t", i);
      if (next == std::string_view::npos || line[next] != '{' || line.substr(next).starts_with("{{"))
        return i;
    }
  }
  return line.size();
}

}  // namespace qw::promql
