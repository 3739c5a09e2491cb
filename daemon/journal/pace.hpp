#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "daemon/base/time.hpp"
#include "daemon/journal/findings.hpp"

namespace qw::journal {

/// How often the same thing may be told: a burst at once, then one for each interval, so that something that
/// flaps for days does not push everything else out of the journal. What is withheld is counted.
class Pace {
 public:
  static constexpr std::uint32_t kBurst = 12;
  static constexpr Nanoseconds kInterval = std::chrono::minutes(1);

  /// Whether it may be told now.
  bool take(const ConditionKey& key, SteadyTime now) {
    forget(now);
    auto& known = known_[key];
    const auto earned =
        static_cast<std::uint32_t>(std::min<std::int64_t>((now - known.at) / kInterval, kBurst));
    if (earned > 0 || known.left == kNew) {
      known.left = known.left == kNew ? kBurst : std::min(known.left + earned, kBurst);
      known.at = now;
    }
    if (known.left == 0) {
      ++known.withheld;
      return false;
    }
    --known.left;
    return true;
  }
  /// How often the same was withheld since it was told last.
  std::uint64_t withheld(const ConditionKey& key) {
    const auto found = known_.find(key);
    return found == known_.end() ? 0 : std::exchange(found->second.withheld, 0);
  }

 private:
  static constexpr std::uint32_t kNew = UINT32_MAX;
  static constexpr std::size_t kMost = 1024;
  struct Known {
    SteadyTime at{};
    std::uint32_t left = kNew;
    std::uint64_t withheld = 0;
  };
  /// Whoever has not been heard of for long enough has his whole burst again.
  void forget(SteadyTime now) {
    if (known_.size() < kMost) return;
    std::erase_if(known_, [now](const auto& entry) { return now - entry.second.at > kInterval * kBurst; });
    if (known_.size() >= kMost) known_.erase(known_.begin());
  }

  std::map<ConditionKey, Known> known_;
};

}  // namespace qw::journal
