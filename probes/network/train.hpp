#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "daemon/model/facts.hpp"
#include "daemon/net/flight.hpp"
#include "probes/network/train_wait.hpp"

namespace qw::probes {

/// What a reflector says of a packet (STAMP). Its clock is its own; only differences and readings are made of
/// it.
struct Reflected {
  WallTime received;           ///< T2
  WallTime sent;               ///< T3
  std::uint32_t sequence = 0;  ///< its own count of our packets, or our number again where it keeps none
};

/// One packet that came back and whose stamps can be used.
struct Returned {
  net::Flight flight;
  Nanoseconds value{};  ///< of the network alone
  Nanoseconds error{};
  Nanoseconds send_lag{};
  std::optional<Reflected> reflected;
  bool followed_up = false;  ///< `reflected->sent` is the peer's kernel's stamp
};

/// A reflector's second word on an earlier answer: when it truly left (RFC 8972 4.7).
struct FollowedUp {
  std::uint32_t sequence = 0;  ///< Reflected::sequence of that answer
  WallTime sent;
};

/// Puts the second word for the first one, so that what the peer needed to get its answer onto the wire is
/// not taken for network. A word that contradicts the sample changes nothing.
void correct(Returned& returned, const FollowedUp& word);

/// The books of the packets that go one way, from train to train: which are lost, and in which direction,
/// which came twice, late, or in another order. Pure: every time comes in as a parameter.
class TrainBook {
 public:
  /// Numbers start anywhere, as a reflector without state is known by giving ours back.
  explicit TrainBook(std::uint32_t first_sequence);

  /// Answers that come from now on to packets of before are late.
  void begin();
  /// The next packet, planned for this time; its number.
  std::uint32_t plan(SteadyTime planned);
  void sent(std::uint32_t sequence, const net::Instant& before, const net::Instant& after);
  /// The kernel did not take it, so it counts as never planned.
  void refused(std::uint32_t sequence);
  void transmitted(std::uint32_t sequence, WallTime at);
  /// An answer. Nothing: it is late, a duplicate, disturbed, or to a packet that was never sent; it has been
  /// counted.
  std::optional<Returned> answered(std::uint32_t sequence, const net::Arrival& arrival,
                                   const std::optional<Reflected>& reflected);
  /// Of this train.
  std::size_t outstanding() const { return sent_ - received_; }
  /// When answers that have not come by then are given up; nothing has been sent: at once.
  SteadyTime give_up_at() const { return last_sent_ + wait_.wait(); }
  /// The counts of this train; `asked.received` is the end of waiting. Names are left to the caller.
  PacketTrain end(SteadyTime now);

 private:
  enum class Fate : std::uint8_t { planned, sent, refused, answered };
  struct Slot {
    Fate fate = Fate::planned;
    SteadyTime planned;
    net::Departure departure;
  };
  /// An answer by both counts.
  struct Mark {
    std::uint32_t ours = 0;
    std::uint32_t theirs = 0;
  };
  std::optional<Returned> judge(const Slot& slot, const net::Arrival& arrival,
                                const std::optional<Reflected>& reflected);
  void answered_before(std::uint32_t sequence, const std::optional<Reflected>& reflected);
  void split_losses(PacketTrain& train);
  void list_losses(PacketTrain& train) const;

  std::uint32_t origin_;  ///< number of the very first packet
  std::uint32_t first_;   ///< of this train
  std::vector<Slot> slots_;
  AnswerWait wait_;
  SteadyTime last_sent_;
  std::size_t sent_ = 0;
  std::size_t received_ = 0;
  std::size_t duplicates_ = 0, reordered_ = 0, late_ = 0, disturbed_ = 0;
  std::optional<std::uint32_t> newest_;  ///< highest number answered in this train
  std::vector<Mark> marks_;              ///< fresh answers of this train
  std::size_t echoes_ = 0;        ///< further copies of our packets that the reflector counted and answered
  std::size_t late_counted_ = 0;  ///< late answers that the reflector counted after `anchor_`
  std::optional<Mark> anchor_;    ///< the last answers of the trains before
  /// Which of the latest packets were answered, by the low bits of their number; tells late from twice.
  static constexpr std::size_t kRemembered = 4096;
  std::vector<bool> was_answered_ = std::vector<bool>(kRemembered, true);
};

}  // namespace qw::probes
