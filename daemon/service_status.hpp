#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "daemon/base/time.hpp"

namespace qw {

/// What the daemon's line in `systemctl status` counts.
struct ServiceFigures {
  std::size_t targets = 0, answering = 0;
  std::size_t firing = 0, pending = 0, unknown = 0;
  bool operator==(const ServiceFigures&) const = default;
};

/// Writes that line, when it is another one, and not more often than once a second. Pure.
class ServiceStatus {
 public:
  /// "3 of 4 targets answer; alerts: 1 firing, 0 pending, 0 unknown; since 2026-11-21T09:33:34.123Z", where
  /// the time is that of the last change of these figures. Nothing: the line stays, or it is too early.
  std::optional<std::string> next(const ServiceFigures& figures, SteadyTime now, WallTime wall);
  /// The file in use is not the one on disk, and why; empty: it is.
  void set_problem(std::string reason);

 private:
  std::optional<ServiceFigures> figures_;
  std::string since_;
  std::string problem_;
  std::string told_;
  std::optional<SteadyTime> told_at_;
};

}  // namespace qw
