#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "daemon/model/round.hpp"
#include "probes/probe.hpp"
#include "probes/signals/judgement.hpp"

namespace qw::probes {

/// Families that every target reports, whatever its kind, for the metric reference.
std::span<const MetricFamily* const> target_families();

/// A probe and the signals that judge what it finds: one measure() is one round, second looks included.
class Target {
 public:
  Target(TargetId id, std::unique_ptr<Probe> probe, const Clock& clock);

  /// Asks everybody, lets the signals ask again at once where they must (at most kMaxLooks looks, all before
  /// `deadline`), and returns the whole round. Never fails: what went wrong is in the round.
  Task<Round> measure(SteadyTime deadline);
  /// The rounds to come ask by `probe`, because the list of members changed. Between two rounds. What the
  /// signals know stays, but for members of whom the first round that succeeds says nothing.
  void exchange_probe(std::unique_ptr<Probe> probe);
  /// The failed round that stands for a measure() that had to be cancelled.
  Round abandon(std::string_view reason);
  const TargetId& id() const { return id_; }

 private:
  static constexpr unsigned kMaxLooks = 8;
  static constexpr unsigned kMaxOffsetLooks = 16;
  static constexpr unsigned kMaxTrainLooks = 4;
  Task<void> look_again(Round& round, SteadyTime deadline);
  Task<void> look_for_offsets(Round& round, SteadyTime deadline);
  Task<void> send_trains(Round& round, SteadyTime deadline);
  void begin(Round& round);
  void finish(Round& round);

  TargetId id_;
  std::unique_ptr<Probe> probe_;
  const Clock& clock_;
  signals::Judgement judgement_;
  Samples samples_;
  std::uint64_t rounds_ = 0;
  bool exchanged_ = false;  ///< and no round has succeeded since
  // Of the last round.
  SteadyTime started_;
  WallTime at_;
};

}  // namespace qw::probes
