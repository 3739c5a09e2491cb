#include "probes/network/train.hpp"

#include <algorithm>

namespace qw::probes {
namespace {

/// Two clocks of which neither is stepped drift apart by less than this.
constexpr std::int64_t kDriftPpm = 600;
/// Stamps of different processors, and of different formats, disagree by less than this.
constexpr Nanoseconds kNoise = std::chrono::microseconds(1);
/// A reflector says when it sent before it sends. On two busy cores its packet was on the wire 8 us later at
/// the median, and within this in 99 of 100 cases (tests/bench/rtt_error). One that says it again afterwards,
/// by its kernel's stamp, has no such lag.
constexpr Nanoseconds kReplyStampLag = std::chrono::microseconds(50);
/// What lies between the kernels' stamps and the wire, of both ends and both ways together: 3 us at the
/// median and within this in 99 of 100 cases, measured as above.
constexpr Nanoseconds kStampLag = std::chrono::microseconds(20);
/// The same of a peer whose kernel answers (ICMP) and says nothing of the time that it takes: 12 us at the
/// median.
constexpr Nanoseconds kEchoLag = std::chrono::microseconds(35);

}  // namespace

void correct(Returned& returned, const FollowedUp& word) {
  if (!returned.reflected || returned.followed_up) return;
  auto& sent = returned.reflected->sent;
  const Nanoseconds later = word.sent - sent;
  // It left after its stamp was written, and before it came; else the peer's clock was set in between.
  if (later < -kNoise || later > returned.value + kNoise) return;
  returned.followed_up = true;
  returned.value = std::max(Nanoseconds(0), returned.value - later);
  returned.error -= kReplyStampLag - kStampLag;
  sent = word.sent;
}

TrainBook::TrainBook(std::uint32_t first_sequence) : origin_(first_sequence), first_(first_sequence) {}

void TrainBook::begin() {
  first_ += static_cast<std::uint32_t>(slots_.size());
  slots_.clear();
  wait_.begin();
  sent_ = received_ = duplicates_ = reordered_ = late_ = disturbed_ = echoes_ = late_counted_ = 0;
  newest_.reset();
  marks_.clear();
}

std::uint32_t TrainBook::plan(SteadyTime planned) {
  const auto sequence = first_ + static_cast<std::uint32_t>(slots_.size());
  slots_.push_back({.fate = Fate::planned, .planned = planned, .departure = {}});
  was_answered_[sequence % kRemembered] = false;
  return sequence;
}

void TrainBook::sent(std::uint32_t sequence, const net::Instant& before, const net::Instant& after) {
  auto& slot = slots_.at(sequence - first_);
  slot.fate = Fate::sent;
  slot.departure.before = before;
  slot.departure.after = after;
  last_sent_ = after.steady;
  ++sent_;
}

void TrainBook::refused(std::uint32_t sequence) {
  slots_.at(sequence - first_).fate = Fate::refused;
}

void TrainBook::transmitted(std::uint32_t sequence, WallTime at) {
  const std::uint32_t index = sequence - first_;
  if (index < slots_.size()) slots_[index].departure.kernel = at;
}

std::optional<Returned> TrainBook::answered(std::uint32_t sequence, const net::Arrival& arrival,
                                            const std::optional<Reflected>& reflected) {
  const std::uint32_t index = sequence - first_;
  if (index >= slots_.size()) {
    answered_before(sequence, reflected);
    return std::nullopt;
  }
  auto& slot = slots_[index];
  if (slot.fate == Fate::answered) {
    ++duplicates_;
    const auto same = [&](const Mark& mark) { return reflected && mark.theirs == reflected->sequence; };
    if (reflected && std::ranges::none_of(marks_, same)) ++echoes_;
    return std::nullopt;
  }
  if (slot.fate != Fate::sent) return std::nullopt;
  slot.fate = Fate::answered;
  wait_.answered(arrival.read.steady - slot.departure.before.steady);
  was_answered_[sequence % kRemembered] = true;
  ++received_;
  if (newest_ && sequence - first_ < *newest_ - first_) {
    ++reordered_;
  } else {
    newest_ = sequence;
  }
  if (reflected) marks_.push_back({.ours = sequence, .theirs = reflected->sequence});
  auto returned = judge(slot, arrival, reflected);
  if (!returned) ++disturbed_;
  return returned;
}

/// To a packet of an earlier train, which was counted as lost there, or which was answered before.
void TrainBook::answered_before(std::uint32_t sequence, const std::optional<Reflected>& reflected) {
  const std::uint32_t age = first_ - sequence;
  if (age == 0 || age > kRemembered - kRemembered / 4 || age > first_ - origin_) return;
  auto answered = was_answered_[sequence % kRemembered];
  if (answered) {
    ++duplicates_;
  } else {
    ++late_;
    wait_.late();
    answered = true;
    const bool counted =
        reflected && (!anchor_ || static_cast<std::int32_t>(reflected->sequence - anchor_->theirs) > 0);
    if (counted) ++late_counted_;
  }
}

std::optional<Returned> TrainBook::judge(const Slot& slot, const net::Arrival& arrival,
                                         const std::optional<Reflected>& reflected) {
  const auto flight = net::join(slot.departure, arrival);
  if (!flight) return std::nullopt;
  Returned out{.flight = *flight,
               .value = flight->duration(),
               .error = flight->error,
               .send_lag = std::max(Nanoseconds(0), flight->sent_steady - slot.planned),
               .reflected = reflected};
  if (reflected) {
    const Nanoseconds held = reflected->sent - reflected->received;
    // The peer's clock was set meanwhile, or it says what is not true.
    if (held < Nanoseconds(0) || held > out.value + kNoise) return std::nullopt;
    out.value = std::max(Nanoseconds(0), out.value - held);
    out.error += held * kDriftPpm / 1'000'000 + kReplyStampLag;
  } else {
    out.error += kEchoLag;
  }
  return out;
}

PacketTrain TrainBook::end(SteadyTime now) {
  PacketTrain train;
  train.sent = sent_;
  train.received = received_;
  train.duplicates = duplicates_;
  train.reordered = reordered_;
  train.late = late_;
  train.disturbed = disturbed_;
  train.asked.received = now;
  const auto first = std::ranges::find_if(
      slots_, [](const Slot& slot) { return slot.fate == Fate::sent || slot.fate == Fate::answered; });
  train.asked.sent = first == slots_.end() ? now : first->departure.before.steady;
  train.last_sent = last_sent_;
  split_losses(train);
  list_losses(train);
  return train;
}

void TrainBook::list_losses(PacketTrain& train) const {
  for (const auto& slot : slots_) {
    if (slot.fate == Fate::sent) train.lost_at.push_back(slot.departure.before.steady);
  }
}

/// Between two answers the reflector's count says how many of ours arrived there; the others were lost on the
/// way forward, and those that arrived and were not answered on the way back. Losses after the last answer
/// come to light with the next train.
void TrainBook::split_losses(PacketTrain& train) {
  if (marks_.empty()) return;
  std::ranges::sort(marks_, {}, [this](const Mark& mark) { return mark.ours - origin_; });
  const auto& first = marks_.front();
  const Mark last{.ours = marks_.back().ours, .theirs = std::ranges::max(marks_, {}, &Mark::theirs).theirs};
  // It gives our own numbers back: it does not count.
  if (first.theirs == first.ours) return;
  auto from = anchor_;
  anchor_ = last;
  if (!from) {
    // A reflector that has never heard of us counts from 0; one that has counted more than we sent knows
    // somebody else.
    if (first.theirs > first.ours - origin_) return;
    from = Mark{.ours = origin_ - 1, .theirs = static_cast<std::uint32_t>(-1)};
  }
  const std::int64_t span = static_cast<std::int32_t>(last.ours - from->ours);
  const std::int64_t counted = static_cast<std::int32_t>(last.theirs - from->theirs);
  const auto arrived = counted - static_cast<std::int64_t>(echoes_);
  const auto refused = std::ranges::count(slots_, Fate::refused, &Slot::fate);
  // It has started again, or it counts in a way of its own.
  if (counted < 0 || arrived > span + 1) return;
  const auto back =
      arrived - static_cast<std::int64_t>(marks_.size()) - static_cast<std::int64_t>(late_counted_);
  train.lost_forward = static_cast<std::uint64_t>(std::max<std::int64_t>(0, span - arrived - refused));
  train.lost_backward = static_cast<std::uint64_t>(std::max<std::int64_t>(0, back));
}

}  // namespace qw::probes
