#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/signals/delay_watch.hpp"
#include "probes/signals/loss_spread.hpp"
#include "probes/signals/loss_test.hpp"
#include "probes/signals/rtt_histogram.hpp"
#include "probes/signals/time_slots.hpp"

namespace qw::signals {

/// The verdict on one direction, by both tests.
class LossVerdict {
 public:
  struct Look {
    SteadyTime at;
    std::uint64_t sent = 0, lost = 0, late = 0;
    bool extra = false;
    std::span<const std::uint64_t> places = {};  ///< as in LossTest
  };
  void look(const Look& look);
  bool confirmed(SteadyTime now) { return test_.confirmed() || spread_.confirmed(now); }
  std::uint64_t packets(SteadyTime now);
  const LossTest& test() const { return test_; }

 private:
  LossTest test_;
  LossSpread spread_;
};

/// Packets to one member by one method, as they were counted.
struct PacketCounts {
  std::uint64_t sent = 0, received = 0, late = 0, duplicates = 0, reordered = 0, disturbed = 0;
  std::uint64_t lost_forward = 0, lost_backward = 0, lost_somewhere = 0;

  /// All but the directions of what is lost.
  void add(const PacketTrain& train);
  void add(const PacketCounts& other);
  /// Neither answered in time nor since.
  std::uint64_t lost() const;
};

/// Each lost packet of one way in one direction, once: that of the last packets of a train comes to light
/// with the next train that is answered.
class LossDirections {
 public:
  /// Adds what is known by now to `counts`.
  void add(const PacketTrain& train, PacketCounts& counts);

 private:
  std::uint64_t pending_ = 0;  ///< lost, the direction may yet be told
  SteadyTime last_told_;
};

/// What is known of the round trips to one member by one method: this round's, and what is kept of all.
/// Bounded, whatever the facts say.
class RttRoute {
 public:
  void begin();
  void add(const RoundTrip& trip);
  /// All trains of one look.
  void add(std::span<const PacketTrain* const> trains);

  /// Of this round.
  struct Trip {
    Nanoseconds value;
    Nanoseconds error;  ///< negative: not known
  };
  std::optional<Trip> median();  ///< with the error of the trips that it was made of
  std::optional<Nanoseconds> median_held();
  std::optional<Nanoseconds> longest_send_lag() const { return send_lag_; }
  /// Between the ways with the lowest and the highest median; nothing where there is one way.
  std::optional<Nanoseconds> path_spread();
  std::size_t paths() const { return paths_.size(); }
  bool asked() const { return asked_; }
  bool degraded() const { return degraded_; }

  /// Of all rounds.
  /// Nothing before the second round trip of a path.
  std::optional<Nanoseconds> jitter() const {
    if (!jitter_) return std::nullopt;
    return Nanoseconds(static_cast<std::int64_t>(*jitter_));
  }
  const RttHistogram& histogram() const { return histogram_; }
  RecentRtt& recent() { return recent_; }
  const PacketCounts& counts() const { return counts_; }
  PacketCounts last_minute(SteadyTime now);
  /// The highest of any way that has had 20 packets in the last minutes; nothing where there is one way.
  std::optional<double> worst_path_loss() const;
  bool has_trains() const { return counts_.sent > 0; }
  bool tells_direction() const { return tells_direction_; }
  LossVerdict& loss() { return loss_; }
  LossVerdict& loss_forward() { return forward_; }
  LossVerdict& loss_backward() { return backward_; }
  DelayPart& wire() { return wire_; }
  DelayPart& peer() { return peer_; }
  DelayPart& self() { return self_; }
  SteadyTime last_asked() const { return last_asked_; }

  /// Packets to send at once, and how near they may bring a verdict (0 to 1). No packets: they would tell
  /// nothing.
  struct Wish {
    std::uint32_t packets = 0;
    double urgency = 0;
  };
  Wish wish(SteadyTime now) const;

 private:
  static constexpr std::size_t kMostTrips = 1024;  ///< a median of more is none the better
  static constexpr std::size_t kMostPaths = 64;
  struct Path {
    std::optional<Nanoseconds> last;  ///< round trip
    std::vector<Nanoseconds> values;  ///< of this round
    PacketCounts before, present;     ///< the minute before, and this one
    LossDirections directions;
    std::int64_t minute = 0;
    SteadyTime last_asked;
  };
  Path* path(const std::string& name, SteadyTime now);
  void count_path(const PacketTrain& train, PacketCounts& look);
  void judge(const PacketCounts& look, std::span<const std::uint64_t> places, bool extra);

  bool asked_ = false, degraded_ = false, tells_direction_ = false;
  std::vector<Trip> trips_;
  std::vector<Nanoseconds> held_;
  std::optional<Nanoseconds> send_lag_;
  std::map<std::string, Path, std::less<>> paths_;
  std::optional<double> jitter_;
  RttHistogram histogram_;
  RecentRtt recent_;
  PacketCounts counts_;
  TimeSlots<PacketCounts, 6> minute_{std::chrono::seconds(10)};
  LossVerdict loss_, forward_, backward_;
  DelayShift shift_;
  DelayPart wire_, peer_, self_;
  SteadyTime last_asked_;
  SteadyTime recheck_;  ///< when a confirmed loss may be tested again
  bool last_look_clean_ = false;
  bool last_look_silent_ = false;  ///< several packets and no answer at all: more would tell nothing
};

}  // namespace qw::signals
