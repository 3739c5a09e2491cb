#include "daemon/status/words.hpp"

#include <fmt/format.h>

#include <cmath>

#include "daemon/base/duration.hpp"
#include "daemon/base/rfc3339.hpp"

namespace qw::status {
namespace {

/// Everything but what RFC 3986 calls unreserved.
std::string percent_encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

std::string age(Nanoseconds duration) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::hours;
  using std::chrono::minutes;
  const auto whole = floor<std::chrono::seconds>(duration).count();
  if (whole < 10) return "just now";
  if (duration < minutes(1)) return fmt::format("{} s", whole / 10 * 10);
  if (duration < hours(1)) return fmt::format("{} min", floor<minutes>(duration).count());
  if (duration < days(2)) return fmt::format("{} h", floor<hours>(duration).count());
  return fmt::format("{} d", floor<days>(duration).count());
}

void write_time(Html& html, WallTime at, WallTime now) {
  using std::chrono::days;
  using std::chrono::floor;
  const auto full = format_time(at);
  const bool today = floor<days>(at) == floor<days>(now);
  const auto shown = today ? format_time_of_day(at) : full.substr(5, 5) + " " + full.substr(11, 5);
  const auto past = now - at;
  {
    const auto time = html.in("time", {{"datetime", full}, {"title", full}});
    html.text(shown);
  }
  html.leaf("span", {{"class", "age"}},
            past < std::chrono::seconds(10) ? " (just now)" : fmt::format(" ({} ago)", age(past)));
}

std::string path_of(const TargetId& target) {
  return "/target/" + percent_encoded(target.system) + "/" + percent_encoded(target.name);
}

void write_target(Html& html, const TargetId& target) {
  const auto link = html.in("a", {{"href", path_of(target)}});
  html.leaf("span", {{"class", "system"}}, target.system);
  html.text(" ");
  html.leaf("strong", target.name);
}

std::string_view class_of(journal::Severity severity) {
  return journal::name(severity);
}

void write_severity(Html& html, journal::Severity severity) {
  const std::string_view mark = severity == journal::Severity::critical  ? "\xE2\x97\x86 "   // a diamond
                                : severity == journal::Severity::warning ? "\xE2\x96\xB2 "   // a triangle
                                                                         : "\xE2\x97\x8B ";  // a circle
  const auto badge = html.in("span", {{"class", fmt::format("badge {}", class_of(severity))}});
  html.leaf("span", {{"aria-hidden", "true"}}, mark);
  html.text(journal::name(severity));
}

std::string number(const std::optional<double>& value) {
  if (!value) return "unknown";
  if (std::trunc(*value) == *value && std::abs(*value) < 1e15) return fmt::format("{:.0f}", *value);
  return fmt::format("{:.4g}", *value);
}

std::string bytes(double value) {
  if (value < 1000) return fmt::format("{:.0f} B", value);
  constexpr std::string_view kUnits[] = {"kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  value /= 1000;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string duration(const std::optional<double>& seconds) {
  return seconds ? spoken_duration(*seconds) : "unknown";
}

std::string count(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

Html::Element begin_section(Html& html, Literal id, Literal title) {
  const auto heading = fmt::format("{}-title", id.view());
  auto section = html.in("section", {{"id", id.view()}, {"aria-labelledby", heading}});
  html.leaf("h2", {{"id", heading}}, title.view());
  return section;
}

}  // namespace qw::status
