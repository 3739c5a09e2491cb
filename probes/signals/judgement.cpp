#include "probes/signals/judgement.hpp"

#include <iterator>

namespace qw::signals {

void Judgement::begin() {
  replication_.begin();
  leadership_.begin();
  consumer_lag_.begin();
  round_trips_.begin();
  safety_margin_.begin();
  clocks_.begin();
}

void Judgement::observe(const Facts& facts) {
  replication_.observe(facts);
  leadership_.observe(facts);
  consumer_lag_.observe(facts);
  round_trips_.observe(facts);
  safety_margin_.observe(facts);
  clocks_.observe(facts);
}

void Judgement::keep_only(const MemberNames& members) {
  leadership_.keep_only(members);
  replication_.keep_only(members);
  round_trips_.keep_only(members);
  clocks_.keep_only(members);
}

std::vector<std::string> Judgement::ask_again() const {
  return leadership_.ask_again();
}

std::vector<OffsetQuestion> Judgement::ask_offsets() const {
  return consumer_lag_.ask_offsets();
}

std::vector<TrainQuestion> Judgement::ask_trains() const {
  return round_trips_.ask_trains();
}

void Judgement::report(SteadyTime now, Samples& out) {
  leadership_.report(now, replication_, out);
  replication_.report(now, out);
  consumer_lag_.report(now, out);
  round_trips_.report(now, out);
  safety_margin_.report(round_trips_.tails(), out);
  clocks_.report(now, out);
}

std::span<const MetricFamily* const> signal_families() {
  static const auto all = [] {
    std::vector<const MetricFamily*> families;
    for (const auto part : {Leadership::families(), Replication::families(), ConsumerLag::families(),
                            RoundTrips::families(), SafetyMargin::families(), Clocks::families()}) {
      families.insert(families.end(), part.begin(), part.end());
    }
    return families;
  }();
  return all;
}

}  // namespace qw::signals
