#pragma once
#include <memory>
#include <span>

#include "daemon/model/facts.hpp"

namespace qw::signals {

/// How long a question and its answer take to each member, and with what error.
/// State is kept between rounds; no clock, no I/O.
class RoundTrips {
 public:
  RoundTrips();
  ~RoundTrips();
  RoundTrips(RoundTrips&&) noexcept;
  RoundTrips& operator=(RoundTrips&&) noexcept;

  void begin();
  void observe(const Facts& facts);
  /// Packets to send at once, all trains at the same time. Empty when nothing more can be learnt.
  std::vector<TrainQuestion> ask_trains() const;
  void report(SteadyTime now, Samples& out);

  static std::span<const MetricFamily* const> families();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::signals
