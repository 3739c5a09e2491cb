#include "tests/lab/delayline/link.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "daemon/base/text.hpp"

namespace qw::lab {
namespace {

constexpr double kLongestMicroseconds = 60e6;

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
  return value;
}

Nanoseconds microseconds(double value) {
  return Nanoseconds(static_cast<std::int64_t>(value * 1e3));
}

}  // namespace

Result<void> LinkSettings::change(std::string_view text) {
  LinkSettings next = *this;
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    const auto equals = word.find('=');
    const auto key = word.substr(0, equals);
    const auto value =
        equals == std::string_view::npos ? std::nullopt : parse_number(word.substr(equals + 1));
    if (!value) return fail(ErrorKind::config, fmt::format("'{}': expected KEY=NUMBER", word));
    const bool is_time = key == "delay" || key == "jitter" || key == "hold";
    if (*value > (is_time ? kLongestMicroseconds : 1))
      return fail(ErrorKind::config, fmt::format("'{}': too large", word));
    if (key == "delay") {
      next.delay = microseconds(*value);
    } else if (key == "jitter") {
      next.jitter = microseconds(*value);
    } else if (key == "hold") {
      next.hold = microseconds(*value);
    } else if (key == "loss") {
      next.loss = *value;
    } else if (key == "duplicate") {
      next.duplicate = *value;
    } else if (key == "reorder") {
      next.reorder = *value;
    } else {
      return fail(ErrorKind::config, fmt::format("'{}': no such setting", word));
    }
  }
  *this = next;
  return {};
}

Fate Link::decide(Nanoseconds arrived) {
  // Each packet takes the same number of random numbers, so that one setting does not change what another
  // one's chance brings.
  const bool lost = chance(settings.loss);
  const bool twice = chance(settings.duplicate);
  const bool held = chance(settings.reorder);
  const auto part = std::uniform_real_distribution<double>(0, 1)(random_);
  if (lost) return {};
  const auto jitter =
      Nanoseconds(static_cast<std::int64_t>(part * static_cast<double>(settings.jitter.count())));
  const auto release = std::max(arrived + settings.delay + jitter, last_release_);
  if (held) return {.release = release + settings.hold, .twice = twice};
  last_release_ = release;
  return {.release = release, .twice = twice};
}

bool Link::chance(double of) {
  return std::uniform_real_distribution<double>(0, 1)(random_) < of;
}

}  // namespace qw::lab
