#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/placement/rendezvous.hpp"

namespace qw::placement {

/// What a daemon says of a target that it asks. It says nothing of the others.
struct Claim {
  std::uint64_t rounds = 0;  ///< ended since it was taken, with or without success
  Nanoseconds taken{};       ///< how long ago it was taken
  Nanoseconds
      last_round{};  ///< how long ago the last of the rounds ended; without meaning where there is none
  bool operator==(const Claim&) const = default;
};
using Claims = std::map<TargetId, Claim>;

/// One look at a peer.
struct Look {
  bool answered = false;
  std::string reason = {};  ///< why it did not answer
  Claims claims = {};
};

/// A target that one daemon at a time asks.
struct PlacedTarget {
  TargetId id;
  /// Rounds further apart than three of these are no work.
  Nanoseconds interval{};
};

/// What is known of a placed target, as of the last pass.
struct Standing {
  bool decided = false;  ///< there was a pass since the target is configured
  bool here = false;     ///< this daemon asks it
  /// Another daemon that asks it, before us in order; empty: none is known. With `here`: for the moment both
  /// do.
  std::string asker = {};
  /// Peers that come before whoever asks it, and do not answer: cut off or gone. Each may ask it too.
  std::vector<std::string> silent = {};
  std::string reason = {};  ///< of the first of them
  std::uint64_t taken = 0;  ///< how often this daemon has taken it
  bool operator==(const Standing&) const = default;
};
using Standings = std::map<TargetId, Standing>;

/// Something that changes hands.
struct Move {
  TargetId target;
  bool taken = false;  ///< by this daemon; otherwise it lets it go
  /// Taken: who asked it before, whose alerts go on here; let go: who asks it now. Empty: nobody is known.
  std::string other;
};

/// Decides which placed targets this daemon asks. A pass is begin(), then looks at the peers of next() until
/// that is empty, then end(). A daemon looks only at peers that come before it, in order, up to the first
/// that asks the target: where all is well that is one peer a target, however many there are.
class Placement {
 public:
  /// How many peers after us are asked, before a target is taken, whether they have it: the one that has it
  /// is the first living one in order.
  static constexpr std::size_t kAfter = 8;
  /// Peers that are so near after the asker keep a copy of its alerts.
  static constexpr std::size_t kHeirs = 3;

  /// Targets that are no longer among them are forgotten, not let go: they have left the configuration.
  void set_targets(const std::vector<PlacedTarget>& targets);
  /// Names, each once. `self` may be none of them: then all others come first.
  void set_peers(std::vector<std::string> peers, const std::string& self);

  void begin();
  /// Peers to look at, each once a pass.
  std::vector<std::string> next();
  void tell(const std::string& peer, Look look);
  /// A target whose peers were not all looked at stays as it is.
  std::vector<Move> end();

  /// Whether this daemon asks the target; true for one that is not placed.
  bool asks(const TargetId& target) const;
  const Standings& standings() const { return standings_; }
  /// Whether this daemon may be the next to ask the target, so that it should keep a copy of its alerts.
  bool is_heir(const TargetId& target) const;

 private:
  struct Order {
    Nanoseconds interval{};
    std::vector<PeerIndex> before;  ///< peers that come before us
    std::vector<PeerIndex> after;   ///< the next ones after us, at most kAfter
  };
  /// Where one walk along the order came to.
  struct Walk {
    std::vector<PeerIndex> wanted;  ///< to be looked at before it can go on; the rest is then without meaning
    std::optional<PeerIndex> asker;
    std::optional<PeerIndex> starter;  ///< has taken it and has ended no round yet
    std::optional<PeerIndex> before;   ///< of those after us, who asks it
    std::vector<PeerIndex> silent;
  };
  Walk walk(const TargetId& target, const Order& order) const;
  const Claim* claim_of(PeerIndex peer, const TargetId& target) const;
  void arrange(const TargetId& target, Order& order) const;
  std::optional<Move> settle(const TargetId& target, const Walk& walk);

  std::vector<std::string> peers_;
  std::optional<PeerIndex> self_;
  std::map<std::string, PeerIndex, std::less<>> index_;
  std::map<TargetId, Order> orders_;
  std::vector<std::optional<Look>> looks_;  ///< of this pass, by peer
  Standings standings_;
};

}  // namespace qw::placement
