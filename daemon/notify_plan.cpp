#include "daemon/notify_plan.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "probes/probe.hpp"

namespace qw {
namespace {

Result<notify::HttpEndpoint> endpoint(const config::HttpOptions& options) {
  notify::HttpEndpoint made;
  auto url = net::Url::parse(options.url);
  if (!url) return std::unexpected(url.error().within("url"));
  made.url = std::move(*url);
  made.username = options.username;
  made.password = options.password.value;
  made.bearer_token = options.bearer_token.value;
  made.timeout = options.timeout;
  if (!made.url.tls()) return made;
  auto tls = options.tls;
  tls.enabled = true;
  auto context = probes::ProbeContext::tls(tls);
  if (!context) return std::unexpected(context.error());
  made.tls = std::move(*context);
  return made;
}

Result<notify::RelabelRule> relabel_rule(const config::RelabelOptions& options) {
  auto regex = Pattern::compile(options.regex);
  if (!regex) return std::unexpected(regex.error().within("regex"));
  const auto action = notify::relabel_action(options.action);
  if (!action) return fail(ErrorKind::config, "unknown action");
  return notify::RelabelRule{.action = *action,
                             .source_labels = options.source_labels,
                             .separator = options.separator,
                             .regex = std::move(*regex),
                             .target_label = options.target_label,
                             .replacement = options.replacement};
}

}  // namespace

Result<notify::Options> notify_options(const config::AlertingOptions& alerting, const std::string& instance) {
  notify::Options made;
  made.instance = instance;
  made.resend = alerting.resend_interval;
  made.watchdog = alerting.watchdog;
  for (const auto& [name, value] : alerting.external_labels) made.external_labels.set(name, value);
  for (std::size_t i = 0; i < alerting.alertmanagers.size(); ++i) {
    auto to = endpoint(alerting.alertmanagers[i]);
    if (!to) return std::unexpected(to.error().within(fmt::format("alertmanagers[{}]", i)));
    made.alertmanagers.push_back(std::move(*to));
  }
  for (std::size_t i = 0; i < alerting.relabel.size(); ++i) {
    auto rule = relabel_rule(alerting.relabel[i]);
    if (!rule) return std::unexpected(rule.error().within(fmt::format("alerting.relabel[{}]", i)));
    made.relabel.push_back(std::move(*rule));
  }
  if (alerting.mode == "shadow") {
    auto watched = endpoint(alerting.prometheus);
    if (!watched) return std::unexpected(watched.error().within("alerting.prometheus"));
    made.shadow = std::move(*watched);
  }
  return made;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

}  // namespace qw
