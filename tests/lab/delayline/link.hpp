#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace qw::lab {

using Nanoseconds = std::chrono::nanoseconds;

/// What one direction between two ports does to packets.
struct LinkSettings {
  Nanoseconds delay{};
  Nanoseconds jitter{};  ///< up to so much more, evenly; packets stay in order
  double loss = 0;       ///< of each packet, 0 to 1
  double duplicate = 0;  ///< likewise
  double reorder = 0;    ///< likewise: held for `hold` more while others pass
  Nanoseconds hold = std::chrono::milliseconds(10);

  /// "delay=5000 jitter=0 loss=0.2 hold=10000": times in microseconds; what is not named stays as it is.
  Result<void> change(std::string_view text);
};

/// What becomes of one packet.
struct Fate {
  std::optional<Nanoseconds> release;  ///< when it goes on, on the clock of its arrival; nothing: it is lost
  bool twice = false;
};

/// One direction. What happens by chance depends on the seed and on the packets of this direction alone.
class Link {
 public:
  explicit Link(std::uint64_t seed) : random_(seed) {}
  Fate decide(Nanoseconds arrived);
  LinkSettings settings;

 private:
  bool chance(double of);
  std::mt19937_64 random_;
  Nanoseconds last_release_{};
};

}  // namespace qw::lab
