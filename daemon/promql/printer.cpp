#include "daemon/promql/printer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "daemon/promql/functions.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

constexpr std::string_view kNameLabel = "__name__";

std::string label_name(std::string_view name) {
  return is_label_name(name) ? std::string(name) : quote(name);
}

std::string_view sign(store::MatchType type) {
  switch (type) {
    case store::MatchType::equal:
      return "=";
    case store::MatchType::not_equal:
      return "!=";
    case store::MatchType::regex:
      return "=~";
    case store::MatchType::not_regex:
      return "!~";
  }
  return "";
}

class Printer {
 public:
  void visit(const Expr& expr) {
    std::visit([this](const auto& node) { print(node); }, expr.node);
  }
  std::string take() { return std::move(out_); }

 private:
  void print(const Number& node) {
    out_ += node.duration ? print_duration(std::llround(node.value * 1000)) : print_decimal(node.value);
  }
  void print(const String& node) { out_ += quote(node.value); }

  void print(const VectorSelector& node) {
    selector(node);
    modifiers(node.at, node.offset);
  }

  void print(const MatrixSelector& node) {
    selector(node.selector);
    out_ += fmt::format("[{}]", print_duration(node.range));
    modifiers(node.selector.at, node.selector.offset);
  }

  void print(const Subquery& node) {
    visit(*node.expr);
    out_ += fmt::format("[{}:{}]", print_duration(node.range), node.step ? print_duration(*node.step) : "");
    modifiers(node.at, node.offset);
  }

  void print(const Paren& node) {
    out_ += '(';
    visit(*node.expr);
    out_ += ')';
  }

  void print(const Unary& node) {
    out_ += node.minus ? '-' : '+';
    visit(*node.expr);
  }

  void print(const Binary& node) {
    // A sign binds less than `^`, so that "+Inf ^ 2" would be +(Inf ^ 2).
    const auto* const base = node.op == BinaryOp::pow ? std::get_if<Number>(&node.left->node) : nullptr;
    if (base && std::isinf(base->value)) {
      out_ += "Inf";
    } else {
      visit(*node.left);
    }
    out_ += fmt::format(" {}{}", name(node.op), node.return_bool ? " bool" : "");
    if (node.matching) matching(*node.matching);
    out_ += ' ';
    visit(*node.right);
  }

  void print(const Aggregate& node) {
    out_ += name(node.op);
    if (node.without || !node.grouping.empty()) {
      out_ += node.without ? " without " : " by ";
      labels(node.grouping);
      out_ += ' ';
    }
    out_ += '(';
    if (node.parameter) {
      visit(*node.parameter);
      out_ += ", ";
    }
    visit(*node.expr);
    out_ += ')';
  }

  void print(const Call& node) {
    out_ += node.function->name;
    out_ += '(';
    for (std::size_t i = 0; i < node.arguments.size(); ++i) {
      if (i > 0) out_ += ", ";
      visit(*node.arguments[i]);
    }
    out_ += ')';
  }

  /// The matchers in alphabetical order, as Prometheus has them.
  void selector(const VectorSelector& node) {
    std::vector<std::string> matchers;
    for (const auto& matcher : node.matchers) {
      const bool is_name = matcher.label == kNameLabel && matcher.type == store::MatchType::equal &&
                           matcher.value == node.name && !node.name.empty();
      if (is_name) continue;
      matchers.push_back(label_name(matcher.label) + std::string(sign(matcher.type)) + quote(matcher.value));
    }
    std::ranges::sort(matchers);
    out_ += node.name;
    if (!matchers.empty()) out_ += fmt::format("{{{}}}", fmt::join(matchers, ","));
  }

  void modifiers(const std::optional<At>& at, Millis offset) {
    if (at) {
      const auto seconds = static_cast<double>(at->time) / 1000;
      out_ += at->kind == At::Kind::start ? " @ start()"
              : at->kind == At::Kind::end ? " @ end()"
                                          : fmt::format(" @ {:.3f}", seconds);
    }
    if (offset != 0) out_ += " offset " + print_duration(offset);
  }

  void matching(const VectorMatching& node) {
    const bool grouped =
        node.cardinality == Cardinality::many_to_one || node.cardinality == Cardinality::one_to_many;
    if (node.on || grouped || !node.labels.empty()) {
      out_ += node.on ? " on " : " ignoring ";
      labels(node.labels);
    }
    if (!grouped) return;
    out_ += node.cardinality == Cardinality::many_to_one ? " group_left " : " group_right ";
    labels(node.include);
  }

  void labels(const std::vector<std::string>& names) {
    out_ += '(';
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += label_name(names[i]);
    }
    out_ += ')';
  }

  std::string out_;
};

}  // namespace

std::string print(const Expr& expr) {
  Printer printer;
  printer.visit(expr);
  return printer.take();
}

std::string print(const Labels& labels) {
  const auto metric = labels.get(kNameLabel);
  const bool plain = is_metric_name(metric);
  std::vector<std::string> parts;
  if (!metric.empty() && !plain) parts.push_back(quote(metric));
  for (const auto& [name, value] : labels) {
    if (name != kNameLabel) parts.push_back(label_name(name) + "=" + quote(value));
  }
  std::string out(plain ? metric : std::string_view());
  if (!parts.empty() || !plain) out += fmt::format("{{{}}}", fmt::join(parts, ", "));
  return out;
}

std::string print_value(double value) {
  if (!std::isfinite(value)) return print_decimal(value);
  std::array<char, 64> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string text(buffer.data(), written.ptr);
  const auto exponent = std::stoi(text.substr(text.find('e') + 1));
  // Where Go changes over when it is asked for the shortest form.
  return exponent < -4 || exponent >= 6 ? text : print_decimal(value);
}

}  // namespace qw::promql
