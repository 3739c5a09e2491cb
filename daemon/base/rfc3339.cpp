#include "daemon/base/rfc3339.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>

namespace qw {
namespace {

std::string print(WallTime time, const char* format) {
  const std::time_t at = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  std::tm parts{};
  ::gmtime_r(&at, &parts);
  std::array<char, 64> text;
  const auto size = std::strftime(text.data(), text.size(), format, &parts);
  return {text.data(), size};
}

}  // namespace

std::string format_time(WallTime time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto whole = std::chrono::floor<std::chrono::seconds>(since_epoch);
  return fmt::format("{}.{:03}Z", print(time, "%Y-%m-%dT%H:%M:%S"), (since_epoch - whole).count());
}

std::string format_time_of_day(WallTime time) {
  return print(time, "%H:%M:%S");
}

}  // namespace qw
