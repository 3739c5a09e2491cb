#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::promql {
namespace {

struct Unit {
  std::string_view name;
  Millis millis;
  bool only_whole;  // printed only when nothing is left over: "1w" but "8d"
};

constexpr Millis kDay = 86'400'000;

// From large to small, the order in which they are written.
constexpr std::array<Unit, 7> kUnits{{{"y", 365 * kDay, true},
                                      {"w", 7 * kDay, true},
                                      {"d", kDay, false},
                                      {"h", 3'600'000, false},
                                      {"m", 60'000, false},
                                      {"s", 1'000, false},
                                      {"ms", 1, false}}};

/// Go counts nanoseconds in 64 bits: 292 years.
constexpr Millis kLongest = std::numeric_limits<std::int64_t>::max() / 1'000'000;

std::unexpected<ParseError> error(std::string_view text, std::string message) {
  return std::unexpected(ParseError{.span = {.begin = 0, .end = static_cast<std::uint32_t>(text.size())},
                                    .message = std::move(message)});
}

}  // namespace

Parsed<Millis> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return error(text, "empty duration string");
  if (text.size() > kMaxText) return error(text.substr(0, 0), "duration out of range");
  const auto wrong = [text] {
    return error(text, "not a valid duration string: " + quote(text.substr(0, 60)));
  };
  Millis total = 0;
  std::size_t next_unit = 0;
  for (auto rest = text; !rest.empty();) {
    Millis count = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (digits == 0 || rest[0] == '-') return wrong();
    rest.remove_prefix(digits);
    const auto unit_size = std::min(rest.find_first_of("0123456789"), rest.size());
    std::size_t unit = next_unit;
    while (unit < kUnits.size() && kUnits[unit].name != rest.substr(0, unit_size)) ++unit;
    if (unit == kUnits.size()) return wrong();
    rest.remove_prefix(unit_size);
    next_unit = unit + 1;
    if (problem != std::errc() || count > (kLongest - total) / kUnits[unit].millis)
      return error(text, "duration out of range");
    total += count * kUnits[unit].millis;
  }
  return total;
}

std::string print_duration(Millis duration) {
  if (duration == 0) return "0s";
  std::string text = duration < 0 ? "-" : "";
  // Negated as unsigned, since the smallest value has no positive counterpart.
  auto rest = static_cast<std::uint64_t>(duration);
  if (duration < 0) rest = 0 - rest;
  for (const Unit& unit : kUnits) {
    const auto size = static_cast<std::uint64_t>(unit.millis);
    if (rest < size || (unit.only_whole && rest % size != 0)) continue;
    text += fmt::format("{}{}", rest / size, unit.name);
    rest %= size;
  }
  return text;
}

}  // namespace qw::promql
