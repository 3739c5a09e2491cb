// What Prometheus adds to templates besides numbers: queries and text.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "daemon/base/pattern.hpp"
#include "daemon/base/text.hpp"
#include "daemon/rules/template_builtins.hpp"

namespace qw::rules {
namespace {

using Arguments = std::span<const TemplateValue>;
using SamplesPtr = std::shared_ptr<const QuerySamples>;

std::unexpected<TemplateCallError> wrong_type(std::string_view wanted, const TemplateValue& got) {
  return std::unexpected(TemplateCallError{
      fmt::format("wrong type for value; expected {}; got {}", wanted, type_name(got)), true});
}

TemplateResult query(Arguments arguments, const TemplateCall& call) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  if (!call.context.query) return call_failure("queries are not possible here");
  auto samples = call.context.query(*text);
  if (!samples) return call_failure(samples.error().message());
  return std::make_shared<const QuerySamples>(std::move(*samples));
}

TemplateResult first(Arguments arguments, const TemplateCall& /*call*/) {
  const auto* samples = arguments[0].as<SamplesPtr>();
  if (!samples) return wrong_type("template.queryResult", arguments[0]);
  if ((*samples)->empty()) return call_failure("first() called on vector with no elements");
  return (*samples)->front();
}

TemplateResult label(Arguments arguments, const TemplateCall& /*call*/) {
  const auto name = want_string(arguments[0]);
  if (!name) return std::unexpected(name.error());
  const auto* sample = arguments[1].as<QuerySamplePtr>();
  if (!sample) return wrong_type("*template.sample", arguments[1]);
  return std::string((*sample)->labels.get(*name));
}

TemplateResult value(Arguments arguments, const TemplateCall& /*call*/) {
  const auto* sample = arguments[0].as<QuerySamplePtr>();
  if (!sample) return wrong_type("*template.sample", arguments[0]);
  return (*sample)->value;
}

TemplateResult strvalue(Arguments arguments, const TemplateCall& /*call*/) {
  const auto* sample = arguments[0].as<QuerySamplePtr>();
  if (!sample) return wrong_type("*template.sample", arguments[0]);
  return std::string((*sample)->labels.get("__value__"));
}

TemplateResult sort_by_label(Arguments arguments, const TemplateCall& /*call*/) {
  const auto name = want_string(arguments[0]);
  if (!name) return std::unexpected(name.error());
  const auto* samples = arguments[1].as<SamplesPtr>();
  if (!samples) return wrong_type("template.queryResult", arguments[1]);
  std::vector<std::pair<std::string_view, std::size_t>> order;
  for (std::size_t i = 0; i < (*samples)->size(); ++i)
    order.emplace_back((**samples)[i]->labels.get(*name), i);
  std::ranges::sort(order);
  auto sorted = std::make_shared<QuerySamples>();
  for (const auto& [of, i] : order) sorted->push_back((**samples)[i]);
  return SamplesPtr(std::move(sorted));
}

TemplateResult args(Arguments arguments, const TemplateCall& /*call*/) {
  auto out = std::make_shared<TemplateArguments>();
  for (std::size_t i = 0; i < arguments.size(); ++i) (*out)[fmt::format("arg{}", i)] = arguments[i];
  return std::shared_ptr<const TemplateArguments>(std::move(out));
}

TemplateResult tmpl(Arguments arguments, const TemplateCall& call) {
  const auto name = want_string(arguments[0]);
  if (!name) return std::unexpected(name.error());
  auto text = call.expand_defined(*name, arguments[1]);
  if (!text) return call_failure(text.error());
  return std::move(*text);
}

TemplateResult same(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  return *text;
}

/// In templates, unlike in matchers, a dot does not match a line break.
Result<Pattern> compile(const std::string& pattern) {
  return Pattern::compile("(?-s:" + pattern + ")");
}

TemplateResult match(Arguments arguments, const TemplateCall& /*call*/) {
  const auto pattern = want_string(arguments[0]), text = want_string(arguments[1]);
  if (!pattern) return std::unexpected(pattern.error());
  if (!text) return std::unexpected(text.error());
  const auto compiled = compile(*pattern);
  if (!compiled) return call_failure("error parsing regexp: " + compiled.error().message());
  return compiled->found_in(*text);
}

TemplateResult re_replace_all(Arguments arguments, const TemplateCall& /*call*/) {
  const auto pattern = want_string(arguments[0]), by = want_string(arguments[1]),
             text = want_string(arguments[2]);
  if (!pattern) return std::unexpected(pattern.error());
  if (!by) return std::unexpected(by.error());
  if (!text) return std::unexpected(text.error());
  const auto compiled = compile(*pattern);
  if (!compiled) return call_failure("error parsing regexp: " + compiled.error().message());
  return compiled->replace_all(*text, *by);
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

TemplateResult to_upper(Arguments arguments, const TemplateCall& /*call*/) {
  auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  std::ranges::transform(*text, text->begin(), upper);
  return *text;
}
TemplateResult to_lower(Arguments arguments, const TemplateCall& /*call*/) {
  auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  std::ranges::transform(*text, text->begin(), lower);
  return *text;
}
/// The first letter of each word; words are made of letters, digits and underscores.
TemplateResult title(Arguments arguments, const TemplateCall& /*call*/) {
  auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  bool inside = false;
  for (auto& c : *text) {
    if (!inside) c = upper(c);
    inside = c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             static_cast<unsigned char>(c) >= 0x80 || c == '\'';
  }
  return *text;
}

/// net.SplitHostPort: false where there is no port to split off.
bool split_port(const std::string& text, std::string& host, std::string& port) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string::npos || close + 1 != colon) return false;
    host = text.substr(1, close - 1);
  } else {
    host = text.substr(0, colon);
    if (host.contains(':')) return false;
  }
  port = text.substr(colon + 1);
  return !host.contains('[') && !host.contains(']') && !port.contains('[') && !port.contains(']');
}

