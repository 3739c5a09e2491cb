#include <cmath>
#include <cstdint>
#include <limits>

#include "daemon/promql/evaluation.hpp"

namespace qw::promql {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
/// Years repeat after 400 of them.
constexpr std::int64_t kEraDays = 146'097;
/// From 1 March of year 0 to the Unix epoch. Counting years from March puts the leap day last.
constexpr std::int64_t kEpochDay = 719'468;

struct Date {
  std::int64_t year = 0;
  int month = 0;
  int day = 0;
  int day_of_year = 0;
};

/// Seconds since the epoch; what no int64 holds is the least one, as in Go on this machine.
std::int64_t to_seconds(double value) {
  constexpr double kLimit = 9'223'372'036'854'775'808.0;
  if (!(value >= -kLimit && value < kLimit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value);
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}
std::int64_t floor_modulo(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = a % b;
  return rest < 0 ? rest + b : rest;
}

bool is_leap(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in(std::int64_t year, int month) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

Date date_of(double value) {
  const std::int64_t day = floor_divide(to_seconds(value), kDaySeconds) + kEpochDay;
  const std::int64_t era = floor_divide(day, kEraDays);
  const std::int64_t in_era = day - era * kEraDays;
  // Take out the leap days of 4, 100 and 400 years; what is left has years of 365 days.
  const std::int64_t year = (in_era - in_era / 1460 + in_era / 36'524 - in_era / 146'096) / 365;
  std::int64_t left = in_era - (365 * year + year / 4 - year / 100);
  int month = 3;
  std::int64_t civil = era * 400 + year;
  while (left >= days_in(civil, month)) {
    left -= days_in(civil, month);
    if (++month > 12) {
      month = 1;
      ++civil;
    }
  }
  Date date{.year = civil, .month = month, .day = static_cast<int>(left) + 1};
  date.day_of_year = date.day;
  for (int before = 1; before < month; ++before) date.day_of_year += days_in(civil, before);
  return date;
}

double year(double x) {
  return static_cast<double>(date_of(x).year);
}
double month(double x) {
  return date_of(x).month;
}
double day_of_month(double x) {
  return date_of(x).day;
}
double day_of_year(double x) {
  return date_of(x).day_of_year;
}
double days_in_month(double x) {
  const auto date = date_of(x);
  return days_in(date.year, date.month);
}
double day_of_week(double x) {
  constexpr std::int64_t kThursday = 4;  // the epoch
  return static_cast<double>(floor_modulo(floor_divide(to_seconds(x), kDaySeconds) + kThursday, 7));
}
double hour(double x) {
  return static_cast<double>(floor_modulo(to_seconds(x), kDaySeconds) / 3600);
}
double minute(double x) {
  return static_cast<double>(floor_modulo(to_seconds(x), 3600) / 60);
}

}  // namespace

double (*date_function(FunctionId id))(double) {
  switch (id) {
    case FunctionId::day_of_month:
      return day_of_month;
    case FunctionId::day_of_week:
      return day_of_week;
    case FunctionId::day_of_year:
      return day_of_year;
    case FunctionId::days_in_month:
      return days_in_month;
    case FunctionId::hour:
      return hour;
    case FunctionId::minute:
      return minute;
    case FunctionId::month:
      return month;
    case FunctionId::year:
      return year;
    default:
      return nullptr;
  }
}

}  // namespace qw::promql
