#include "config/alerting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "daemon/base/text.hpp"

namespace qw::config {
namespace {

constexpr std::array<std::string_view, 8> kActions{"replace",   "keep",     "drop",      "labeldrop",
                                                   "labelkeep", "labelmap", "lowercase", "uppercase"};

bool is_http_url(std::string_view url) {
  return url.starts_with("http://") || url.starts_with("https://");
}

void http_fields(Fields& fields, HttpOptions& options, std::string_view what) {
  fields.required("url", &options.url, what);
  fields.check("url", is_http_url(options.url), "expected an address such as http://host:port");
  fields.optional("timeout", &options.timeout, "Deadline of one request, connection included.");
  fields.check("timeout", options.timeout >= std::chrono::milliseconds(100), "must be at least 100ms");
  tls_fields(fields, options.tls);
  fields.check("tls", !options.tls.enabled || options.url.starts_with("https://"),
               "the url does not say https");
  fields.optional("username", &options.username, "Of HTTP basic authentication.");
  fields.optional("password_file", &options.password, "Of HTTP basic authentication.");
  fields.optional("bearer_token_file", &options.bearer_token, "Sent as `Authorization: Bearer ...`.");
  fields.check("bearer_token_file", options.username.empty() || options.bearer_token.source.empty(),
               "either username or bearer_token_file, not both");
}

bool needs_target(std::string_view action) {
  return action == "replace" || action == "lowercase" || action == "uppercase";
}

void relabel_fields(Fields& fields, RelabelOptions& options) {
  fields.optional("action", Choice{&options.action, {kActions.begin(), kActions.end()}},
                  "What is done, as in Prometheus.");
  fields.optional("source_labels", &options.source_labels, "Labels whose values are joined.");
  fields.optional("separator", &options.separator, "What stands between the joined values.");
  fields.optional("regex", &options.regex,
                  "Must match the whole of the joined values (of each label's name for labeldrop, labelkeep "
                  "and labelmap).");
  const auto pattern = Pattern::compile(options.regex);
  fields.check("regex", pattern.has_value(), pattern ? "" : pattern.error().message());
  fields.optional("target_label", &options.target_label, "The label that is set.");
  fields.check("action", !needs_target(options.action) || !options.target_label.empty(),
               fmt::format("{} needs target_label", options.action));
  fields.optional("replacement", &options.replacement, "Its value; `$1` is what the first group matched.");
}

void alerting_section(Fields& fields, AlertingOptions& options) {
  fields.optional(
      "mode", Choice{&options.mode, {"primary", "shadow"}},
      "`primary` always sends alerts. `shadow` leaves them to a Prometheus that loads the same rules, and "
      "sends them while that one does not evaluate.");
  const bool watches =
      fields.object("prometheus", "The Prometheus that mode `shadow` watches.",
                    [&](Fields& inner) { http_fields(inner, options.prometheus, "Its address."); });
  fields.check("mode", options.mode != "shadow" || watches, "shadow needs alerting.prometheus");
  fields.optional("external_labels", &options.external_labels,
                  "Labels that every alert gets where it has none of that name, as in Prometheus' `global`. "
                  "They must be the "
                  "same as in Prometheus for Alertmanager to see one alert.");
  for (const auto& [name, value] : options.external_labels) {
    fields.check("external_labels", is_label_name(name),
                 fmt::format("'{}' is not the name of a label", name));
  }
  fields.list("relabel", "Steps that change or drop alerts, as Prometheus' `alert_relabel_configs`.",
              [&](Fields& inner) {
                RelabelOptions step;
                relabel_fields(inner, step);
                options.relabel.push_back(std::move(step));
              });
  fields.optional(
      "resend_interval", &options.resend_interval,
      "A firing alert is sent again after this long; Alertmanager forgets what is not repeated for 5 min.");
  fields.check("resend_interval",
               options.resend_interval >= std::chrono::seconds(1) &&
                   options.resend_interval <= std::chrono::minutes(2),
               "must lie between 1s and 2m");
  fields.optional("watchdog", &options.watchdog,
                  "Whether the alert QuorumwatchWatchdog always fires, so that its absence tells that the "
                  "way to people is "
                  "broken.");
}

}  // namespace

void alerting_fields(Fields& fields, AlertingOptions& options) {
  fields.list(
      "alertmanagers",
      "Where alerts are sent. Every one is told everything, each on its own; never name a load balancer.",
      [&](Fields& inner) {
        HttpOptions one;
        http_fields(inner, one, "Address of an Alertmanager; a path is its prefix.");
        options.alertmanagers.push_back(std::move(one));
      });
  fields.object("alerting", "How alerts are sent.", [&](Fields& inner) { alerting_section(inner, options); });
}

}  // namespace qw::config
