#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "daemon/async/task.hpp"
#include "daemon/net/http_client.hpp"
#include "daemon/net/http_server.hpp"
#include "daemon/placement/claims.hpp"
#include "daemon/placement/placement.hpp"
#include "daemon/rules/state_file.hpp"
#include "probes/network/peers.hpp"

namespace qw {

/// The placement as a part of the daemon: finds the peers, asks those before us what they ask, keeps copies
/// of the alerts that may have to go on here, and says what moves.
class PlacementService {
 public:
  struct Parts {
    asio::any_io_executor executor;
    const Clock& clock;
    net::Net& net;
    async::TaskGroup::OnBug on_bug;
    /// What moves: a target is taken, with the alerts that its asker before had, or let go. placement() says
    /// why.
    std::function<void(const placement::Move&, std::optional<rules::SavedState> alerts)> on_move;
    /// The alerts of a target as of rules::encode_state.
    std::function<std::string(const TargetId&)> alerts_of;
  };
  explicit PlacementService(Parts parts);
  ~PlacementService();

  /// Targets that were not placed before are asked by nobody here until the next pass, which comes at once.
  /// Errors: a certificate that can not be read, a peer that is none; then nothing changes.
  Result<void> configure(const config::Config& config);
  /// Looks at the peers until it is cancelled.
  Task<void> run();

  /// Whether this daemon asks the target now.
  bool asks(const TargetId& target) const { return placement_.asks(target); }
  bool is_placed(const TargetId& target) const { return placement_.standings().contains(target); }
  const placement::Placement& placement() const { return placement_; }
  void on_round(const TargetId& target);

  /// /api/v1/placement and /api/v1/placement/alerts; nothing for other paths.
  std::optional<net::ServerReply> answer(const net::ServerRequest& request) const;

 private:
  /// A daemon as it was found, and the connection to it.
  struct Peer;
  struct Rounds {
    std::uint64_t count = 0;
    SteadyTime taken;
    SteadyTime last;
  };
  struct Copy {
    std::string asker;
    SteadyTime at;
    rules::SavedState alerts;
  };
  struct Options {
    std::vector<probes::PeerEntry> peers;
    std::string self;
    std::uint16_t port = 0;
    Nanoseconds interval{};
    std::shared_ptr<net::TlsContext> tls;
    std::vector<std::pair<std::string, std::string>> headers;
  };
  static Result<Options> read(const config::PlacementOptions& options);

  Task<void> find();
  Task<void> pass();
  Task<void> look(std::vector<std::string> names);
  Task<placement::Look> look_at(std::shared_ptr<Peer> peer);
  Task<Result<std::string>> get(std::shared_ptr<Peer> peer, std::string path, SteadyTime deadline);
  Task<void> copy_alerts();
  Task<bool> copy_alerts_of(std::string asker, std::vector<TargetId> targets);
  Task<void> carry_out(placement::Move move);
  placement::Claims claims() const;

  Parts parts_;
  Options options_;
  placement::Placement placement_;
  std::string self_;  ///< our name among the peers; empty: we are none of them
  std::map<std::string, std::shared_ptr<Peer>> peers_;
  std::map<TargetId, Rounds> rounds_;  ///< of what is asked here
  std::map<TargetId, Copy> copies_;    ///< of what may have to go on here
  asio::steady_timer wake_;
  bool changed_ = false;  ///< a pass is wanted at once
};

}  // namespace qw
