#include "daemon/export/query_json.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include "daemon/base/utf8.hpp"
#include "daemon/base/version.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::exporting {
namespace {

constexpr std::string_view kTruncated = "results truncated due to limit";
/// Prometheus shows so many warnings, and so many infos.
constexpr std::size_t kMaxAnnotations = 10;

/// Seconds, with milliseconds only where there are any.
void append_time(std::string& out, promql::Millis at) {
  const auto size = at < 0 ? 0 - static_cast<std::uint64_t>(at) : static_cast<std::uint64_t>(at);
  if (at < 0) out += '-';
  fmt::format_to(std::back_inserter(out), "{}", size / 1000);
  if (size % 1000 != 0) fmt::format_to(std::back_inserter(out), ".{:03}", size % 1000);
}

/// The shortest text that reads back the same, as a string: JSON's numbers know neither NaN nor infinity.
/// Very large and very small samples have an exponent, scalars never.
void append_value(std::string& out, double value) {
  out += '"';
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    const double size = std::fabs(value);
    const bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                   exponent ? std::chars_format::scientific : std::chars_format::fixed);
    out.append(buffer.data(), end.ptr);
  }
  out += '"';
}

void append_point(std::string& out, promql::Millis at, double value) {
  out += '[';
  append_time(out, at);
  out += ',';
  append_value(out, value);
  out += ']';
}

void append_result(std::string& out, const promql::Scalar& scalar) {
  out += '[';
  append_time(out, scalar.at);
  out += fmt::format(",\"{}\"]", promql::print_decimal(scalar.value));
}

void append_result(std::string& out, const promql::Text& text) {
  out += '[';
  append_time(out, text.at);
  out += ',';
  append_json(out, text.value);
  out += ']';
}

void append_result(std::string& out, const promql::Vector& vector) {
  out += '[';
  for (const auto& sample : vector) {
    if (out.back() == '}') out += ',';
    out += "{\"metric\":";
    append_json(out, sample.labels);
    out += ",\"value\":";
    append_point(out, sample.at, sample.value);
    out += '}';
  }
  out += ']';
}

void append_result(std::string& out, const promql::Matrix& matrix) {
  out += '[';
  for (const auto& series : matrix) {
    if (out.back() == '}') out += ',';
    out += "{\"metric\":";
    append_json(out, series.labels);
    out += ",\"values\":[";
    for (const auto& point : series.points) {
      if (out.back() == ']') out += ',';
      append_point(out, point.at, point.value);
    }
    out += "]}";
  }
  out += ']';
}

std::string_view type_name(const promql::Value& value) {
  constexpr std::array<std::string_view, 4> kNames{"scalar", "vector", "matrix", "string"};
  return kNames[value.index()];
}

/// True when something was cut off.
bool cut(promql::Value& value, std::size_t limit) {
  const auto shorten = [limit](auto& list) {
    if (limit == 0 || list.size() <= limit) return false;
    list.resize(limit);
    return true;
  };
  if (auto* const vector = std::get_if<promql::Vector>(&value)) return shorten(*vector);
  if (auto* const matrix = std::get_if<promql::Matrix>(&value)) return shorten(*matrix);
  return false;
}

/// "PromQL warning: ... (1:5)"
std::vector<std::string> annotations(const promql::Answer& answer, std::string_view query,
                                     promql::Annotation::Kind kind) {
  std::vector<std::string> out;
  std::size_t omitted = 0;
  for (const auto& annotation : answer.annotations) {
    if (annotation.kind != kind) continue;
    if (out.size() == kMaxAnnotations) {
      ++omitted;
      continue;
    }
    const auto place = promql::ParseError{.span = annotation.span, .message = {}}.print(query);
    out.push_back(fmt::format("{} ({})", annotation.text, place.substr(0, place.find(": "))));
  }
  const bool warnings = kind == promql::Annotation::Kind::warning;
  if (omitted > 0)
    out.push_back(fmt::format("{} more {} annotations omitted", omitted, warnings ? "warning" : "info"));
  return out;
}

void append_list(std::string& out, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out += fmt::format(",\"{}\":[", name);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append_json(out, texts[i]);
  }
  out += ']';
}

template <class All>
std::string list_json(const All& all, std::size_t limit) {
  std::string data = "[";
  std::size_t count = 0;
  for (const auto& each : all) {
    if (limit > 0 && count == limit) break;
    if (count++ > 0) data += ',';
    append_json(data, each);
  }
  data += ']';
  std::vector<std::string> warnings;
  if (count < all.size()) warnings.emplace_back(kTruncated);
  return success_json(data, warnings);
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto character = next_code_point(text);
    if (character.value == '"' || character.value == '\\') {
      out += '\\';
      out += text[0];
    } else if (character.value < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(character.value));
    } else {
      out += character.valid ? text.substr(0, character.size) : "\xef\xbf\xbd";
    }
    text.remove_prefix(character.size);
  }
  out += '"';
}

void append_json(std::string& out, const Labels& labels) {
  out += '{';
  for (const auto& [name, value] : labels) {
    if (out.back() != '{') out += ',';
    append_json(out, name);
    out += ':';
    append_json(out, value);
  }
  out += '}';
}

std::string success_json(std::string_view data, const std::vector<std::string>& warnings,
                         const std::vector<std::string>& infos) {
  std::string out = "{\"status\":\"success\",\"data\":";
  out += data;
  append_list(out, "warnings", warnings);
  append_list(out, "infos", infos);
  return out + '}';
}

std::string error_json(std::string_view type, std::string_view message) {
  std::string out = fmt::format("{{\"status\":\"error\",\"errorType\":\"{}\",\"error\":", type);
  append_json(out, message);
  return out + '}';
}

std::string answer_json(promql::Answer& answer, std::string_view query, std::size_t limit) {
  auto warnings = annotations(answer, query, promql::Annotation::Kind::warning);
  if (cut(answer.value, limit)) warnings.emplace_back(kTruncated);
  std::string data = fmt::format("{{\"resultType\":\"{}\",\"result\":", type_name(answer.value));
  std::visit([&data](const auto& value) { append_result(data, value); }, answer.value);
  data += '}';
  return success_json(data, warnings, annotations(answer, query, promql::Annotation::Kind::info));
}

std::string names_json(const std::set<std::string, std::less<>>& names, std::size_t limit) {
  return list_json(names, limit);
}

std::string series_json(const std::set<Labels>& series, std::size_t limit) {
  return list_json(series, limit);
}

std::string metadata_json(const store::Snapshot& snapshot, std::string_view metric, std::size_t limit) {
  std::map<std::string_view, const MetricFamily*> families;
  for (const auto& round : snapshot.rounds) {
    for (const auto& sample : round->samples) {
      const auto* const family = sample.series->family;
      if (metric.empty() || family->name == metric) families.emplace(family->name, family);
    }
  }
  std::string data = "{";
  std::size_t count = 0;
  for (const auto& [family_name, family] : families) {
    if (limit > 0 && count == limit) break;
    if (count++ > 0) data += ',';
    append_json(data, family_name);
    data += fmt::format(":[{{\"type\":\"{}\",\"help\":", name(family->type));
    append_json(data, family->help);
    data += ",\"unit\":\"\"}]";
  }
  return success_json(data + '}');
}

std::string buildinfo_json() {
  std::string data = "{\"application\":\"quorumwatch\",\"version\":";
  append_json(data, version());
  data += ",\"revision\":";
  append_json(data, revision());
  data += ",\"branch\":\"\",\"buildUser\":\"\",\"buildDate\":\"\",\"goVersion\":\"\"}";
  return success_json(data);
}

}  // namespace qw::exporting
