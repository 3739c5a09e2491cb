#include "probes/network/packet_follow_up.hpp"

namespace qw::probes {

void FollowUpAsk::begin() {
  // Whoever falls silent may be somebody else when he comes back.
  if (state_ == State::tells && !answered_) {
    state_ = State::unknown;
    tries_ = 0;
    heard_ = false;
  }
  if (state_ == State::unknown && tried_ && answered_ && ++tries_ == kMostTries) {
    state_ = State::silent;
    trains_ = 0;
  }
  if (state_ == State::silent && ++trains_ > kAgainAfter) {
    state_ = State::unknown;
    tries_ = 0;
  }
  tried_.reset();
  answered_ = false;
}

bool FollowUpAsk::ask(std::uint32_t sequence) {
  if (state_ == State::tells) return true;
  if (state_ == State::silent || !heard_ || tried_) return false;
  tried_ = sequence;
  return true;
}

void FollowUpAsk::answered(std::uint32_t sequence, bool tells) {
  heard_ = answered_ = true;
  if (tells) {
    state_ = State::tells;
  } else if (state_ == State::unknown && tried_ == sequence) {
    state_ = State::silent;
    trains_ = 0;
  }
}

}  // namespace qw::probes
