#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/model/round.hpp"

namespace qw::journal {

/// What an event is about: the heading it stands under, on the status page and in a report.
enum class Kind : std::uint8_t {
  daemon,       ///< this process: started, stopped, reloaded its configuration
  target,       ///< a target, or a member of one, stopped or began to answer
  election,     ///< leadership changed hands, or there is no leader
  split_brain,  ///< two leaders at one instant
  quorum,       ///< voters that may still fail
  replication,  ///< a replica's link or lag
  consumer,     ///< the status of a consumer group on a topic
  round_trip,   ///< packets lost, a wire or a peer slow
  clock,        ///< a clock proved skewed, set, or out of step with a majority
  alert,        ///< an alert is pending, fires, ended, or nobody knows
  delivery,     ///< an Alertmanager took an alert, or takes none
};
inline constexpr std::size_t kKinds = 11;
/// "split_brain", as in a journal's line.
std::string_view name(Kind kind);
std::optional<Kind> kind(std::string_view name);

/// Whether something begins that lasts, ends, or happened at one instant.
enum class Change : std::uint8_t { began, ended, happened };
std::string_view name(Change change);
std::optional<Change> change(std::string_view name);

enum class Severity : std::uint8_t { info, warning, critical };
std::string_view name(Severity severity);
std::optional<Severity> severity(std::string_view name);

/// One line of the journal: what changed, when, and the evidence. Texts may hold whatever a target said.
struct Event {
  WallTime at;  ///< of the round, evaluation or answer that showed it
  Kind kind = Kind::daemon;
  Change change = Change::happened;
  Severity severity = Severity::info;
  TargetId target;      ///< both parts empty: of no target
  std::string subject;  ///< the member, "group on topic", or the alert; empty: the target as a whole
  /// Which condition begins or ends: the same for both, unique together with target and subject
  /// ("unfenced", "no_leader", "stalled"); a fixed word for what happened ("planned").
  std::string what;
  std::string text;  ///< a sentence for a person on call, without target and subject
  std::vector<std::pair<std::string, std::string>> evidence;  ///< metric or fact, and its value as printed
  bool operator==(const Event&) const = default;
};

/// Something that is wrong now, as the samples of the last rounds say it. Alerts are not among them: they
/// have a state of their own.
struct Condition {
  Kind kind = Kind::target;
  Severity severity = Severity::warning;
  TargetId target;
  std::string subject, what, text;
  WallTime since;  ///< when we saw it first; it may have begun before we could look
  /// Since when the target has not answered, so that nobody knows whether it is still so.
  std::optional<WallTime> unknown_since;
  std::vector<std::pair<std::string, std::string>> evidence;
  bool told = true;  ///< an event has told that it began
};

}  // namespace qw::journal
