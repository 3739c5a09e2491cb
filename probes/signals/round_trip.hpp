#pragma once
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "daemon/model/fact_members.hpp"
#include "daemon/model/facts.hpp"

namespace qw::signals {

/// The tail of the round trips to one member within the last five minutes.
struct RecentTail {
  std::string_view member;
  std::string_view method;
  Nanoseconds p99{};
};

/// How long a question and its answer take to each member, with what error, and how many are lost on the way.
/// State is kept between rounds; no clock, no I/O.
class RoundTrips {
 public:
  RoundTrips();
  ~RoundTrips();
  RoundTrips(RoundTrips&&) noexcept;
  RoundTrips& operator=(RoundTrips&&) noexcept;

  void begin();
  void observe(const Facts& facts);
  /// Others are members no more.
  void keep_only(const MemberNames& members);
  /// Packets to send at once, all trains at the same time: a loss or an odd round trip is a suspicion, and
  /// many packets make it a number. Within a budget; the most urgent come first. Empty when nothing more can
  /// be learnt. Only members and methods that were told of by trains are asked for.
  std::vector<TrainQuestion> ask_trains() const;
  void report(SteadyTime now, Samples& out);

  /// Of each member that answered in this round, by the method with the lowest tail: all methods take the
  /// same way, and each adds a noise of its own. Members with fewer than ten round trips are left out. After
  /// report(); valid until the next begin().
  std::span<const RecentTail> tails() const;

  static std::span<const MetricFamily* const> families();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace qw::signals
