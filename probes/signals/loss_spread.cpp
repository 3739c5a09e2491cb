#include "probes/signals/loss_spread.hpp"

#include <cmath>

#include "probes/signals/loss_test.hpp"

namespace qw::signals {
namespace {

constexpr int kLeastLossyMinutes = 6;
constexpr double kStandardErrors = 2.5;

}  // namespace

void LossSpread::look(SteadyTime now, std::uint64_t sent, std::uint64_t lost) {
  auto& minute = minutes_.at(now);
  minute.sent += sent;
  minute.lost += lost;
}

bool LossSpread::confirmed(SteadyTime now) {
  double sent = 0, lost = 0;
  int lossy = 0;
  const auto& minutes = minutes_.window(now);
  for (const auto& minute : minutes) {
    sent += static_cast<double>(minute.sent);
    lost += static_cast<double>(minute.lost);
    lossy += minute.lost > 0;
  }
  if (lossy < kLeastLossyMinutes) return false;
  const double ratio = lost / sent;
  double variance = 0;  // of the number of lost packets, as the minutes differ
  for (const auto& minute : minutes) {
    const double off = static_cast<double>(minute.lost) - ratio * static_cast<double>(minute.sent);
    variance += off * off;
  }
  static const double kBetween = std::sqrt(LossTest::kHarmless * LossTest::kHarmful);
  return ratio - kStandardErrors * std::sqrt(variance) / sent > kBetween;
}

std::uint64_t LossSpread::packets(SteadyTime now) {
  std::uint64_t sent = 0;
  for (const auto& minute : minutes_.window(now)) sent += minute.sent;
  return sent;
}

}  // namespace qw::signals
