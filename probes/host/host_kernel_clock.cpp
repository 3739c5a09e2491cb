#include "probes/host/host_kernel_clock.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace qw::probes {
namespace {

/// Three readings that take longer than this were interrupted.
constexpr Nanoseconds kTogether = std::chrono::microseconds(5);
constexpr int kTries = 8;
/// timex.freq is in parts per million with 16 bits behind the point; timex.tick is nominally 10 ms.
constexpr double kFrequencyUnit = 1e-6 / 65536;
constexpr double kNominalTick = 10'000;

Nanoseconds read(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + Nanoseconds(time.tv_nsec);
}

}  // namespace

LocalClocks read_local_clocks() {
  LocalClocks best;
  Nanoseconds shortest = Nanoseconds::max();
  for (int i = 0; i < kTries && shortest > kTogether; ++i) {
    const auto before = read(CLOCK_MONOTONIC);
    const auto wall = read(CLOCK_REALTIME);
    const auto boottime = read(CLOCK_BOOTTIME);
    const auto took = read(CLOCK_MONOTONIC) - before;
    if (took >= shortest) continue;
    shortest = took;
    best = {.steady = SteadyTime(before + took / 2), .wall = WallTime(wall), .boottime = boottime};
  }
  return best;
}

Result<ClockState> read_kernel_clock(std::string_view member, const Clock& clock) {
  timex told{};
  const auto sent = clock.steady();
  const int returned = ::adjtimex(&told);
  if (returned < 0) {
    return fail(ErrorKind::rejected,
                fmt::format("adjtimex: {}: the sandbox forbids to read the kernel's clock (systemd: "
                            "ProtectClock=yes, SystemCallFilter=~@clock; containers: the seccomp profile)",
                            std::strerror(errno)));
  }
  auto state = kernel_clock_state(told, returned);
  state.member = member;
  state.asked = {.sent = sent, .received = clock.steady()};
  return state;
}

ClockState kernel_clock_state(const timex& told, int returned) {
  ClockState state;
  state.source = "kernel";
  state.synchronised = returned != TIME_ERROR && (told.status & STA_UNSYNC) == 0;
  // Without synchronisation it grows to 16 s and stays there: that bounds nothing.
  if (*state.synchronised) state.bound = std::chrono::microseconds(told.maxerror);
  state.leap = 0;
  if ((told.status & STA_INS) != 0) state.leap = 1;
  if ((told.status & STA_DEL) != 0) state.leap = -1;
  // What is corrected is the oscillator's error with the other sign.
  const double corrected = static_cast<double>(told.freq) * kFrequencyUnit +
                           (static_cast<double>(told.tick) - kNominalTick) / kNominalTick;
  state.frequency_error = corrected == 0 ? 0 : -corrected;
  return state;
}

}  // namespace qw::probes
