#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/change_log.hpp"
#include "daemon/chronicle.hpp"
#include "daemon/export/member_metrics.hpp"
#include "daemon/export/placement_metrics.hpp"
#include "daemon/export/self_metrics.hpp"
#include "daemon/members/watch.hpp"
#include "daemon/placement_service.hpp"
#include "daemon/rule_service.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "daemon/store/store.hpp"

namespace qw {

/// The targets of the configuration: which of them this daemon asks, whom it asks about each, and where their
/// rounds go.
class WatchedTargets final : public schedule::Observer {
 public:
  struct Parts {
    asio::any_io_executor executor;
    const Clock& clock;
    net::Net& net;
    net::Resolver& resolver;
    async::WorkerPool& pool;
    store::Store& store;
    exporting::SelfMetrics& self;
    Chronicle& chronicle;
    RuleService& rules;
    probes::LastHeard last_heard;
    async::TaskGroup::OnBug on_bug;
  };
  explicit WatchedTargets(Parts parts);

  /// Looks for the members that a configuration does not name, and writes into it what was found. For
  /// adopt().
  Task<std::shared_ptr<members::Targets>> find_members(config::Config& config);
  /// Watches the targets of `config`, all or nothing; `config` is kept by reference until the next call.
  /// Errors tell what can not be made; then everything is as before.
  std::vector<Error> replace(const config::Config& config);
  /// The configuration of the last replace() is in effect; `found` is of find_members().
  void adopt(config::Config& config, std::shared_ptr<members::Targets> found);

  /// Both run until they are cancelled.
  Task<void> run_placement() { return placement_.run(); }
  Task<void> run_members() { return members_.run(); }
  Task<void> stop() { return scheduler_.stop(); }

  /// Those that this daemon asks.
  std::vector<TargetId> asked_here(const config::Config& config) const;
  std::size_t size() const { return scheduler_.size(); }
  std::size_t in_flight() const { return scheduler_.in_flight(); }
  std::size_t answering() const { return answering_.size(); }
  /// Whether each target has had its first round, or time enough for it.
  bool ready();
  /// Brings the metrics up to date.
  void refresh();
  const placement::Standings& placement() const { return placement_.placement().standings(); }
  /// What is asked about the placement; nothing for other paths.
  std::optional<net::ServerReply> answer(const net::ServerRequest& request) const {
    return placement_.answer(request);
  }

 private:
  probes::ProbeContext context();
  std::vector<Error> schedule(const config::Config& config);
  Result<void> on_members(const TargetId& id, const config::FoundPlan& plan, std::uint64_t fingerprint);
  void on_member_news(const members::News& news);
  void on_move(const placement::Move& move, std::optional<rules::SavedState> alerts);

  void on_start(const TargetId& id, Nanoseconds late) override;
  void on_missed(const TargetId& id, std::uint64_t rounds) override;
  void on_round(RoundPtr round, SteadyTime due) override;
  void on_removed(const TargetId& id) override;
  void on_exchanged(const TargetId& id) override;

  Parts parts_;
  config::Config* config_ = nullptr;  ///< the one in effect; null: none is yet
  probes::PortSystems ports_;         ///< of `config_`
  exporting::PlacementMetrics placed_;
  exporting::MemberMetrics found_members_;
  members::Watch members_;
  /// Who is on no list any more, until the target's rounds leave them out.
  std::map<TargetId, std::vector<std::string>> leaving_;
  ChangeLog changes_;
  std::map<TargetId, SteadyTime> unready_;  ///< targets whose first round is waited for, and how long
  std::set<TargetId> answering_;            ///< targets whose last round was answered
  PlacementService placement_;
  schedule::Scheduler scheduler_;
};

}  // namespace qw
