#include "config/rules.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "config/problems.hpp"
#include "daemon/base/error.hpp"
#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

/// The value that a label gets: what is written, or what the variable holds that `env:NAME` names. So each
/// Pod of one configuration can have labels of its own.
Result<std::string> label_value(const std::string& written) {
  constexpr std::string_view kEnvironment = "env:";
  if (!written.starts_with(kEnvironment)) return written;
  const std::string name = written.substr(kEnvironment.size());
  const char* value = std::getenv(name.c_str());
  if (value == nullptr)
    return fail(ErrorKind::config, fmt::format("the environment has no variable {}", quote(name)));
  if (!is_valid_utf8(value))
    return fail(ErrorKind::config, fmt::format("the variable {} is not UTF-8", quote(name)));
  return value;
}

void scrape_labels(Fields& fields, std::map<std::string, std::string>& labels) {
  fields.optional(
      "scrape_labels", &labels,
      "Labels that a Prometheus adds when it scrapes this daemon (job, instance): with the same ones an "
      "alert is the same to Alertmanager, whoever of both sends it. A value `env:NAME` is what that variable "
      "of the environment holds, so that Pods of one configuration can differ.");
  for (auto& [name, value] : labels) {
    fields.check("scrape_labels", is_label_name(name), "a key is not the name of a label");
    auto found = label_value(value);
    fields.check("scrape_labels", found.has_value(),
                 found ? "" : fmt::format("{}: {}", name, found.error().message()));
    if (found) value = std::move(*found);
  }
}

void section(Fields& fields, RulesOptions& options) {
  fields.optional("files", &options.files,
                  "Prometheus rule files, unchanged; `*` and `?` stand for any characters of a name.");
  fields.optional("interval", &options.interval,
                  "How often groups are evaluated that name no interval; besides, a group is evaluated right "
                  "after the rounds that it looks at.");
  fields.check("interval", options.interval >= std::chrono::milliseconds(100), "must be at least 100ms");
  fields.optional("query_offset", &options.query_offset,
                  "By how much expressions look into the past, where a group names no offset.");
  fields.optional(
      "no_data", Choice{&options.no_data, {"keep", "resolve"}},
      "What becomes of an alert whose target or member does not answer: `keep` keeps it, marked as unknown, "
      "unless its rule asks for absence itself; `resolve` ends it, as in Prometheus.");
  fields.optional("history", &options.history,
                  "How far back queries (/api/v1/query_range, so that Grafana has something to draw while "
                  "Prometheus is away) can look at least; rules that look further back keep more. Up to 13 "
                  "bytes a sample. Where no rule is loaded it is kept for up to 10,000 series, and with "
                  "more of them none; 0s: never.");
  fields.check("history", options.history <= std::chrono::hours(24), "must be at most 24h");
  scrape_labels(fields, options.scrape_labels);
  fields.optional("external_url", &options.external_url,
                  "Under which address people reach this daemon, for links in alerts.");
  fields.check("external_url",
               options.external_url.empty() || options.external_url.starts_with("http://") ||
                   options.external_url.starts_with("https://"),
               "expected an address such as http://host:port");
}

}  // namespace

void rules_fields(Fields& fields, RulesOptions& options) {
  fields.object("rules", "The rules that the daemon evaluates by itself.",
                [&](Fields& keys) { section(keys, options); });
}

}  // namespace qw::config
