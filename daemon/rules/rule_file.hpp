#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "daemon/promql/ast.hpp"
#include "daemon/rules/template.hpp"

namespace qw::rules {

using promql::Millis;

/// A label or an annotation of a rule.
struct NamedTemplate {
  std::string name;
  Template text;
  config::Place place;
  bool of_group = false;  ///< a label that the group gives to all of its rules
};

struct Rule {
  bool alerting = false;
  std::string name;  ///< of the alert, or of the recorded metric
  std::string text;  ///< of the expression, as it stands in the file
  std::shared_ptr<const promql::Expr> expr;
  Millis hold = 0;         ///< `for`
  Millis keep_firing = 0;  ///< `keep_firing_for`
  /// In order of name, the group's among them. Those of recording rules are plain texts, whatever is in them.
  std::vector<NamedTemplate> labels;
  std::vector<NamedTemplate> annotations;
  config::Place place;
  config::Place expr_place;
};
using RulePtr = std::shared_ptr<const Rule>;

struct RuleGroup {
  std::string file;
  std::string name;
  std::optional<Millis> interval;
  std::optional<Millis> query_offset;
  std::size_t limit = 0;  ///< 0: none
  std::vector<RulePtr> rules;
  std::uint64_t fingerprint = 0;  ///< equal when nothing changed
  config::Place place;
};

struct RuleFile {
  std::vector<RuleGroup> groups;
  std::vector<config::Problem> problems;  ///< the groups are usable only when this is empty
};

/// Reads and checks one rule file: every problem at once, in order of line.
RuleFile read_rule_file(std::string_view text, const std::string& file);

/// Rules of one file that have the same name and the same labels as another: what `promtool check rules`
/// warns of. One text for each.
std::vector<config::Problem> find_duplicate_rules(const std::vector<RuleGroup>& groups);

/// What tells rules of one name apart: "severity=page,team=db".
std::string print_labels_of(const Rule& rule);

}  // namespace qw::rules
