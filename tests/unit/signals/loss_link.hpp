#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "probes/signals/round_trip.hpp"
#include "story.hpp"

/// Links that lose packets, simulated, and a mesh probe that measures them round by round.
namespace qw::signals {

/// Loses a share of its packets, one by one or in bursts.
class LossyLink {
 public:
  LossyLink(std::uint64_t seed, double loss, double burst = 1) : random_(seed), loss_(loss), burst_(burst) {
    next_event();
  }

  std::uint64_t lost_of(std::uint64_t packets) {
    std::uint64_t lost = 0;
    while (packets > 0) {
      auto& left = good_ > 0 ? good_ : bad_;
      const auto step = std::min(left, packets);
      if (good_ == 0) lost += step;
      left -= step;
      packets -= step;
      if (good_ == 0 && bad_ == 0) next_event();
    }
    return lost;
  }

 private:
  void next_event() {
    if (loss_ <= 0) {
      good_ = UINT64_MAX;
      return;
    }
    bad_ = burst_ <= 1 ? 1 : 1 + geometric(1 / burst_);
    good_ = geometric(loss_ / (loss_ + burst_ * (1 - loss_)));
  }
  /// Failures before the first success.
  std::uint64_t geometric(double p) {
    const double u = std::uniform_real_distribution<double>(0x1p-60, 1)(random_);
    return static_cast<std::uint64_t>(std::log(u) / std::log1p(-p));
  }

  std::mt19937_64 random_;
  double loss_, burst_;
  std::uint64_t good_ = 0, bad_ = 0;
};

/// Watches one link by rounds of one second, with at most four further looks in each, as a target does.
class LinkWatch {
 public:
  enum class Direction : std::uint8_t { unknown, forward, backward };

  explicit LinkWatch(std::uint64_t packets, Direction direction = Direction::unknown)
      : packets_(packets), direction_(direction) {}

  void round(LossyLink& link) {
    now_ += 1000;
    round_trips_.begin();
    look(link, packets_, false);
    for (int looks = 0; looks < 4; ++looks) {
      const auto wanted = round_trips_.ask_trains();
      if (wanted.empty()) break;
      extra_packets += wanted[0].packets;
      const bool lost = look(link, wanted[0].packets, true);
      if (lost && waits_for_lost) break;
    }
  }

  /// The value of a series of the link: "rtt_loss_ratio", "rtt_loss_confirmed{direction=any}".
  std::optional<double> value(const std::string& series) {
    std::optional<double> found;
    round_trips_.report(at(now_ + 900), samples_);
    for (const auto& sample : samples_.take()) {
      std::string key(sample.series->family->name.substr(std::string_view("quorumwatch_").size()));
      const auto direction = sample.series->labels.get("direction");
      if (!direction.empty()) key.append("{direction=").append(direction).append("}");
      if (key == series) found = sample.value;
    }
    return found;
  }
  bool confirmed(const std::string& direction = "any") {
    return value("rtt_loss_confirmed{direction=" + direction + "}") == 1;
  }
  /// Seconds until the loss is called; nothing: not within so many rounds.
  std::optional<int> called_within(LossyLink& link, int rounds, int look_every = 1) {
    for (int i = 1; i <= rounds; ++i) {
      round(link);
      if (i % look_every == 0 && confirmed()) return i;
    }
    return std::nullopt;
  }
  std::uint64_t extra_packets = 0;
  /// A look in which a packet is lost waits for it until the round is over.
  bool waits_for_lost = true;

 private:
  /// Whether any was lost.
  bool look(LossyLink& link, std::uint64_t packets, bool extra) {
    const auto lost = link.lost_of(packets);
    auto train = packet_train("b", "stamp", asked(now_, now_ + 100), packets, packets - lost);
    train.extra = extra;
    if (direction_ != Direction::unknown) {
      train.lost_forward = direction_ == Direction::forward ? lost : 0;
      train.lost_backward = direction_ == Direction::backward ? lost : 0;
    }
    Facts facts;
    facts.trains.push_back(std::move(train));
    round_trips_.observe(facts);
    return lost > 0;
  }

  RoundTrips round_trips_;
  Samples samples_{"nodes", "mesh"};
  std::uint64_t packets_;
  Direction direction_;
  double now_ = 0;
};

}  // namespace qw::signals
