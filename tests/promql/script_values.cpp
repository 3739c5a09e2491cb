#include "tests/promql/script_values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"

namespace qw::promql {
namespace {

std::string print_points(const std::vector<Point>& points) {
  std::string out;
  for (const auto& point : points) out += fmt::format(" {}@{}", print_value(point.value), point.at);
  return out;
}

bool equal(const std::vector<Point>& a, const std::vector<Point>& b) {
  return std::ranges::equal(
      a, b, [](const Point& x, const Point& y) { return x.at == y.at && nearly_equal(x.value, y.value); });
}

}  // namespace

bool nearly_equal(double a, double b) {
  constexpr double kTolerance = 1e-6;
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= kTolerance * std::max(std::abs(a), std::abs(b));
}

std::optional<double> number_of(const std::string& line) {
  if (line.empty() || line.find_first_of("{ \t") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(line.c_str(), &end);
  if (end != line.c_str() + line.size()) return std::nullopt;
  return value;
}

std::string Values::print() const {
  std::string out;
  for (const auto& [labels, points] : series) {
    out += fmt::format("\n    {}{}", promql::print(labels), print_points(points));
  }
  return out.empty() ? " nothing" : out;
}

std::string compare(Values expected, Values got, bool ordered) {
  const std::string texts = fmt::format("expected{}\n  got{}", expected.print(), got.print());
  if (!ordered) {
    std::ranges::sort(expected.series, {}, &std::pair<Labels, std::vector<Point>>::first);
    std::ranges::sort(got.series, {}, &std::pair<Labels, std::vector<Point>>::first);
  }
  const bool same = std::ranges::equal(expected.series, got.series, [](const auto& a, const auto& b) {
    return a.first == b.first && equal(a.second, b.second);
  });
  return same ? "" : texts;
}

Result<Values> expected_values(const EvalCommand& command) {
  Values out;
  Times times = command.times;
  for (const auto& expectation : command.expectations) {
    if (expectation.type != "range vector") continue;
    const auto script = read_script("eval range " + expectation.text + " 1");
    if (!script) return std::unexpected(script.error());
    times = std::get<EvalCommand>((*script)[0].what).times;
  }
  for (const auto& line : command.lines) {
    const auto series = parse_series(line);
    if (!series) return fail(ErrorKind::config, "expected line: " + series.error().message);
    std::vector<Point> points;
    for (std::size_t i = 0; i < series->values.size(); ++i) {
      if (series->values[i].omitted) continue;
      points.push_back(
          {.at = times.start + static_cast<Millis>(i) * times.step, .value = series->values[i].value});
    }
    if (!points.empty()) out.series.emplace_back(series->labels, std::move(points));
  }
  return out;
}

Values values_of(const Value& value) {
  Values out;
  if (const auto* const vector = std::get_if<Vector>(&value)) {
    for (const auto& sample : *vector) {
      out.series.emplace_back(sample.labels, std::vector<Point>{{.at = sample.at, .value = sample.value}});
    }
  } else if (const auto* const matrix = std::get_if<Matrix>(&value)) {
    for (const auto& series : *matrix) out.series.emplace_back(series.labels, series.points);
  }
  return out;
}

}  // namespace qw::promql
