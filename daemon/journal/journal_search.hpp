#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/journal/event.hpp"

/// Events of a journal by time, target and kind, the newest first found.
namespace qw::journal {

struct Search {
  Search() = default;
  WallTime since = WallTime::min(), until = WallTime::max();  ///< of the event; `until` itself not any more
  std::string target;                                         ///< "name" or "system/name"; empty: any
  std::optional<Kind> kind;
  std::size_t limit = 1000;
};
struct Found {
  std::vector<Event> events;  ///< in order of time
  /// Older ones were not looked for, or there are more than `limit`: what is older than this is found by
  /// asking again with it as `until`.
  std::optional<WallTime> older_than;
};

bool matches(const Event& event, const Search& search);

/// The newest of these, in order of time: `limit`, and those of the millisecond that the first of them is of.
Found newest_of(std::vector<Event> events, const Search& search);

/// An event may stand so much later among the events than its time says (Watch::kMatters, and the time that a
/// round takes).
inline constexpr Nanoseconds kToldLate = std::chrono::minutes(1);

/// The same of the files of a journal, which are read backwards, `most_bytes` of them at most. Blocks: for a
/// worker. Errors: as read_journal(). `recent`: what is in memory and may not be on disk yet; what is in both
/// is found once.
Result<Found> search_journal(const std::string& folder, const Search& search, std::span<const Event> recent,
                             std::size_t most_bytes);

}  // namespace qw::journal
