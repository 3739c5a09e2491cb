#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/model/labels.hpp"

namespace qw {

/// One alert as it goes to Alertmanager: made by daemon/rules, sent by daemon/notify, which know nothing of
/// each other.
struct Alert {
  Labels labels;  ///< alertname among them; external labels not yet
  Labels annotations;
  WallTime starts_at;
  /// When it ended; nothing: it fires. A firing alert is sent without an endsAt of ours
  /// (facts/reliability-and-security.md).
  std::optional<WallTime> ends_at;
  std::string generator_url;
  bool operator==(const Alert&) const = default;
};
/// All alerts that fire now and those that ended lately, as of one evaluation.
using AlertsPtr = std::shared_ptr<const std::vector<Alert>>;

}  // namespace qw
