#pragma once
#include <optional>
#include <string>
#include <vector>

#include "daemon/journal/event.hpp"
#include "daemon/journal/report.hpp"

/// What a report is made of, found in the events of a journal.
namespace qw::journal {

/// Something that lasted.
struct Incident {
  Event began;
  std::optional<Event> ended;  ///< nothing: it is open still
};

/// A time in which no daemon looked.
struct Gap {
  WallTime from, to;
  bool in_order = false;  ///< it was stopped; otherwise it was killed, or its machine was
};

/// What began one thing or another before something else did.
struct Precursor {
  Event event;
  Nanoseconds before{};  ///< 0: in the same round
  bool open = false;     ///< it began longer ago, and had not ended
};
struct Sequence {
  Event effect;
  std::vector<Precursor> before;
};

/// All that lasted within [from, to], in order of time.
std::vector<Incident> find_incidents(const std::vector<Event>& events, WallTime from, WallTime to);
std::vector<Gap> find_gaps(const std::vector<Event>& events, const ReportOptions& options);
/// Lost leadership, two leaders, lost quorums, each with what was seen within 5 minutes before: members that
/// fell silent, links, round trips, clocks.
std::vector<Sequence> find_sequences(const std::vector<Event>& events, const std::vector<Event>& effects);

}  // namespace qw::journal
