#include "daemon/base/rfc3339.hpp"

#include <fmt/format.h>

#include <chrono>

#include "daemon/base/text.hpp"

namespace qw {
namespace {

constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.dddddddddZ";

bool has_shape(std::string_view text) {
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == 'd' ? !digit : text[i] != kShape[i]) return false;
  }
  return true;
}

}  // namespace

std::string print_timestamp(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::optional<WallTime> parse_timestamp(std::string_view text) {
  if (!has_shape(text)) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    return static_cast<int>(*parse_uint64(text.substr(at, length)));
  };
  const std::chrono::year_month_day day(std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2))));
  // Years outside these do not fit into nanoseconds.
  if (!day.ok() || number(0, 4) < 1970 || number(0, 4) > 2200) return std::nullopt;
  if (number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) return std::nullopt;
  return WallTime(std::chrono::sys_days(day)) + std::chrono::hours(number(11, 2)) +
         std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2)) +
         Nanoseconds(number(20, 9));
}

std::string format_time(WallTime time) {
  constexpr std::size_t kToTheMillisecond = 23;
  return print_timestamp(time).substr(0, kToTheMillisecond) + "Z";
}

std::string format_time_of_day(WallTime time) {
  constexpr std::size_t kBegin = 11, kLength = 8;
  return print_timestamp(time).substr(kBegin, kLength);
}

}  // namespace qw
