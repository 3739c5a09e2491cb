#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/rules/rule_engine.hpp"

namespace qw::exporting {

/// Which rules /api/v1/rules is asked for; empty lists: all.
struct RulesQuery {
  bool alerting = true, recording = true;
  bool alerts = true;  ///< with the alerts of each rule
  std::vector<std::string> names, groups, files;
};
/// The query of a request: type=alert|record, rule_name[], rule_group[], file[], exclude_alerts. Errors:
/// config.
Result<RulesQuery> parse_rules_query(std::string_view query);

/// The body of /api/v1/rules, as Prometheus writes it, with what it does not have: `unknown` and
/// `unknownSince` of an alert whose target does not answer. `offset`: what makes wall time of the time line.
std::string rules_json(const rules::RuleEngine& engine, const RulesQuery& query, Nanoseconds offset);
/// The body of /api/v1/alerts.
std::string alerts_json(const rules::RuleEngine& engine, Nanoseconds offset);

/// "2026-11-20T22:24:31.73091461Z", as Go prints a time.
std::string rfc3339_nano(WallTime time);

}  // namespace qw::exporting
