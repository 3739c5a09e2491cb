#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/journal/event.hpp"
#include "daemon/model/labels.hpp"
#include "daemon/rules/rule_engine.hpp"

namespace qw::status {

/// One alert that is pending or fires.
struct AlertView {
  std::string name;
  journal::Severity severity = journal::Severity::warning;
  bool firing = false;
  TargetId target;  ///< empty where its labels name none
  Labels labels;    ///< besides those that name the alert, its target and this daemon
  double value = 0;
  WallTime since;
  std::optional<WallTime> unknown_since;  ///< since when its target does not answer
  std::string summary, description, runbook_url;
};

struct AlertViews {
  std::vector<AlertView> shown;                      ///< firing ones first, then by severity, then the oldest
  std::size_t firing = 0, pending = 0, unknown = 0;  ///< of all, those that are not shown too
  bool any_rules = false;                            ///< false: there is nothing that could fire
};

/// Copies at most `most` of the engine's alerts. `offset` is what makes wall time of its time line.
AlertViews alerts_of(const rules::RuleEngine& engine, Nanoseconds offset, std::size_t most = 200);

}  // namespace qw::status
