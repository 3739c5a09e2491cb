#include "daemon/base/log_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>

#include "daemon/base/utf8.hpp"

namespace qw::log {
namespace {

// With 8192 lines queued, this bounds what the log can hold in memory.
constexpr std::size_t kLongestText = 4096;

// As Prometheus and its family print them, so that one query finds all.
std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warn";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string rfc3339(WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::milliseconds>(at - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

void append_escaped(std::string& line, const CodePoint& at, std::string_view bytes) {
  switch (at.value) {
    case '"':
      line += "\\\"";
      return;
    case '\\':
      line += "\\\\";
      return;
    case '\n':
      line += "\\n";
      return;
    case '\r':
      line += "\\r";
      return;
    case '\t':
      line += "\\t";
      return;
    default:
      break;
  }
  // All of is_control fits four digits.
  if (is_control(at.value)) {
    fmt::format_to(std::back_inserter(line), "\\u{:04x}", static_cast<std::uint32_t>(at.value));
    return;
  }
  line += at.valid ? bytes.substr(0, at.size) : "\xEF\xBF\xBD";
}

// The escapes are those of JSON; logfmt readers know the same.
void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  std::string_view rest = text;
  while (!rest.empty()) {
    if (text.size() - rest.size() >= kLongestText) {
      line += "...";
      break;
    }
    const CodePoint at = next_code_point(rest);
    append_escaped(line, at, rest);
    rest.remove_prefix(at.size);
  }
  line += '"';
}

void append_logfmt(std::string& line, std::string_view text) {
  const bool bare = !text.empty() && text.size() <= kLongestText && std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < '\x7F' && c != '"' && c != '=' && c != '\\';
  });
  if (bare) {
    line += text;
  } else {
    append_quoted(line, text);
  }
}

void append_pair(std::string& line, Format format, std::string_view key, std::string_view value) {
  if (format == Format::json) {
    line += line.empty() ? '{' : ',';
    append_quoted(line, key);
    line += ':';
    append_quoted(line, value);
    return;
  }
  if (!line.empty()) line += ' ';
  line += key;
  line += '=';
  append_logfmt(line, value);
}

}  // namespace

std::string make_line(Format format, WallTime at, Level level, std::string_view message,
                      std::initializer_list<Field> fields) {
  std::string line;
  append_pair(line, format, "time", rfc3339(at));
  append_pair(line, format, "level", level_name(level));
  append_pair(line, format, "msg", message);
  for (const Field& field : fields) append_pair(line, format, field.key, field.value);
  if (format == Format::json) line += '}';
  return line;
}

}  // namespace qw::log
