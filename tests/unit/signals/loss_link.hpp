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

  std::uint64_t lost_of(std::uint64_t packets) { return places_of(packets).size(); }
  /// Which of so many packets are lost, from 0.
  std::vector<std::uint64_t> places_of(std::uint64_t packets) {
    std::vector<std::uint64_t> places;
    for (std::uint64_t sent = 0; sent < packets;) {
      const bool bad = good_ == 0;
      auto& left = bad ? bad_ : good_;
      const auto step = std::min(left, packets - sent);
      for (std::uint64_t i = 0; bad && i < step; ++i) places.push_back(sent + i);
      left -= step;
      sent += step;
      if (good_ == 0 && bad_ == 0) next_event();
    }
    return places;
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
      // There is no time for more in so short a round.
      const auto packets = std::min(wanted[0].packets, 100U);
      extra_packets += packets;
      const bool lost = look(link, packets, true);
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
    const auto places = link.places_of(packets);
    const std::uint64_t lost = places.size();
    auto train = packet_train("b", "stamp", asked(now_, now_ + 100), packets, packets - lost);
    train.last_sent = at(now_ + 100);
    for (const auto place : places) {
      train.lost_at.push_back(at(now_ + 100.0 * static_cast<double>(place) / static_cast<double>(packets)));
    }
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

/// Watches one link as the daemon does where nothing is configured: a round each 5 s that may take 2 s, of
/// which the first look sends for a second, and the further looks as fast as they may, each in three fifths
/// of what is left. What is lost is waited for by 50 ms.
class DefaultWatch {
 public:
  static constexpr double kInterval = 5, kTimeout = 2, kFirstLook = 0.96, kWait = 0.05, kAnswer = 0.002;
  static constexpr std::uint64_t kPackets = 250, kLooks = 4;
  static constexpr double kBurstSpacing = 0.001;

  /// Until then the link loses nothing.
  explicit DefaultWatch(double onset) : onset_(onset) {}

  /// One round; when it ended.
  double round(LossyLink& link) {
    const double start = rounds_++ * kInterval;
    now_ = start;
    round_trips_.begin();
    look(link, kPackets, kFirstLook, false);
    for (std::uint64_t looks = 0; looks < kLooks && now_ < start + kTimeout; ++looks) {
      const auto wanted = round_trips_.ask_trains();
      if (wanted.empty()) break;
      const double window = (start + kTimeout - now_) * 3 / 5;
      const auto packets =
          std::min<std::uint64_t>(wanted[0].packets, static_cast<std::uint64_t>(window / kBurstSpacing));
      if (packets == 0) break;
      extra_packets += packets;
      look(link, packets, static_cast<double>(packets) * kBurstSpacing, true);
    }
    now_ = std::min(now_, start + kTimeout);
    return now_;
  }
  bool confirmed() {
    round_trips_.report(at(now_ * 1000 + 1), samples_);
    bool found = false;
    for (const auto& sample : samples_.take()) {
      found = found || (sample.series->family->name == "quorumwatch_rtt_loss_confirmed" && sample.value == 1);
    }
    return found;
  }
  std::uint64_t extra_packets = 0;

 private:
  void look(LossyLink& link, std::uint64_t packets, double takes, bool extra) {
    const auto healthy = static_cast<std::uint64_t>(std::clamp((onset_ - now_) / takes, 0.0, 1.0) *
                                                    static_cast<double>(packets));
    const auto places = link.places_of(packets - healthy);
    auto train = packet_train("b", "stamp", asked(now_ * 1000, (now_ + takes) * 1000), packets,
                              packets - places.size());
    train.last_sent = at((now_ + takes) * 1000);
    const double each = takes / static_cast<double>(packets - 1);
    for (const auto place : places) {
      train.lost_at.push_back(at((now_ + static_cast<double>(healthy + place) * each) * 1000));
    }
    train.extra = extra;
    Facts facts;
    facts.trains.push_back(std::move(train));
    round_trips_.observe(facts);
    now_ += takes + (places.empty() ? kAnswer : kWait);
  }

  RoundTrips round_trips_;
  Samples samples_{"nodes", "mesh"};
  double onset_, now_ = 0;
  int rounds_ = 0;
};

}  // namespace qw::signals
