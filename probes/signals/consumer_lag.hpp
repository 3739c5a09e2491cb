#pragma once
#include <memory>
#include <span>
#include <vector>

#include "daemon/model/facts.hpp"

namespace qw::signals {

/// How far consumer groups are behind, in messages and in seconds, and why.
/// State is kept between rounds; no clock, no I/O.
class ConsumerLag {
 public:
  ConsumerLag();
  ~ConsumerLag();
  ConsumerLag(ConsumerLag&&) noexcept;
  ConsumerLag& operator=(ConsumerLag&&) noexcept;

  void begin();
  void observe(const Facts& facts);
  /// What to ask the logs at once, for lags that our own history of their ends does not reach; all questions
  /// can be asked at the same time, and each answer brings the next ones nearer. Empty: nothing more is to be
  /// learnt in this round.
  std::vector<OffsetQuestion> ask_offsets() const;
  void report(SteadyTime now, Samples& out);

  static std::span<const MetricFamily* const> families();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::signals
