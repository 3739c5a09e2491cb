#include "daemon/service_status.hpp"

#include <fmt/format.h>

#include "daemon/base/rfc3339.hpp"
#include "daemon/base/text.hpp"

namespace qw {
namespace {

constexpr Nanoseconds kLeastGap = std::chrono::seconds(1);
/// Of a reason; all of it is in the log.
constexpr std::size_t kMaxProblem = 300;

}  // namespace

void ServiceStatus::set_problem(std::string reason) {
  // A line break would begin another message to the service manager.
  problem_ = reason.empty() ? "" : "; configuration not reloaded: " + sanitize(reason, kMaxProblem);
}

std::optional<std::string> ServiceStatus::next(const ServiceFigures& figures, SteadyTime now, WallTime wall) {
  if (told_at_ && now - *told_at_ < kLeastGap) return std::nullopt;
  if (figures_ != figures) {
    figures_ = figures;
    since_ = format_time(wall);
  }
  auto line = fmt::format("{} of {} targets answer; alerts: {} firing, {} pending, {} unknown; since {}{}",
                          figures.answering, figures.targets, figures.firing, figures.pending,
                          figures.unknown, since_, problem_);
  if (line == told_) return std::nullopt;
  told_ = line;
  told_at_ = now;
  return line;
}

}  // namespace qw
