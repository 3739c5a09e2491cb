#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/time.hpp"
#include "daemon/journal/event.hpp"
#include "daemon/status/html.hpp"

/// What the sections have in common: how ages, targets and severities are said.
namespace qw::status {

/// "just now", "40 s", "12 min", "3 h", "5 d": coarse, so that a section does not change with every second.
std::string age(Nanoseconds duration);
/// <time>: the time of day, or the date where it was not today, and the age in brackets.
void write_time(Html& html, WallTime at, WallTime now);
/// "/target/redis/sessions", percent-encoded.
std::string path_of(const TargetId& target);
/// The target's name as a link to its page, with the system before it.
void write_target(Html& html, const TargetId& target);
/// A mark and the word itself: "critical", "warning".
void write_severity(Html& html, journal::Severity severity);
/// "critical", "warning", "info": the class of whatever has this severity.
std::string_view class_of(journal::Severity severity);

/// "48213", "0.25"; "unknown" where there is none.
std::string number(const std::optional<double>& value);
/// "1.5 MB".
std::string bytes(double value);
/// "3.4 ms"; "unknown" where there is none.
std::string duration(const std::optional<double>& seconds);
/// "1 target", "2 targets".
std::string count(std::size_t number, std::string_view noun);
/// The first letter as a capital.
std::string sentence(std::string text);

/// A section with its heading; `id` is what the script finds it by.
Html::Element begin_section(Html& html, Literal id, Literal title);

}  // namespace qw::status
