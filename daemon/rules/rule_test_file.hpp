#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/model/labels.hpp"
#include "daemon/promql/parser.hpp"
#include "daemon/rules/yaml_fields.hpp"

/// What stands in a rule test file: promtool's keys, and of ours exp_pending, exp_unknown and no_data.
namespace qw::rules {

using promql::Millis;

struct ExpectedAlert {
  Labels labels;
  Labels annotations;
};

struct AlertExpectation {
  Millis at = 0;
  std::string alertname;
  std::vector<ExpectedAlert> firing;
  std::optional<std::vector<ExpectedAlert>> pending;  ///< nothing: not looked at
  std::optional<std::vector<ExpectedAlert>> unknown;  ///< those that keep their state without data
};

struct ExpectedSample {
  Labels labels;
  double value = 0;
};

struct ExprExpectation {
  Millis at = 0;
  std::string expr;
  std::vector<ExpectedSample> samples;
};

struct RuleTestGroup {
  std::string name;
  Millis interval = 0;
  Millis start = 0;
  std::vector<promql::SeriesDescription> series;
  std::vector<AlertExpectation> alerts;
  std::vector<ExprExpectation> exprs;
  Labels external_labels;
  std::string external_url;
  bool keep_without_data = false;
};

struct RuleTestFile {
  std::vector<std::string> rule_files;
  Millis evaluation_interval = 60'000;
  std::vector<std::string> group_order;
  bool fuzzy = false;
  std::vector<RuleTestGroup> groups;
  std::vector<config::Problem> problems;
};

RuleTestFile read_rule_test_file(std::string_view text, const std::string& file);

}  // namespace qw::rules
