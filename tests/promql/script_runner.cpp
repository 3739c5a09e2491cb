#include "tests/promql/script_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "daemon/base/pattern.hpp"
#include "daemon/base/text.hpp"
#include "daemon/promql/functions.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"
#include "tests/promql/fix_times.hpp"
#include "tests/promql/script_values.hpp"

namespace qw::promql {
namespace {

constexpr std::string_view kNativeHistograms = "native histograms are not supported";
constexpr std::string_view kTypeAndUnit = "the experimental labels __type__ and __unit__ are not supported";

/// The reason for which an expression that does not parse is left out; empty when there is none.
std::string why_left_out(std::string_view expr, const std::string& error) {
  // Whatever else is wrong with it: what is not supported need not parse either, so all names are looked up.
  constexpr std::string_view kWord = "abcdefghijklmnopqrstuvwxyz_0123456789";
  while (!expr.empty()) {
    const auto begin = std::min(expr.find_first_of(kWord), expr.size());
    expr.remove_prefix(begin);
    const auto end = std::min(expr.find_first_not_of(kWord), expr.size());
    if (const auto why = why_unsupported(expr.substr(0, end)); !why.empty()) return std::string(why);
    expr.remove_prefix(end);
  }
  return error.find("not supported") == std::string::npos ? "" : error;
}

bool expects(const EvalCommand& command, std::string_view type) {
  return command.kind == type ||
         std::ranges::any_of(command.expectations, [&](const Expectation& one) { return one.type == type; });
}

bool fits(const Expectation& expectation, const std::string& text) {
  if (expectation.text.empty()) return true;
  if (!expectation.regex) return expectation.text == text;
  const auto pattern = Pattern::compile(expectation.text);
  return pattern && pattern->found_in(text);
}

std::string check_failure(const EvalCommand& command, const std::string& message) {
  for (const auto& expectation : command.expectations) {
    if (expectation.type == "fail" && !fits(expectation, message)) {
      return fmt::format("expected the error '{}', got '{}'", expectation.text, message);
    }
  }
  return "";
}

/// The annotations of one kind against the lines about it.
std::string check_annotations(const EvalCommand& command, const Answer& answer, Annotation::Kind kind) {
  const std::string type = kind == Annotation::Kind::warning ? "warn" : "info";
  std::vector<std::string> texts;
  for (const auto& annotation : answer.annotations) {
    if (annotation.kind == kind) texts.push_back(annotation.text);
  }
  const auto joined = fmt::format("{}", fmt::join(texts, "; "));
  bool any = false;
  for (const auto& expectation : command.expectations) {
    if (expectation.type == "no_" + type && !texts.empty()) return "expected no " + type + ", got " + joined;
    if (expectation.type != type) continue;
    any = true;
    if (std::ranges::none_of(texts, [&](const std::string& text) { return fits(expectation, text); })) {
      return fmt::format("expected {} '{}', got '{}'", type, expectation.text, joined);
    }
  }
  for (const auto& text : texts) {
    if (any && std::ranges::none_of(command.expectations, [&](const Expectation& one) {
          return one.type == type && fits(one, text);
        })) {
      return fmt::format("{} '{}' was not expected", type, text);
    }
  }
  // The old language: without a word about them there are none.
  if (!command.expectations.empty() || command.kind == "ordered") return "";
  if (command.kind == type && texts.empty()) return "expected " + type + ", got none";
  if (command.kind != type && !texts.empty()) return fmt::format("{} '{}' was not expected", type, joined);
  return "";
}

}  // namespace

std::size_t ScriptReport::evals() const {
  return std::accumulate(left_out.begin(), left_out.end(), passed + differences.size(),
                         [](std::size_t sum, const auto& entry) { return sum + entry.second; });
}

ScriptRunner::ScriptRunner(bool closed) {
  options_.closed_ranges = closed;
  options_.delayed_name_removal = !closed;  // as upstream runs its own scripts
}

Result<void> ScriptRunner::run(const std::string& name, std::string_view text, ScriptReport& report) {
  source_.clear();
  const auto script = read_script(text);
  if (!script) return std::unexpected(script.error().within(name));
  for (const auto& command : *script) {
    const auto place = fmt::format("{}:{}", name, command.line);
    if (std::holds_alternative<ClearCommand>(command.what)) source_.clear();
    if (const auto* const one = std::get_if<LoadCommand>(&command.what)) {
      auto loaded = load(*one);
      if (!loaded) return std::unexpected(loaded.error().within(place));
    }
    if (const auto* const one = std::get_if<EvalCommand>(&command.what)) eval(place, *one, report);
  }
  return {};
}

Result<void> ScriptRunner::load(const LoadCommand& command) {
  for (const auto& line : command.lines) {
    auto loaded = load_line(command, line);
    if (!loaded) return loaded;
  }
  return {};
}

Result<void> ScriptRunner::load_line(const LoadCommand& command, const std::string& line) {
  const bool histograms = line.find("{{") != std::string::npos;
  const auto text = histograms ? line.substr(0, end_of_metric(line)) + " _" : line;
  const auto series = parse_series(text);
  if (!series) return fail(ErrorKind::config, "load: " + series.error().message + ": " + line);
  if (histograms) source_.forbid(series->labels, std::string(kNativeHistograms));
  if (!series->labels.get("__type__").empty() || !series->labels.get("__unit__").empty()) {
    source_.forbid(series->labels, std::string(kTypeAndUnit));
  }
  if (command.with_histograms) {
    std::string name(series->labels.get("__name__"));
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
      if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    std::vector<Labels::Pair> native;
    for (const auto& [label, value] : series->labels) {
      if (label != "le" && label != "__name__") native.emplace_back(label, value);
    }
    native.emplace_back("__name__", name);
    source_.forbid(Labels(std::move(native)), std::string(kNativeHistograms));
  }
  std::vector<Point> points;
  for (std::size_t i = 0; i < series->values.size(); ++i) {
    if (series->values[i].omitted) continue;
    points.push_back({.at = static_cast<Millis>(i) * command.step, .value = series->values[i].value});
  }
  if (!histograms) source_.add(series->labels, points);
  return {};
}

void ScriptRunner::eval(const std::string& place, const EvalCommand& command, ScriptReport& report) {
  const auto difference = [&](const std::string& text) {
    report.differences.push_back(fmt::format("{}: {}\n  {}", place, command.expr, text));
  };
  for (const auto& line : command.lines) {
    if (line.find("{{") != std::string::npos) {
      ++report.left_out[std::string(kNativeHistograms)];
      return;
    }
  }
  const auto expr = parse(command.expr);
  if (!expr) {
    if (const auto why = why_left_out(command.expr, expr.error().message); !why.empty()) {
      ++report.left_out[why];
    } else if (!expects(command, "fail")) {
      difference(expr.error().print(command.expr));
    } else if (const auto wrong = check_failure(command, expr.error().print(command.expr)); !wrong.empty()) {
      difference(wrong);
    } else {
      ++report.passed;
    }
    return;
  }
  source_.take_forbidden();
  const auto answer = command.range ? evaluate_range(**expr, source_, command.times, options_)
                                    : evaluate(**expr, source_, command.times.start, options_);
  if (const auto forbidden = source_.take_forbidden()) {
    ++report.left_out[*forbidden];
    return;
  }
  auto wrong = check(command, answer);
  if (wrong.empty() && answer && !command.range) wrong = rerun(command, report);
  if (wrong.empty()) {
    ++report.passed;
  } else {
    difference(wrong);
  }
}

std::string ScriptRunner::check(const EvalCommand& command, const Result<Answer>& answer) const {
  if (expects(command, "fail")) {
    return answer ? "expected an error" : check_failure(command, answer.error().message());
  }
  if (!answer) return "error: " + answer.error().message();
  if (auto wrong = check_values(command, *answer); !wrong.empty()) return wrong;
  if (options_.closed_ranges) return "";  // 2.x knows no annotations
  if (auto wrong = check_annotations(command, *answer, Annotation::Kind::warning); !wrong.empty())
    return wrong;
  return check_annotations(command, *answer, Annotation::Kind::info);
}

std::string ScriptRunner::check_values(const EvalCommand& command, const Answer& answer) const {
  if (const auto* const text = std::get_if<Text>(&answer.value)) {
    const auto fits_text = [&](const Expectation& one) {
      return one.type == "string" && one.text == text->value;
    };
    return std::ranges::any_of(command.expectations, fits_text) ? "" : "got the string " + text->value;
  }
  if (const auto* const scalar = std::get_if<Scalar>(&answer.value)) {
    const auto expected = command.lines.size() == 1 ? number_of(command.lines[0]) : std::nullopt;
    if (!expected) return "got the scalar " + print_value(scalar->value);
    if (nearly_equal(*expected, scalar->value)) return "";
    return fmt::format("expected {}, got {}", print_value(*expected), print_value(scalar->value));
  }
  auto expected = expected_values(command);
  if (!expected) return expected.error().message();
  return compare(std::move(*expected), values_of(answer.value), expects(command, "ordered"));
}

/// The answer must be the same in the middle of a range query, and at any time once every selector is fixed.
std::string ScriptRunner::rerun(const EvalCommand& command, ScriptReport& report) const {
  const Millis at = command.times.start;
  const auto plain = parse(command.expr);
  if ((*plain)->type != ValueType::vector || expects(command, "ordered")) return "";
  auto expected = expected_values(command);
  if (!expected) return expected.error().message();
  const auto middle = [&](const Expr& expr, Millis start, Millis time) {
    constexpr Millis kMinute = 60'000;
    const auto answer = evaluate_range(
        expr, source_, {.start = start, .end = start + 2 * kMinute, .step = kMinute}, options_);
    if (!answer) return "as a range query: error: " + answer.error().message();
    Values got;
    for (const auto& [labels, points] : values_of(answer->value).series) {
      for (const auto& point : points) {
        if (point.at == time)
          got.series.emplace_back(labels, std::vector<Point>{{.at = at, .value = point.value}});
      }
    }
    ++report.reruns;
    const auto wrong = compare(*expected, std::move(got), false);
    return wrong.empty() ? "" : "as a range query: " + wrong;
  };
  if (auto wrong = middle(**plain, at - 60'000, at); !wrong.empty()) return wrong;
  const auto fixed = parse(command.expr);
  if (!fix_times(**fixed, at)) return "";
  for (const Millis time : {-10 * at, Millis{0}, at / 5, at, 10 * at}) {
    const auto answer = evaluate(**fixed, source_, time, options_);
    if (!answer) return fmt::format("fixed, at {}: error: {}", time, answer.error().message());
    Values got = values_of(answer->value);
    for (auto& [labels, points] : got.series) points[0].at = at;
    ++report.reruns;
    const auto wrong = compare(*expected, std::move(got), false);
    if (!wrong.empty()) return fmt::format("fixed, at {}: {}", time, wrong);
  }
  return middle(**fixed, 10 * at, 10 * at + 60'000);
}

}  // namespace qw::promql
