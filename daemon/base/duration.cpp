#include "daemon/base/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>

#include "daemon/base/text.hpp"

namespace qw {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
  bool notation;    // parse_duration reads it
  bool only_whole;  // printed only when nothing is left over: "1w" but "8d", as Prometheus prints
};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;
constexpr std::uint64_t kLongest = 100 * 365 * kDay;

// From large to small, the order in which they are written.
constexpr std::array<Unit, 9> kUnits{{{"y", 365 * kDay, true, true},
                                      {"w", 7 * kDay, true, true},
                                      {"d", kDay, true, false},
                                      {"h", 3600 * kSecond, true, false},
                                      {"m", 60 * kSecond, true, false},
                                      {"s", kSecond, true, false},
                                      {"ms", 1'000'000, true, false},
                                      {"us", 1'000, false, false},
                                      {"ns", 1, false, false}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view take_while(std::string_view& text, bool digits) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n]) == digits) ++n;
  const auto taken = text.substr(0, n);
  text.remove_prefix(n);
  return taken;
}

std::unexpected<Error> not_a_duration(std::string_view text) {
  return fail(ErrorKind::config,
              fmt::format("expected a duration such as 250ms, 5s or 1m30s, got '{}'", sanitize(text, 60)));
}

}  // namespace

Result<Nanoseconds> parse_duration(std::string_view text) {
  if (text == "0") return Nanoseconds(0);
  std::uint64_t total = 0;
  std::size_t next_unit = 0;
  for (std::string_view rest = text; !rest.empty() || next_unit == 0;) {
    const auto digits = take_while(rest, true);
    const auto unit_name = take_while(rest, false);
    if (digits.empty()) return not_a_duration(text);
    if (unit_name.empty()) {
      return fail(ErrorKind::config, fmt::format("expected a duration with a unit such as {0}s, got '{1}'",
                                                 sanitize(digits, 20), sanitize(text, 60)));
    }
    std::size_t i = 0;
    while (i < kUnits.size() && !(kUnits[i].notation && kUnits[i].name == unit_name)) ++i;
    if (i == kUnits.size()) return not_a_duration(text);
    if (i < next_unit) {
      return fail(ErrorKind::config, fmt::format("expected each unit once and from large to small, got '{}'",
                                                 sanitize(text, 60)));
    }
    next_unit = i + 1;
    const auto count = parse_uint64(digits);
    if (!count || *count > (kLongest - total) / kUnits[i].nanoseconds) {
      return fail(ErrorKind::config, fmt::format("expected at most 100y, got '{}'", sanitize(text, 60)));
    }
    total += *count * kUnits[i].nanoseconds;
  }
  return Nanoseconds(static_cast<std::int64_t>(total));
}

std::string format_duration(Nanoseconds duration) {
  if (duration == Nanoseconds(0)) return "0s";
  std::string text = duration.count() < 0 ? "-" : "";
  // Negated as unsigned, since the smallest value has no positive counterpart.
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (duration.count() < 0) rest = 0 - rest;
  for (const Unit& unit : kUnits) {
    if (rest < unit.nanoseconds || (unit.only_whole && rest % unit.nanoseconds != 0)) continue;
    text += fmt::format("{}{}", rest / unit.nanoseconds, unit.name);
    rest %= unit.nanoseconds;
  }
  return text;
}

std::string spoken_duration(double seconds) {
  if (std::isnan(seconds)) return "an unknown time";
  seconds = std::abs(seconds);
  if (std::isinf(seconds)) return "for ever";
  const auto one_decimal = [](double value, std::string_view unit) {
    const auto text = fmt::format("{:.1f}", value);
    return fmt::format("{} {}", text.ends_with(".0") ? text.substr(0, text.size() - 2) : text, unit);
  };
  if (seconds < 0.9995e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 0.99995) return one_decimal(seconds * 1e3, "ms");
  if (seconds < 59.95) return one_decimal(seconds, "s");
  struct Pair {
    double large, small;
    std::string_view large_name, small_name;
  };
  constexpr Pair kPairs[] = {{60, 1, "min", "s"}, {3600, 60, "h", "min"}, {86'400, 3600, "d", "h"}};
  std::size_t i = 0;
  while (i + 1 < std::size(kPairs) &&
         std::round(seconds / kPairs[i].small) * kPairs[i].small >= kPairs[i + 1].large)
    ++i;
  const auto& [large, small, large_name, small_name] = kPairs[i];
  const double units = std::round(seconds / small);
  const double whole = std::floor(units * small / large);
  const double rest = units - whole * (large / small);
  if (rest == 0) return fmt::format("{:.0f} {}", whole, large_name);
  return fmt::format("{:.0f} {} {:.0f} {}", whole, large_name, rest, small_name);
}

}  // namespace qw
