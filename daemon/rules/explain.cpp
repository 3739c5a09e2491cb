#include "daemon/rules/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/promql/parser.hpp"
#include "daemon/promql/printer.hpp"
#include "daemon/rules/go_format.hpp"

namespace qw::rules {
namespace {

using promql::Expr;

/// Results of one node that are shown.
constexpr std::size_t kMostShown = 10;

std::vector<const Expr*> children(const Expr& expr) {
  std::vector<const Expr*> out;
  std::visit(
      [&out](const auto& node) {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, promql::Subquery> || std::is_same_v<Node, promql::Paren> ||
                      std::is_same_v<Node, promql::Unary>) {
          out.push_back(node.expr.get());
        } else if constexpr (std::is_same_v<Node, promql::Binary>) {
          out = {node.left.get(), node.right.get()};
        } else if constexpr (std::is_same_v<Node, promql::Aggregate>) {
          if (node.parameter) out.push_back(node.parameter.get());
          out.push_back(node.expr.get());
        } else if constexpr (std::is_same_v<Node, promql::Call>) {
          for (const auto& argument : node.arguments) out.push_back(argument.get());
        }
      },
      expr.node);
  return out;
}

bool is_constant(const Expr& expr) {
  return std::holds_alternative<promql::Number>(expr.node) ||
         std::holds_alternative<promql::String>(expr.node);
}

class Tree {
 public:
  Tree(const promql::Source& source, const promql::Options& options, Millis at)
      : source_(source), options_(options), at_(at) {}

  void write(const Expr& expr, std::size_t depth) {
    const std::string indent(2 * depth, ' ');
    out_ += indent + promql::print(expr) + "\n";
    if (!is_constant(expr)) value(expr, indent + "  = ");
    for (const auto* child : children(expr)) {
      if (!is_constant(*child)) write(*child, depth + 1);
    }
  }
  std::string take() { return std::move(out_); }
  /// The first selector, from left to right, that finds nothing.
  const std::string& empty_selector() const { return empty_selector_; }

 private:
  void value(const Expr& expr, const std::string& start) {
    if (expr.type == promql::ValueType::string) return;
    auto answer = promql::evaluate(expr, source_, at_, options_);
    if (!answer) {
      out_ += start + "error: " + answer.error().message() + "\n";
    } else if (const auto* scalar = std::get_if<promql::Scalar>(&answer->value)) {
      out_ += start + promql::print_value(scalar->value) + "\n";
    } else if (const auto* vector = std::get_if<promql::Vector>(&answer->value)) {
      list(*vector, start,
           [](const promql::VectorSample& sample) { return promql::print_value(sample.value); });
      note_empty(expr, vector->empty());
    } else if (const auto* matrix = std::get_if<promql::Matrix>(&answer->value)) {
      list(*matrix, start, [](const promql::MatrixSeries& series) {
        return fmt::format("{} points, the last one {}", series.points.size(),
                           promql::print_value(series.points.back().value));
      });
      note_empty(expr, matrix->empty());
    }
  }

  template <class All, class Print>
  void list(const All& all, const std::string& start, const Print& print) {
    if (all.empty()) out_ += start + "nothing\n";
    for (std::size_t i = 0; i < std::min(all.size(), kMostShown); ++i) {
      out_ += fmt::format("{}{} {}\n", start, promql::print(all[i].labels), print(all[i]));
    }
    if (all.size() > kMostShown) out_ += fmt::format("{}... and {} more\n", start, all.size() - kMostShown);
  }

  void note_empty(const Expr& expr, bool empty) {
    const bool selector = std::holds_alternative<promql::VectorSelector>(expr.node) ||
                          std::holds_alternative<promql::MatrixSelector>(expr.node);
    if (empty && selector && empty_selector_.empty()) empty_selector_ = promql::print(expr);
  }

  const promql::Source& source_;
  const promql::Options& options_;
  Millis at_;
  std::string out_;
  std::string empty_selector_;
};

class Explanation {
 public:
  Explanation(const promql::Source& source, const promql::Options& options, Millis now, Nanoseconds offset)
      : source_(source), options_(options), now_(now), offset_(offset) {}

