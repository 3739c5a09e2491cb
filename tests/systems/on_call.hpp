#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "daemon/promql/store_source.hpp"
#include "daemon/rules/rule_engine.hpp"
#include "daemon/store/store.hpp"

namespace qw::test {

/// Who is paged: one target under the shipped rules (dashboards/alerts), which are evaluated after each of
/// its rounds as the daemon does it.
class OnCall {
 public:
  OnCall();
  void hear(const RoundPtr& round);
  /// Whether an alert of that name has ever fired.
  bool paged(std::string_view alert) const { return fired_.contains(alert); }
  /// Of a split brain, of whatever kind.
  bool paged_for_a_split() const {
    return paged("QuorumwatchSplitBrain") || paged("QuorumwatchClusterIdentitySplit");
  }

 private:
  store::Store store_{store::Store::Options()};
  promql::StoreIndex index_{store_};
  rules::RuleEngine engine_;
  std::set<std::string, std::less<>> fired_;
};

}  // namespace qw::test
