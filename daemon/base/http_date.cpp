#include "daemon/base/http_date.hpp"

#include <algorithm>
#include <array>

#include "daemon/base/text.hpp"

namespace qw {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
// Where the digits of "Sat, 21 Nov 2026 09:33:59 GMT" stand.
constexpr std::string_view kShape = "aaa, dd aaa dddd dd:dd:dd GMT";

bool has_shape(std::string_view text) {
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const char c = text[i];
    if (kShape[i] == 'd' && (c < '0' || c > '9')) return false;
    if (kShape[i] != 'd' && kShape[i] != 'a' && c != kShape[i]) return false;
  }
  return true;
}

}  // namespace

std::optional<WallTime> parse_http_date(std::string_view text) {
  if (!has_shape(text)) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    return static_cast<int>(*parse_uint64(text.substr(at, length)));
  };
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == kMonths.end()) return std::nullopt;
  const std::chrono::year_month_day day(
      std::chrono::year(number(12, 4)),
      std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
      std::chrono::day(static_cast<unsigned>(number(5, 2))));
  const int hour = number(17, 2);
  const int minute = number(20, 2);
  const int second = number(23, 2);
  // Years outside these do not fit into nanoseconds; 60 is a leap second.
  if (!day.ok() || number(12, 4) < 1970 || number(12, 4) > 2200) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  return WallTime(std::chrono::sys_days(day)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace qw
