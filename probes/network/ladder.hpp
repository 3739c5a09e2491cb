#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qw::probes {

/// Which of several methods speaks for a peer, from the best to the poorest: the best that is answered. A
/// method that was answered before and is silent now is a loss, and not yet a reason to take another. Pure.
class Ladder {
 public:
  explicit Ladder(std::size_t methods) : ever_(methods, false) {}

  enum class Share : std::uint8_t {
    none,
    knock,  ///< a few packets, to see whether it is answered
    full,
  };
  /// What each method is to send in the coming round.
  std::vector<Share> plan() const;

  struct Heard {
    bool answered = false;
    bool refused = false;  ///< the peer itself says that nobody listens
  };
  /// What each method heard. Returns which of them are to be reported.
  std::vector<bool> observe(std::span<const Heard> heard);

  /// The method that speaks for the peer.
  std::size_t rung() const { return rung_; }

  /// Rounds in which a method that was answered before may be silent while a poorer one is answered.
  static constexpr unsigned kPatience = 3;

 private:
  std::vector<bool> ever_;  ///< which methods were ever answered
  std::size_t rung_ = 0;
  unsigned silent_ = 0;  ///< rounds in which the rung was not answered
};

}  // namespace qw::probes
