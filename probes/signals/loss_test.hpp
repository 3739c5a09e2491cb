#pragma once
#include <cstdint>
#include <span>

namespace qw::signals {

/// Whether a way loses packets: one in a hundred or more, as against one in a thousand or fewer, decided as
/// soon as the packets allow.
///
/// It is Wald's sequential test of the two hypotheses, run without end (Page's CUSUM): each look adds the
/// logarithm of how much likelier it is under the one than under the other, and the sum never falls below
/// zero, as nobody knows when a loss begins. A test with a fixed number of packets (Wilson's bounds) would be
/// wrong here: who looks after each packet finds in the end what he looks for. What is counted is slices of a
/// look with and without a loss, not lost packets, since losses come in bursts: one interruption of 50 ms is
/// one event, however many packets it takes, and so is a run of slices with losses. Where nobody tells which
/// packets were lost, a look is one slice.
class LossTest {
 public:
  /// The packets of one look: `lost` of `sent`. `late`: packets of the look before, lost there, that came
  /// after all. `places`: of the lost ones among the sent, from 0, ascending; empty: not known.
  void look(std::uint64_t sent, std::uint64_t lost, std::uint64_t late = 0,
            std::span<const std::uint64_t> places = {});

  bool confirmed() const { return confirmed_; }
  /// There is evidence against the present verdict, not enough yet: more packets would decide.
  bool undecided() const { return evidence_ > 0; }
  /// Evidence against the present verdict, as a part of what it takes.
  double progress() const;
  /// Packets that the present verdict rests on.
  std::uint64_t packets() const { return packets_; }

  static constexpr double kHarmless = 0.001, kHarmful = 0.01;
  static constexpr std::uint64_t kSlice = 10;  ///< packets

 private:
  void add_slice(std::uint64_t sent, bool lost);
  void add(double evidence, std::uint64_t sent);

  bool confirmed_ = false;
  double evidence_ = 0;          ///< against the present verdict, in units of e
  std::uint64_t packets_ = 0;    ///< since the first that spoke for the present verdict
  std::uint64_t gathered_ = 0;   ///< since the first that speaks against it
  std::uint64_t last_lost_ = 0;  ///< of the look before
  double last_for_loss_ = 0;     ///< by how much its losses spoke for one
};

}  // namespace qw::signals
