#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/journal/event.hpp"

namespace qw::journal {

struct ReportOptions {
  ReportOptions() = default;
  WallTime from, to;
  std::string target;  ///< "name" or "system/name"; empty: all
  std::uint64_t skipped_lines = 0;
  /// When the daemon was last known to live: of a journal that is still written to.
  std::optional<WallTime> last_alive;
};

/// The incident report as Markdown: what was wrong, what came before what, and what nobody knew. `events`:
/// all of the journal, in the order in which they were written. Everything that a target said is escaped.
std::string write_report(std::vector<Event> events, const ReportOptions& options);

/// `text` as it stands in Markdown, in tables too: no character of it means anything.
std::string escape_markdown(std::string_view text);

/// "name" or "system/name" of an event's target; `wanted` empty: any.
bool is_about(const Event& event, std::string_view wanted);

}  // namespace qw::journal
