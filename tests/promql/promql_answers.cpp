// promql_answers [--closed]: reads series and queries from standard input and prints what our evaluator makes
// of them; the other half of `differential`. Numbers travel as text that gives the same double back.
//
//   series LABELS<tab>TIME VALUE TIME VALUE ...          times in ms; VALUE "stale" is the stale marker
//   query START END STEP EXPRESSION                      STEP 0: an instant query at START
//
// The answer to a query: "error TEXT", "scalar VALUE", "string", "vector N" or "matrix N" and N lines of
// LABELS<tab>TIME VALUE ...; labels are printed with their names in order.
#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "daemon/base/text.hpp"
#include "daemon/promql/evaluator.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"
#include "daemon/store/store.hpp"
#include "tests/promql/memory_source.hpp"

namespace {

using qw::promql::Millis;

[[noreturn]] void give_up(std::string_view line) {
  fmt::print(stderr, "promql_answers: can not read: {}\n", line);
  std::exit(2);
}

Millis number(std::string_view text, std::string_view line) {
  Millis value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) give_up(line);
  return value;
}

double value_of(const std::string& text) {
  return text == "stale" ? qw::store::stale_marker() : std::strtod(text.c_str(), nullptr);
}

void add_series(qw::promql::MemorySource& source, std::string_view line) {
  const auto tab = line.find('\t');
  if (tab == std::string_view::npos) give_up(line);
  const auto series = qw::promql::parse_series(std::string(line.substr(0, tab)) + " _");
  if (!series) give_up(line);
  const auto words = qw::split(line.substr(tab + 1), ' ');
  std::vector<qw::promql::Point> points;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    points.push_back({.at = number(words[i], line), .value = value_of(std::string(words[i + 1]))});
  }
  source.add(series->labels, points);
}

std::string print_value(double value) {
  return fmt::format("{}", value);
}

struct Print {
  void operator()(const qw::promql::Scalar& scalar) const {
    fmt::print("scalar {}\n", print_value(scalar.value));
  }
  void operator()(const qw::promql::Text& /*text*/) const { fmt::print("string\n"); }
  void operator()(const qw::promql::Vector& vector) const {
    fmt::print("vector {}\n", vector.size());
    for (const auto& sample : vector) {
      fmt::print("{}\t{} {}\n", qw::promql::print(sample.labels), sample.at, print_value(sample.value));
    }
  }
  void operator()(const qw::promql::Matrix& matrix) const {
    fmt::print("matrix {}\n", matrix.size());
    for (const auto& series : matrix) {
      fmt::print("{}\t", qw::promql::print(series.labels));
      for (const auto& point : series.points) fmt::print("{} {} ", point.at, print_value(point.value));
      fmt::print("\n");
    }
  }
};

void answer(const qw::promql::MemorySource& source, std::string_view line,
            const qw::promql::Options& options) {
  std::string_view rest = line;
  Millis times[3] = {};
  for (auto& time : times) {
    const auto blank = rest.find(' ');
    if (blank == std::string_view::npos) give_up(line);
    time = number(rest.substr(0, blank), line);
    rest.remove_prefix(blank + 1);
  }
  const auto expr = qw::promql::parse(rest);
  if (!expr) {
    fmt::print("error {}\n", expr.error().print(rest));
    return;
  }
  const auto [start, end, step] = times;
  const auto found = step == 0 ? qw::promql::evaluate(**expr, source, start, options)
                               : qw::promql::evaluate_range(
                                     **expr, source, {.start = start, .end = end, .step = step}, options);
  if (!found) {
    fmt::print("error {}\n", found.error().message());
    return;
  }
  std::visit(Print(), found->value);
}

}  // namespace

int main(int argc, char** argv) {
  qw::promql::Options options;
  options.closed_ranges = argc > 1 && std::string_view(argv[1]) == "--closed";
  // A 2.42 server sorts the series, 3.15 gives them in the order in which they came.
  using Order = qw::promql::MemorySource::Order;
  qw::promql::MemorySource source(options.closed_ranges ? Order::labels : Order::added);
  for (std::string line; std::getline(std::cin, line);) {
    const std::string_view text = line;
    if (text.starts_with("series ")) {
      add_series(source, text.substr(7));
    } else if (text.starts_with("query ")) {
      answer(source, text.substr(6), options);
    } else {
      give_up(line);
    }
  }
  return 0;
}
