#pragma once
#include "daemon/status/html.hpp"
#include "daemon/status/view.hpp"

/// The sections of the page, in its order. Each writes one <section>, or nothing where there is nothing to
/// tell. `write_wrong_now` always writes one.
namespace qw::status {

/// What is wrong, a card for each target, the most severe first.
void write_wrong_now(const View& view, Html& html);
void write_who_leads(const View& view, Html& html);
void write_replicas(const View& view, Html& html);
void write_consumers(const View& view, Html& html);
void write_round_trips(const View& view, Html& html);
void write_clock_offsets(const View& view, Html& html);
void write_alert_list(const View& view, Html& html);
void write_target_list(const View& view, Html& html);
/// Who asks the targets that one daemon at a time asks.
void write_placement(const View& view, Html& html);
void write_timeline(const View& view, Html& html);

/// The same for one target, without caps that only a page of many needs; of the page of a target.
void write_conditions_of(const View& view, const TargetId& target, Html& html);
/// What has just happened and is no trouble that lasts: who leads now, a clock that was set, what was lost.
/// The newest, one line for each; nothing where nothing has.
void write_just_happened(const View& view, Html& html);
/// The newest events of one target, or of all.
void write_events(const View& view, const TargetId* target, std::size_t most, std::size_t bytes, Html& html);

/// "1 replica is behind: postgres orders 10.0.2.2:5432", and why where that is known; said before it is long
/// enough to be a trouble. Empty: none is.
std::string replicas_behind(const View& view);

/// The series whose history the sections want to draw: the lag of what is behind, as line prefixes.
std::vector<SeriesPtr> wanted_trends(const store::Snapshot& snapshot);

}  // namespace qw::status
