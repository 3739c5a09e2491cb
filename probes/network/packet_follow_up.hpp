#pragma once
#include <cstdint>
#include <optional>

namespace qw::probes {

/// Whether a peer tells afterwards when its answers truly left (RFC 8972 4.7), and which packets shall ask
/// for it. A peer that answers plain packets is tried with one packet a train, as one that knows no extension
/// may drop it; three tries without answer are enough. Pure.
class FollowUpAsk {
 public:
  /// A train begins.
  void begin();
  /// Whether the packet of this number shall ask.
  bool ask(std::uint32_t sequence);
  /// An answer; `tells`: the peer knows what was asked.
  void answered(std::uint32_t sequence, bool tells);
  /// Every packet asks, as the peer tells.
  bool told() const { return state_ == State::tells; }

 private:
  enum class State : std::uint8_t { unknown, tells, silent };
  static constexpr unsigned kMostTries = 3;
  /// Trains until a peer that could not tell is tried again: it may have been replaced.
  static constexpr unsigned kAgainAfter = 1000;

  State state_ = State::unknown;
  bool heard_ = false;                  ///< it has answered something
  bool answered_ = true;                ///< something came back of this train
  std::optional<std::uint32_t> tried_;  ///< the packet of this train that asks
  unsigned tries_ = 0;
  unsigned trains_ = 0;  ///< since it was found that it can not tell
};

}  // namespace qw::probes
