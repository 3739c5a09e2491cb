#pragma once
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "probes/target.hpp"
#include "tests/systems/on_call.hpp"

/// What the tests against real servers share.
namespace qw::probes {

/// Of a round: the sum of the family's samples that carry the label; nothing when there is none.
std::optional<double> value(const Round& round, std::string_view family, std::string_view label = "",
                            std::string_view is = "");

/// Runs a command and returns what it printed.
std::string shell(const std::string& command);

/// The target that the daemon makes of `{system: ..., name: lab, OPTIONS}` in a file of `folder`. Errors:
/// what is wrong with the options.
Result<std::unique_ptr<Target>> make_target(const ProbeKind& kind, const std::string& options,
                                            const ProbeContext& context,
                                            const std::filesystem::path& folder = "/tmp");

/// A target as the daemon makes it from its configuration; each round is measured when it is asked for.
class WatchedTarget {
 public:
  struct Pace {
    Nanoseconds interval;
    Nanoseconds timeout;
  };
  /// Throws where make_target() fails: the test is wrong.
  WatchedTarget(const ProbeKind& kind, const std::string& options, Pace pace,
                const std::filesystem::path& folder = "/tmp");

  /// The next round, on a grid of the interval.
  Round round();
  /// The first round that is as wanted, or the last one within the limit, which fails the test.
  Round until(const std::function<bool(const Round&)>& wanted, Nanoseconds limit = std::chrono::seconds(30));
  /// Whom the shipped rules have paged so far.
  const test::OnCall& on_call() const { return on_call_; }

 private:
  Task<void> measure(std::optional<Round>& into);

  Pace pace_;
  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
  std::unique_ptr<Target> target_;
  SteadyTime due_{};
  test::OnCall on_call_;
  async::TaskGroup tasks_;
};

/// Why nobody or somebody did not answer, in one text.
std::string reasons_in(const Round& round);

/// With QW_RECORD_TRACES=DIR: appends the round to the running test's file there (tests/traces/README.md).
void record(const Round& round);

}  // namespace qw::probes
