#pragma once
#include <expected>
#include <optional>

#include "daemon/base/time.hpp"

namespace qw::net {

/// All clocks of this machine at one instant. Kernel stamps are on CLOCK_REALTIME, which can be stepped; what
/// is read here beside it tells a step or a fast slew between two instants from time that has passed.
struct Instant {
  SteadyTime steady;    ///< CLOCK_MONOTONIC
  WallTime wall;        ///< CLOCK_REALTIME
  Nanoseconds raw{};    ///< CLOCK_MONOTONIC_RAW: the oscillator, which nobody slews
  Nanoseconds width{};  ///< all were read within this time
};

/// Reads the clocks; again, at most four times, where the thread was interrupted in between.
Instant read_clocks();

/// How a packet left: our own clocks before and after the call that sent it, and the kernel's stamp where
/// there is one.
struct Departure {
  Instant before;
  Instant after;
  std::optional<WallTime> kernel = std::nullopt;
};

/// How a packet came: the kernel's stamp where there is one, and our own clocks when it was read.
struct Arrival {
  std::optional<WallTime> kernel = std::nullopt;
  Instant read;
  /// When its socket was found empty the last time: it came after that.
  SteadyTime empty_at;
};

/// Why a packet's stamps say nothing.
enum class Disturbance : std::uint8_t {
  clock_step,  ///< the wall clock was set, or slewed by more than 600 ppm, meanwhile
  stall,       ///< our own thread stood still while it sent, and there is no kernel stamp
  impossible,  ///< it came before it left, or left before it was sent: the stamps belong to other packets
};

/// A packet out and its answer back, by the best stamps that there are.
struct Flight {
  WallTime sent;      ///< T1
  WallTime received;  ///< T4
  SteadyTime sent_steady;
  SteadyTime received_steady;
  /// The true time between may be shorter than `received - sent` by this much, for reasons that are ours: a
  /// stamp that the kernel did not take.
  Nanoseconds error{};
  bool kernel_sent = false;
  bool kernel_received = false;

  Nanoseconds duration() const { return received - sent; }
};

/// A send call without kernel stamp that took longer than this says nothing about when the packet left.
inline constexpr Nanoseconds kStallBudget = std::chrono::milliseconds(1);

/// Joins the two ends. Pure: the test of the rules needs no clock.
std::expected<Flight, Disturbance> join(const Departure& departure, const Arrival& arrival);

}  // namespace qw::net
