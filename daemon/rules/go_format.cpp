#include "daemon/rules/go_format.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "daemon/base/utf8.hpp"

namespace qw::rules {
namespace {

using std::chrono::floor;

/// Shortest digits and decimal exponent: 1234.5 is "12345" and 3.
struct Decimal {
  bool negative = false;
  std::string digits;
  int exponent = 0;
};

Decimal shortest(double value) {
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
  const std::string_view all(text.data(), static_cast<std::size_t>(end - text.data()));
  const auto e = all.find('e');
  Decimal out;
  for (const char c : all.substr(0, e)) {
    if (c == '-') out.negative = true;
    if (c >= '0' && c <= '9') out.digits += c;
  }
  auto exponent = all.substr(e + 1);
  if (exponent.starts_with('+')) exponent.remove_prefix(1);
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), out.exponent);
  return out;
}

std::string scientific(const Decimal& decimal) {
  std::string out = decimal.negative ? "-" : "";
  out += decimal.digits.front();
  if (decimal.digits.size() > 1) out += '.' + decimal.digits.substr(1);
  return out + fmt::format("e{}{:02}", decimal.exponent < 0 ? '-' : '+', std::abs(decimal.exponent));
}

std::string fixed(const Decimal& decimal) {
  std::string out = decimal.negative ? "-" : "";
  const int count = static_cast<int>(decimal.digits.size());
  if (decimal.exponent < 0) {
    return out + "0." + std::string(static_cast<std::size_t>(-decimal.exponent - 1), '0') + decimal.digits;
  }
  if (count <= decimal.exponent + 1) {
    return out + decimal.digits + std::string(static_cast<std::size_t>(decimal.exponent + 1 - count), '0');
  }
  const auto whole = static_cast<std::size_t>(decimal.exponent + 1);
  return out + decimal.digits.substr(0, whole) + '.' + decimal.digits.substr(whole);
}

template <class... Args>
std::string c_format(const char* format, Args... args) {
  std::string out(64, '\0');
  for (;;) {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
    const int size = std::snprintf(out.data(), out.size() + 1, format, args...);
#pragma clang diagnostic pop
    if (static_cast<std::size_t>(size) <= out.size()) {
      out.resize(static_cast<std::size_t>(size));
      return out;
    }
    out.resize(static_cast<std::size_t>(size));
  }
}

std::string print_labels(const Labels& labels) {
  std::string out = "map[";
  for (const auto& [name, value] : labels) {
    if (out.size() > 4) out += ' ';
    out += name + ':' + value;
  }
  return out + ']';
}

}  // namespace

std::string go_float(double value, char verb, int precision) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (precision < 0) {
    const auto decimal = shortest(value);
    if (verb == 'e') return scientific(decimal);
    if (verb == 'f') return fixed(decimal);
    return decimal.exponent < -4 || decimal.exponent >= 6 ? scientific(decimal) : fixed(decimal);
  }
  switch (verb) {
    case 'e':
      return c_format("%.*e", precision, value);
    case 'f':
      return c_format("%.*f", precision, value);
    default:
      return c_format("%.*g", precision, value);
  }
}

std::string go_time(const TemplateTime& time) {
  const auto at =
      std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.milliseconds));
  const auto day = floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  std::string out = fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto rest = clock.subseconds().count(); rest != 0) {
    auto fraction = fmt::format(".{:03}", rest);
    while (fraction.ends_with('0')) fraction.pop_back();
    out += fraction;
  }
  return out + " +0000 UTC";
}

std::string go_duration(const TemplateDuration& duration) {
  const auto ns = duration.nanoseconds;
  if (ns == 0) return "0s";
  const std::string sign = ns < 0 ? "-" : "";
  const auto left = ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
  const auto with_fraction = [](std::uint64_t amount, std::uint64_t unit) {
    auto out = std::to_string(amount / unit);
    if (amount % unit == 0) return out;
    auto fraction = std::to_string(unit + amount % unit).substr(1);
    while (fraction.ends_with('0')) fraction.pop_back();
    return out + '.' + fraction;
  };
  if (left < 1'000) return sign + std::to_string(left) + "ns";
  if (left < 1'000'000) return sign + with_fraction(left, 1'000) + "µs";
  if (left < 1'000'000'000) return sign + with_fraction(left, 1'000'000) + "ms";
  constexpr std::uint64_t kMinute = 60'000'000'000;
  std::string out = with_fraction(left % kMinute, 1'000'000'000) + "s";
  const auto minutes = left / kMinute;
  if (minutes > 0) out = std::to_string(minutes % 60) + "m" + out;
  if (minutes >= 60) out = std::to_string(minutes / 60) + "h" + out;
  return sign + out;
}

std::string go_print(const TemplateValue& value) {
  struct Printer {
    std::string operator()(const TemplateValue::Nil&) const { return "<nil>"; }
    std::string operator()(bool held) const { return held ? "true" : "false"; }
    std::string operator()(std::int64_t held) const { return std::to_string(held); }
    std::string operator()(double held) const { return go_float(held, 'g', -1); }
    std::string operator()(const std::string& held) const { return held; }
    std::string operator()(const std::shared_ptr<const Labels>& held) const { return print_labels(*held); }
    std::string operator()(const QuerySamplePtr& held) const {
      return "{" + print_labels(held->labels) + " " + go_float(held->value, 'g', -1) + "}";
    }
    /// Go prints addresses here, which say nothing.
    std::string operator()(const std::shared_ptr<const QuerySamples>& held) const {
      std::string out = "[";
      for (const auto& sample : *held) {
        if (out.size() > 1) out += ' ';
        out += operator()(sample);
      }
      return out + "]";
    }
    std::string operator()(const std::shared_ptr<const TemplateArguments>& held) const {
      std::string out = "map[";
      for (const auto& [name, of] : *held) {
        if (out.size() > 4) out += ' ';
        out += name + ':' + go_print(of);
      }
      return out + "]";
    }
    std::string operator()(const std::shared_ptr<const TemplateData>& held) const {
      return fmt::format("{{{} {} {} {}}}", print_labels(held->labels),
                         print_labels(held->external_labels ? *held->external_labels : Labels()),
                         held->external_url, go_float(held->value, 'g', -1));
    }
    std::string operator()(const TemplateTime& held) const { return go_time(held); }
    std::string operator()(const TemplateDuration& held) const { return go_duration(held); }
  };
  return std::visit(Printer(), value.value);
}

std::string go_print(std::span<const TemplateValue> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool spaced = i > 0 && !values[i].as<std::string>() && !values[i - 1].as<std::string>();
    if (spaced) out += ' ';
    out += go_print(values[i]);
  }
  return out;
}

std::string go_println(std::span<const TemplateValue> values) {
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) out += ' ';
    out += go_print(values[i]);
  }
  return out + '\n';
}

std::string go_quote(std::string_view text, bool ascii_only) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto point = next_code_point(text);
    const auto code = static_cast<std::uint32_t>(point.value);
    const auto raw = text.substr(0, point.size);
    text.remove_prefix(point.size);
    if (!point.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(raw.front()));
    } else if (code == '"' || code == '\\') {
      out += '\\';
      out += raw;
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\r') {
      out += "\\r";
    } else if (code < 0x20 || code == 0x7f) {
      out += fmt::format("\\x{:02x}", code);
    } else if (is_control(point.value) || (ascii_only && code > 0x7e)) {
      out += code > 0xffff ? fmt::format("\\U{:08x}", code) : fmt::format("\\u{:04x}", code);
    } else {
      out += raw;
    }
  }
  return out + '"';
}

}  // namespace qw::rules