  std::string of(const ActiveGroup& group, std::size_t number) const {
    const auto& rule = *group.group().rules[number];
    const auto& states = *group.alerts(number);
    std::string out = fmt::format("{} ({}:{}, group {})\n", rule.name, group.group().file, rule.place.line,
                                  group.group().name);
    const auto& health = group.health(number);
    out += fmt::format("state: {}\n", health.at ? name(states.state()) : "not evaluated yet");
    if (!health.error.empty()) out += "the last evaluation failed: " + health.error + "\n";
    if (rule.hold > 0) out += "for: " + promql::print_duration(rule.hold) + "\n";
    if (rule.keep_firing > 0) out += "keep_firing_for: " + promql::print_duration(rule.keep_firing) + "\n";
    Tree tree(source_, options_, now_);
    tree.write(*rule.expr, 1);
    out += fmt::format("\nthe expression at {}:\n{}", time(now_), tree.take());
    out += "\n" + why(rule, states, tree.empty_selector());
    for (const auto& entry : states.all()) out += one(rule, *entry.alert);
    return out;
  }

 private:
  std::string why(const Rule& rule, const AlertStates& states, const std::string& empty) const {
    const auto answer = ActiveGroup::query(rule, source_, now_, options_);
    if (!answer) return "the expression can not be evaluated: " + answer.error().message() + "\n";
    if (!answer->empty())
      return fmt::format("the expression has {} results, so there are alerts:\n", answer->size());
    const bool any = std::ranges::any_of(
        states.all(), [](const auto& entry) { return entry.alert->state != AlertState::inactive; });
    std::string out = empty.empty()
                          ? "the expression has no result: its condition does not hold for what there is\n"
                          : fmt::format("the expression has no result: there are no series of {}\n", empty);
    if (any) out += "alerts that are kept all the same:\n";
    return out;
  }

  std::string one(const Rule& rule, const ActiveAlert& alert) const {
    std::string out = "  " + promql::print(alert.labels) + "\n    ";
    switch (alert.state) {
      case AlertState::pending:
        out += fmt::format("pending since {}; fires at {} if it lasts", time(alert.active_at),
                           time(alert.active_at + rule.hold));
        break;
      case AlertState::firing:
        out += fmt::format("firing since {}; its condition holds since {}", time(alert.fired_at.value_or(0)),
                           time(alert.active_at));
        break;
      case AlertState::inactive:
        out += "ended at " + time(alert.resolved_at.value_or(0));
        break;
    }
    out += fmt::format("; last value {}", promql::print_value(alert.value));
    if (alert.unknown_since) {
      out += fmt::format("\n    unknown since {}: its target does not answer, so it keeps its state",
                         time(*alert.unknown_since));
    }
    if (alert.keep_firing_since) {
      out += fmt::format("\n    its condition is gone since {}; it is kept by keep_firing_for",
                         time(*alert.keep_firing_since));
    }
    return out + "\n";
  }

  std::string time(Millis at) const {
    return go_time({at + std::chrono::duration_cast<std::chrono::milliseconds>(offset_).count()});
  }

  const promql::Source& source_;
  const promql::Options& options_;
  Millis now_;
  Nanoseconds offset_;
};

}  // namespace

std::string explain_expression(const Expr& expr, const promql::Source& source, const promql::Options& options,
                               Millis at) {
  Tree tree(source, options, at);
  tree.write(expr, 0);
  return tree.take();
}

std::string explain_alert(const RuleEngine& engine, std::string_view alert, const promql::Source& source,
                          const promql::Options& options, Millis now, Nanoseconds offset) {
  const Explanation explanation(source, options, now, offset);
  std::string out;
  for (std::size_t i = 0; i < engine.size(); ++i) {
    const auto& group = engine.group(i);
    for (std::size_t rule = 0; rule < group.size(); ++rule) {
      if (!group.alerts(rule) || group.group().rules[rule]->name != alert) continue;
      if (!out.empty()) out += "\n";
      out += explanation.of(group, rule);
    }
  }
  return out;
}

}  // namespace qw::rules