TemplateResult strip_port(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  std::string host, port;
  return split_port(*text, host, port) ? host : *text;
}

bool is_address(const std::string& host) {
  if (host.contains(':')) return true;
  const auto parts = split(host, '.');
  return parts.size() == 4 && std::ranges::all_of(parts, [](std::string_view part) {
           const auto number = parse_uint64(part);
           return number && *number <= 255;
         });
}

TemplateResult strip_domain(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  std::string host, port;
  if (!split_port(*text, host, port)) {
    host = *text;
    port.clear();
  }
  if (is_address(host)) return *text;
  host = host.substr(0, host.find('.'));
  return port.empty() ? host : host + ":" + port;
}

TemplateResult graph_link(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  return "/graph?g0.expr=" + query_escape(*text) + "&g0.tab=0";
}
TemplateResult table_link(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  return "/graph?g0.expr=" + query_escape(*text) + "&g0.tab=1";
}

TemplateResult external_url(Arguments /*arguments*/, const TemplateCall& call) {
  return call.external_url;
}
TemplateResult path_prefix(Arguments /*arguments*/, const TemplateCall& call) {
  const auto scheme = call.external_url.find("://");
  const auto path = call.external_url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
  return path == std::string::npos ? std::string() : call.external_url.substr(path);
}
TemplateResult url_query_escape(Arguments arguments, const TemplateCall& /*call*/) {
  const auto text = want_string(arguments[0]);
  if (!text) return std::unexpected(text.error());
  return query_escape(*text);
}

}  // namespace

std::span<const TemplateFunctionEntry> prometheus_functions() {
  static constexpr std::array<TemplateFunctionEntry, 21> kAll{{
      {"args", args, 0, -1},
      {"externalURL", external_url, 0, 0},
      {"first", first, 1, 1},
      {"graphLink", graph_link, 1, 1},
      {"label", label, 2, 2},
      {"match", match, 2, 2},
      {"pathPrefix", path_prefix, 0, 0},
      {"query", query, 1, 1},
      {"reReplaceAll", re_replace_all, 3, 3},
      {"safeHtml", same, 1, 1},
      {"sortByLabel", sort_by_label, 2, 2},
      {"stripDomain", strip_domain, 1, 1},
      {"stripPort", strip_port, 1, 1},
      {"strvalue", strvalue, 1, 1},
      {"tableLink", table_link, 1, 1},
      {"title", title, 1, 1},
      {"tmpl", tmpl, 2, 2},
      {"toLower", to_lower, 1, 1},
      {"toUpper", to_upper, 1, 1},
      {"urlQueryEscape", url_query_escape, 1, 1},
      {"value", value, 1, 1},
  }};
  return kAll;
}

}  // namespace qw::rules
