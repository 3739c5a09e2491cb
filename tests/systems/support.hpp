#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "probes/target.hpp"

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

/// With QW_RECORD_TRACES=DIR: appends the round to the running test's file there (tests/traces/README.md).
void record(const Round& round);

}  // namespace qw::probes
