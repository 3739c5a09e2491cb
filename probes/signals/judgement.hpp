#pragma once
#include <span>
#include <string>
#include <vector>

#include "daemon/model/facts.hpp"
#include "probes/signals/clock.hpp"
#include "probes/signals/consumer_lag.hpp"
#include "probes/signals/leadership.hpp"
#include "probes/signals/replication.hpp"
#include "probes/signals/round_trip.hpp"
#include "probes/signals/safety_margin.hpp"

namespace qw::signals {

/// All signals of one target. Pure: facts and times in, samples out.
class Judgement {
 public:
  /// A new round begins.
  void begin();
  /// One look; called once for the whole target and once for each second look of the round, in the order of
  /// asking.
  void observe(const Facts& facts);
  /// Members to ask again at once, one after the other and in this order, to tell an overlap from a
  /// hand-over. Empty when nothing more can be learnt.
  std::vector<std::string> ask_again() const;
  /// Offsets to ask for at once, all at the same time. Empty when nothing more can be learnt.
  std::vector<OffsetQuestion> ask_offsets() const;
  /// Packets to send at once, to tell a loss from chance. Empty when nothing is suspicious.
  std::vector<TrainQuestion> ask_trains() const;
  /// Forgets all members but these: the others are no longer members. After the first look of a round.
  void keep_only(const MemberNames& members);
  /// What the round comes to. `now`: the end of the round.
  void report(SteadyTime now, Samples& out);

 private:
  Replication replication_;
  Leadership leadership_;
  ConsumerLag consumer_lag_;
  RoundTrips round_trips_;
  SafetyMargin safety_margin_;
  Clocks clocks_;
};

/// Every family that any signal can report, for the metric reference.
std::span<const MetricFamily* const> signal_families();

}  // namespace qw::signals
