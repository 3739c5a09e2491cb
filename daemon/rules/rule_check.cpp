#include "daemon/rules/rule_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "daemon/base/text.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/rules/selectors.hpp"

namespace qw::rules {
namespace {

using promql::Expr;
using LabelSet = std::set<std::string, std::less<>>;

/// The labels that results of an expression can have; nothing: any.
using Possible = std::optional<LabelSet>;

Possible either(const Possible& a, const Possible& b) {
  if (!a || !b) return std::nullopt;
  auto out = *a;
  out.insert(b->begin(), b->end());
  return out;
}

Possible labels_of(const Expr& expr);

Possible labels_of_binary(const promql::Binary& binary) {
  const auto left = labels_of(*binary.left), right = labels_of(*binary.right);
  if (!binary.matching) return binary.left->type == promql::ValueType::vector ? left : right;
  if (binary.op == promql::BinaryOp::or_) return either(left, right);
  if (promql::is_set_operator(binary.op)) return left;
  const auto& matching = *binary.matching;
  switch (matching.cardinality) {
    case promql::Cardinality::many_to_one:
      return either(left, LabelSet(matching.include.begin(), matching.include.end()));
    case promql::Cardinality::one_to_many:
      return either(right, LabelSet(matching.include.begin(), matching.include.end()));
    default:
      break;
  }
  if (matching.on) return LabelSet(matching.labels.begin(), matching.labels.end());
  // Of two series that match, what the one has the other one has too.
  auto out = left ? left : right;
  if (!out) return std::nullopt;
  for (const auto& label : matching.labels) out->erase(label);
  return out;
}

Possible labels_of_call(const promql::Call& call) {
  using enum promql::FunctionId;
  switch (call.function->id) {
    case scalar:
    case time:
    case pi:
    case vector:
      return LabelSet();
    case label_replace:
    case label_join: {
      auto out = labels_of(*call.arguments[0]);
      const auto* target = std::get_if<promql::String>(&call.arguments[1]->node);
      if (!out || !target) return std::nullopt;
      out->insert(target->value);
      return out;
    }
    case absent:
    case absent_over_time:
      return std::nullopt;
    default:
      break;
  }
  for (const auto& argument : call.arguments) {
    const bool has_labels =
        argument->type == promql::ValueType::vector || argument->type == promql::ValueType::matrix;
    if (has_labels) return labels_of(*argument);
  }
  return LabelSet();
}

Possible labels_of_aggregate(const promql::Aggregate& aggregate) {
  using enum promql::AggregateOp;
  const auto inner = labels_of(*aggregate.expr);
  if (aggregate.op == topk || aggregate.op == bottomk) return inner;
  Possible out;
  if (!aggregate.without) {
    out = LabelSet(aggregate.grouping.begin(), aggregate.grouping.end());
    if (inner) std::erase_if(*out, [&](const std::string& label) { return !inner->contains(label); });
  } else if (inner) {
    out = inner;
    for (const auto& label : aggregate.grouping) out->erase(label);
  }
  if (aggregate.op == count_values && out) {
    const auto* label = std::get_if<promql::String>(&aggregate.parameter->node);
    if (label) out->insert(label->value);
  }
  return out;
}

Possible labels_of(const Expr& expr) {
  return std::visit(
      [](const auto& node) -> Possible {
        using Node = std::decay_t<decltype(node)>;
        if constexpr (std::is_same_v<Node, promql::VectorSelector> ||
                      std::is_same_v<Node, promql::MatrixSelector>) {
          return std::nullopt;
        } else if constexpr (std::is_same_v<Node, promql::Subquery> || std::is_same_v<Node, promql::Paren> ||
                             std::is_same_v<Node, promql::Unary>) {
          return labels_of(*node.expr);
        } else if constexpr (std::is_same_v<Node, promql::Binary>) {
          return labels_of_binary(node);
        } else if constexpr (std::is_same_v<Node, promql::Aggregate>) {
          return labels_of_aggregate(node);
        } else if constexpr (std::is_same_v<Node, promql::Call>) {
          return labels_of_call(node);
        } else {
          return LabelSet();
        }
      },
      expr.node);
}

class Checker {
 public:
  Checker(const std::vector<RuleGroup>& groups, std::span<const MetricFamily> families, Millis most_kept)
      : groups_(groups), most_kept_(most_kept) {
    for (const auto& family : families) {
      names_.emplace(family.name);
      if (family.type != MetricType::histogram) continue;
      for (const auto* suffix : {"_bucket", "_sum", "_count"})
        names_.insert(std::string(family.name) + suffix);
    }
    for (const auto* name : {"ALERTS", "ALERTS_FOR_STATE", "quorumwatch_alert_unknown"}) names_.insert(name);
    for (const auto& group : groups) {
      for (const auto& rule : group.rules) {
        if (!rule->alerting) names_.insert(rule->name);
      }
    }
  }

  std::vector<config::Problem> run() {
    for (const auto& group : groups_) {
      for (const auto& rule : group.rules) {
        if (!rule->expr) continue;
        selectors(group, *rule);
        templates(group, *rule);
        ranges(group, *rule);
      }
    }
    return std::move(out_);
  }

 private:
  void add(const RuleGroup& group, const Rule& rule, config::Place place, std::string text) {
    out_.push_back({.file = group.file,
                    .line = place.line,
                    .column = place.column,
                    .path = rule.name,
                    .text = std::move(text)});
  }

  void selectors(const RuleGroup& group, const Rule& rule) {
    for (const auto& selector : selectors_of(*rule.expr)) {
      const bool can =
          std::ranges::any_of(names_, [&](const std::string& name) { return selector.can_match_name(name); });
      if (can) continue;
      const auto span =
          std::string_view(rule.text).substr(selector.span.begin, selector.span.end - selector.span.begin);
      std::string text = fmt::format("{} matches no metric of this daemon and of no recording rule", span);
      const std::vector<std::string_view> known(names_.begin(), names_.end());
      if (const auto near = nearest(selector.name(), known))
        text += fmt::format("; did you mean '{}'?", *near);
      add(group, rule, rule.expr_place, std::move(text));
    }
  }

  void templates(const RuleGroup& group, const Rule& rule) {
    if (!rule.alerting) return;
    const auto possible = labels_of(*rule.expr);
    if (!possible) return;
    for (const auto* list : {&rule.labels, &rule.annotations}) {
      for (const auto& one : *list) {
        for (const auto& use : one.text.labels_used()) {
          if (possible->contains(use.label)) continue;
          add(group, rule, one.place,
              fmt::format("{} uses $labels.{}, which the expression's result never has", one.name,
                          use.label));
        }
      }
    }
  }

  void ranges(const RuleGroup& group, const Rule& rule) {
    const auto longest = longest_range(*rule.expr);
    if (most_kept_ <= 0 || longest <= most_kept_) return;
    add(group, rule, rule.expr_place,
        fmt::format("looks back {}, longer than the {} that are kept", promql::print_duration(longest),
                    promql::print_duration(most_kept_)));
  }

  const std::vector<RuleGroup>& groups_;
  Millis most_kept_;
  LabelSet names_;
  std::vector<config::Problem> out_;
};

}  // namespace

std::vector<config::Problem> check_rules(const std::vector<RuleGroup>& groups,
                                         std::span<const MetricFamily> families, Millis most_kept) {
  return Checker(groups, families, most_kept).run();
}

}  // namespace qw::rules
