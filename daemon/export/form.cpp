#include "daemon/export/form.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>

#include "daemon/base/text.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::exporting {
namespace {

/// More parameters than this are left out.
constexpr std::size_t kMaxParameters = 1000;

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex(text[i + 1]) : -1;
    const int low = high >= 0 ? hex(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::optional<double> parse_float(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// What milliseconds hold, and some room to add to it.
std::optional<promql::Millis> to_millis(double seconds) {
  if (std::fabs(seconds) > 9e14) return std::nullopt;
  return std::llround(seconds * 1000);
}

/// Takes a number of exactly so many digits.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// "Z", "+01:00": milliseconds east of Greenwich.
std::optional<promql::Millis> take_zone(std::string_view& text) {
  if (take(text, 'Z')) return 0;
  const bool west = text.starts_with('-');
  if (!west && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const promql::Millis east = (*hours * 60 + *minutes) * 60'000;
  return west ? -east : east;
}

/// The milliseconds of ".123456"; further digits are cut off.
std::optional<promql::Millis> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  promql::Millis millis = 0;
  int digits = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    if (digits++ < 3) millis = millis * 10 + (text[0] - '0');
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 3; ++digits) millis *= 10;
  return millis;
}

/// RFC 3339 with a capital T and Z, which Go insists on.
std::optional<promql::Millis> parse_date(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !take(text, 'T')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto east = take_zone(text);
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!east || !text.empty() || !date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  const promql::Millis seconds = ((days * 24LL + *hour) * 60 + *minute) * 60 + *second;
  return seconds * 1000 + *fraction - *east;
}

}  // namespace

Form::Form(std::string_view query, std::string_view body) {
  read(body);
  read(query);
}

void Form::read(std::string_view text) {
  if (text.empty()) return;
  for (const auto part : split(text, '&')) {
    if (part.empty() || pairs_.size() >= kMaxParameters) continue;
    const auto equal = std::min(part.find('='), part.size());
    const auto value = equal < part.size() ? part.substr(equal + 1) : std::string_view();
    pairs_.emplace_back(decode(part.substr(0, equal)), decode(value));
  }
}

std::string_view Form::get(std::string_view name) const {
  const auto found = std::ranges::find(pairs_, name, [](const auto& pair) { return pair.first; });
  return found != pairs_.end() ? std::string_view(found->second) : std::string_view();
}

std::vector<std::string> Form::all(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& [key, value] : pairs_) {
    if (key == name) out.push_back(value);
  }
  return out;
}

std::optional<promql::Millis> parse_api_time(std::string_view text) {
  if (const auto seconds = parse_float(text)) return to_millis(*seconds);
  return parse_date(text);
}

std::optional<promql::Millis> parse_api_duration(std::string_view text) {
  if (const auto seconds = parse_float(text)) return to_millis(*seconds);
  const auto read = promql::parse_duration(text);
  return read ? std::optional(*read) : std::nullopt;
}

}  // namespace qw::exporting
