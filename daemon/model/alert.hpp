#pragma once
#include <cstdint>
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
  /// Another daemon asks the target now, and tells of the alert: from here nothing more is said of it, not
  /// even that it ended.
  bool handed_over = false;
  bool operator==(const Alert&) const = default;
};
/// All alerts that fire now and those that ended lately, as of one evaluation.
using AlertPtr = std::shared_ptr<const Alert>;
using AlertsPtr = std::shared_ptr<const std::vector<AlertPtr>>;

/// What one Alertmanager was sent so far, in totals.
struct Delivery {
  std::string alertmanager;   ///< its URL
  std::uint64_t sent = 0;     ///< alerts that it acknowledged, repetitions among them
  std::uint64_t errors = 0;   ///< requests that failed
  std::uint64_t dropped = 0;  ///< alerts that it refused for good, or that there was no room for
  std::size_t waiting = 0;    ///< alerts with something that it did not acknowledge yet
  std::optional<WallTime> last_success;
  Nanoseconds latency{};  ///< of the last request that succeeded
};

}  // namespace qw
