#pragma once
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "daemon/export/journal_metrics.hpp"
#include "daemon/journal/alert_watch.hpp"
#include "daemon/journal/delivery_watch.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/journal/watch.hpp"
#include "daemon/members/watch.hpp"
#include "daemon/net/http_server.hpp"
#include "daemon/placement/placement.hpp"

namespace qw {

/// The journal as a part of the daemon: whoever sees something change tells it, and it writes the journal. It
/// changes nothing of what it looks at.
class Chronicle {
 public:
  struct Parts {
    asio::any_io_executor executor;
    const Clock& clock;
    async::WorkerPool& pool;
    prometheus::Registry& registry;
    async::TaskGroup::OnBug on_bug;
    /// Of the notifier: the totals of each Alertmanager, and whether a Prometheus speaks for us.
    std::function<std::vector<Delivery>()> deliveries;
    std::function<bool()> silent;
    std::string folder;  ///< of all state; empty: the journal is kept in memory alone
  };
  explicit Chronicle(const Parts& parts);

  /// At the start and after each reload.
  void configure(const config::Config& config);
  void start(std::string_view version);
  /// Says that we stop, and why, and writes the last of it.
  Task<void> stop(std::string_view why);

  /// Called when something has changed that the status page should tell at once.
  void on_news(std::function<void()> tell) { tell_news_ = std::move(tell); }

  void on_round(const Round& round);
  /// `why`: for the end of what was wrong with it.
  void on_removed(const TargetId& target, std::string_view why);
  /// A target that one daemon at a time asks was taken or let go.
  void on_move(const placement::Move& move, const placement::Standing& standing);
  /// After each change of an alert; `restored`: they are those of an earlier run, and no changes.
  void on_alerts(const rules::RuleEngine& engine, bool restored);
  void on_reload(const Result<void>& reloaded);
  /// Of a target whose members are found.
  void on_members(const members::News& news);
  /// The target's rounds ask them no more.
  void on_members_gone(const TargetId& target, std::span<const std::string> members);

  const journal::Journal& journal() const { return journal_; }
  const journal::Watch& watch() const { return watch_; }
  /// Brings the metrics up to date.
  void refresh();
  /// /api/v1/journal.
  Task<net::ServerReply> answer(net::ServerRequest request) const;

 private:
  /// Until it is known what earlier runs left, events wait: the start comes first in the journal.
  void record(std::vector<journal::Event> events);
  void on_past(const journal::Journal::Past& past);
  Task<void> watch_deliveries();
  void look_at_deliveries();
  void settle_alerts();
  void tell(std::string_view what, journal::Severity severity, std::string text);

  const Clock& clock_;
  std::function<std::vector<Delivery>()> deliveries_;
  std::function<bool()> silent_;
  std::function<void()> tell_news_ = [] {};
  exporting::JournalMetrics metrics_;
  journal::Journal journal_;
  journal::Watch watch_;
  journal::AlertWatch alerts_;
  journal::DeliveryWatch delivery_;
  std::set<TargetId> targets_;
  std::string version_;
  std::optional<std::vector<journal::Event>> early_ = std::vector<journal::Event>();
  SteadyTime started_{};
  WallTime started_wall_{};
  /// Alerts that an earlier run left open, until rules have had the time to find them again.
  std::vector<journal::Event> left_open_;
  SteadyTime settle_at_{};
  async::TaskGroup tasks_;
};

/// Where the journal is, below the folder of all state; empty for none.
std::string journal_folder(const std::string& state_folder);

}  // namespace qw
