#include "probes/wire/postgres_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::wire {
namespace {

constexpr std::size_t kMostSwitches = 1000;
constexpr std::uint64_t kMost32 = UINT32_MAX;

std::unexpected<Error> malformed(std::string_view line) {
  return fail(ErrorKind::protocol, fmt::format("timeline history: '{}'", sanitize(line, 80)));
}

}  // namespace

std::optional<std::uint64_t> parse_lsn(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() != 2) return std::nullopt;
  const auto upper = parse_hex_uint64(parts[0]);
  const auto lower = parse_hex_uint64(parts[1]);
  if (!upper || !lower || *upper > kMost32 || *lower > kMost32) return std::nullopt;
  return *upper << 32 | *lower;
}

std::optional<std::uint32_t> timeline_of_segment(std::string_view name) {
  constexpr std::size_t kLength = 24;
  if (name.size() != kLength ||
      !std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); })) {
    return std::nullopt;
  }
  const auto timeline = parse_hex_uint64(name.substr(0, 8));
  return timeline && *timeline > 0 ? std::optional(static_cast<std::uint32_t>(*timeline)) : std::nullopt;
}

Result<std::vector<TimelineSwitch>> parse_timeline_history(std::string_view text) {
  std::vector<TimelineSwitch> found;
  for (const auto line : split(text, '\n')) {
    const auto words = trim(line);
    if (words.empty() || words.starts_with('#')) continue;
    // The reason, the third field, is anybody's text.
    const auto fields = split(words, '\t');
    if (fields.size() < 2) return malformed(words);
    const auto timeline = parse_uint64(trim(fields[0]));
    const auto position = parse_lsn(trim(fields[1]));
    const bool ascends = found.empty() || (timeline && *timeline > found.back().timeline);
    if (!timeline || *timeline == 0 || *timeline > kMost32 || !position || !ascends) return malformed(words);
    if (found.size() == kMostSwitches) {
      return fail(ErrorKind::too_large,
                  fmt::format("timeline history: more than {} switches", kMostSwitches));
    }
    found.push_back({static_cast<std::uint32_t>(*timeline), *position});
  }
  return found;
}

}  // namespace qw::wire
