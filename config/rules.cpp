#include "config/rules.hpp"

#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

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
  fields.optional(
      "scrape_labels", &options.scrape_labels,
      "Labels that a Prometheus adds when it scrapes this daemon (job, instance): with the same ones an "
      "alert is the same to Alertmanager, whoever of both sends it.");
  for (const auto& [name, value] : options.scrape_labels)
    fields.check("scrape_labels", is_label_name(name), "a key is not the name of a label");
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
