// Numbers for people, digit for digit as Prometheus writes them.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "daemon/promql/parser.hpp"
#include "daemon/rules/go_format.hpp"
#include "daemon/rules/template_builtins.hpp"

namespace qw::rules {
namespace {

using Arguments = std::span<const TemplateValue>;

constexpr std::array<std::string_view, 8> kSmall{"m", "u", "n", "p", "f", "a", "z", "y"};

std::string short_float(double value) {
  return go_float(value, 'g', 4);
}

/// The number and the prefix that make it at least one.
std::pair<double, std::string_view> scale_up(double value) {
  std::string_view prefix;
  for (const auto next : kSmall) {
    if (std::fabs(value) >= 1) break;
    prefix = next;
    value *= 1000;
  }
  return {value, prefix};
}

template <std::size_t N>
std::pair<double, std::string_view> scale_down(double value, double step,
                                               const std::array<std::string_view, N>& prefixes) {
  std::string_view prefix;
  for (const auto next : prefixes) {
    if (std::fabs(value) < step) break;
    prefix = next;
    value /= step;
  }
  return {value, prefix};
}

TemplateResult humanize(Arguments arguments, const TemplateCall& /*call*/) {
  const auto value = want_number(arguments[0]);
  if (!value) return std::unexpected(value.error());
  if (*value == 0 || !std::isfinite(*value)) return short_float(*value);
  constexpr std::array<std::string_view, 8> kLarge{"k", "M", "G", "T", "P", "E", "Z", "Y"};
  const auto [scaled, prefix] = std::fabs(*value) >= 1 ? scale_down(*value, 1000, kLarge) : scale_up(*value);
  return short_float(scaled) + std::string(prefix);
}

TemplateResult humanize1024(Arguments arguments, const TemplateCall& /*call*/) {
  const auto value = want_number(arguments[0]);
  if (!value) return std::unexpected(value.error());
  if (std::fabs(*value) <= 1 || !std::isfinite(*value)) return short_float(*value);
  constexpr std::array<std::string_view, 8> kLarge{"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
  const auto [scaled, prefix] = scale_down(*value, 1024, kLarge);
  return short_float(scaled) + std::string(prefix);
}

TemplateResult humanize_duration(Arguments arguments, const TemplateCall& /*call*/) {
  const auto number = want_number(arguments[0]);
  if (!number) return std::unexpected(number.error());
  double value = *number;
  if (!std::isfinite(value)) return short_float(value);
  if (value == 0) return short_float(value) + "s";
  if (std::fabs(value) < 1) {
    const auto [scaled, prefix] = scale_up(value);
    return short_float(scaled) + std::string(prefix) + "s";
  }
  const std::string_view sign = value < 0 ? "-" : "";
  value = std::fabs(value);
  // Beyond 64 bits Go's conversion is not defined either.
  const auto whole = static_cast<std::int64_t>(std::fmin(value, 9.2e18));
  const auto seconds = whole % 60, minutes = whole / 60 % 60, hours = whole / 3600 % 24, days = whole / 86400;
  if (days != 0) return fmt::format("{}{}d {}h {}m {}s", sign, days, hours, minutes, seconds);
  if (hours != 0) return fmt::format("{}{}h {}m {}s", sign, hours, minutes, seconds);
  if (minutes != 0) return fmt::format("{}{}m {}s", sign, minutes, seconds);
  return fmt::format("{}{}s", sign, short_float(value));
}

TemplateResult humanize_percentage(Arguments arguments, const TemplateCall& /*call*/) {
  const auto value = want_number(arguments[0]);
  if (!value) return std::unexpected(value.error());
  return short_float(*value * 100) + "%";
}

std::expected<TemplateTime, TemplateCallError> time_of(double value) {
  const double nanoseconds = value * 1e9;
  if (nanoseconds > 9223372036854775807.0 || nanoseconds < -9223372036854775808.0) {
    return call_failure(
        fmt::format("{} cannot be represented as a nanoseconds timestamp since it overflows "
                    "int64",
                    go_float(value, 'g', -1)));
  }
  return TemplateTime{static_cast<std::int64_t>(nanoseconds) / 1'000'000};
}

TemplateResult humanize_timestamp(Arguments arguments, const TemplateCall& /*call*/) {
  const auto value = want_number(arguments[0]);
  if (!value) return std::unexpected(value.error());
  if (!std::isfinite(*value)) return short_float(*value);
  const auto time = time_of(*value);
  if (!time) return std::unexpected(time.error());
  return go_time(*time);
}

TemplateResult to_time(Arguments arguments, const TemplateCall& /*call*/) {
  const auto value = want_number(arguments[0]);
  if (!value) return std::unexpected(value.error());
  if (!std::isfinite(*value)) return call_failure("value is NaN or Inf");
  const auto time = time_of(*value);
  if (!time) return std::unexpected(time.error());
  return *time;
}

TemplateResult to_duration(Arguments arguments, const TemplateCall& /*call*/) {
  const auto value = want_number(arguments[0]);
  if (!value) return std::unexpected(value.error());
  const double nanoseconds = *value * 1e9;
  if (!(std::fabs(nanoseconds) < 9.2e18))
    return call_failure("value is NaN, Inf or too large for a duration");
  return TemplateDuration{static_cast<std::int64_t>(nanoseconds)};
}

TemplateResult now(Arguments /*arguments*/, const TemplateCall& call) {
  return static_cast<double>(call.context.at) / 1000;
}

TemplateResult parse_duration(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  const auto duration = promql::parse_duration(*text);
  if (!duration) return call_failure(duration.error().message);
  return static_cast<double>(*duration) / 1000;
}

}  // namespace

std::expected<double, TemplateCallError> want_number(const TemplateValue& value) {
  if (const auto* number = value.as<double>()) return *number;
  if (const auto* number = value.as<std::int64_t>()) return static_cast<double>(*number);
  if (const auto* duration = value.as<TemplateDuration>()) {
    return static_cast<double>(duration->nanoseconds) / 1e9;
  }
  if (const auto* text = value.as<std::string>()) {
    char* end = nullptr;
    const double number = std::strtod(text->c_str(), &end);
    const bool blank =
        text->empty() || text->front() == ' ' || (text->front() >= '\t' && text->front() <= '\r');
    if (!blank && end == text->c_str() + text->size()) return number;
    return call_failure(fmt::format("strconv.ParseFloat: parsing {}: invalid syntax", go_quote(*text)));
  }
  return call_failure(fmt::format("can't convert {} to float", type_name(value)));
}

std::span<const TemplateFunctionEntry> humanize_functions() {
  static constexpr std::array<TemplateFunctionEntry, 9> kAll{{
      {"humanize", humanize, 1, 1},
      {"humanize1024", humanize1024, 1, 1},
      {"humanizeDuration", humanize_duration, 1, 1},
      {"humanizePercentage", humanize_percentage, 1, 1},
      {"humanizeTimestamp", humanize_timestamp, 1, 1},
      {"now", now, 0, 0},
      {"parseDuration", parse_duration, 1, 1},
      {"toDuration", to_duration, 1, 1},
      {"toTime", to_time, 1, 1},
  }};
  return kAll;
}

}  // namespace qw::rules
