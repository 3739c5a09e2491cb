#include "daemon/rule_service.hpp"

#include <cstdlib>

#include "daemon/base/log.hpp"
#include "daemon/base/text.hpp"
#include "daemon/export/api_rules.hpp"
#include "daemon/export/form.hpp"
#include "daemon/export/query_json.hpp"
#include "daemon/rules/explain.hpp"

namespace qw {
namespace {

constexpr std::string_view kRules = "/api/v1/rules", kAlerts = "/api/v1/alerts", kExplain = "/api/v1/explain";

net::ServerReply reply_with(unsigned status, std::string body, std::string_view type) {
  net::ServerReply reply;
  reply.status = status;
  reply.content_type = std::string(type);
  reply.body = std::make_shared<const std::string>(std::move(body));
  return reply;
}
net::ServerReply json(std::string body) {
  return reply_with(200, std::move(body), "application/json");
}
net::ServerReply text(unsigned status, std::string body) {
  return reply_with(status, std::move(body), "text/plain; charset=utf-8");
}

}  // namespace

RuleService::RuleService(const Parts& parts)
    : clock_(parts.clock),
      line_(parts.clock.wall().time_since_epoch() - parts.clock.steady().time_since_epoch()),
      index_(parts.store),
      metrics_(parts.registry),
      runner_({.executor = parts.executor,
               .clock = parts.clock,
               .store = parts.store,
               .index = index_,
               .line = line_,
               .pool = parts.pool,
               .metrics = metrics_,
               .publish = parts.publish,
               .on_alerts = parts.on_alerts},
              StateStore(parts.folder)),
      store_(parts.store),
      own_metrics_(parts.own_metrics),
      tasks_(parts.executor, parts.on_bug) {
  if (parts.folder.empty()) {
    log::info("the state of alerts is not kept over restarts: there is no --storage.path");
  }
}

void RuleService::configure(const config::Config& config, const std::vector<TargetId>& targets,
                            std::vector<rules::RuleGroup> groups, const std::string& url) {
  const auto in_millis = [](Nanoseconds duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  };
  Labels added;
  for (const auto& [name, value] : config.rules.scrape_labels) added.set(name, value);
  index_.set_added(std::move(added));
  rules::GroupSettings settings;
  interval_ = config.rules.interval;
  settings.interval = in_millis(interval_);
  settings.query_offset = in_millis(config.rules.query_offset);
  settings.promql.default_step = settings.interval;
  settings.promql.max_samples = 5'000'000;
  Labels external;
  for (const auto& [name, value] : config.alerting.external_labels) external.set(name, value);
  settings.external_labels = std::make_shared<const Labels>(std::move(external));
  settings.external_url = config.rules.external_url.empty() ? url : config.rules.external_url;
  while (settings.external_url.ends_with('/')) settings.external_url.pop_back();
  settings.keep_without_data = config.rules.no_data == "keep";
  promql_ = settings.promql;
  runner_.configure(std::move(groups), std::move(settings), targets, config.rules.history);
}

void RuleService::start() {
  tasks_.spawn("rules", runner_.run());
  tasks_.spawn("state of alerts", runner_.save_changes());
  tasks_.spawn("own metrics", remember_own_metrics());
}

/// As often as rules look, and so that a first value is there before they do.
Task<void> RuleService::remember_own_metrics() {
  while (true) {
    if (store_.retention() > Nanoseconds{}) {
      Round round;
      round.target = {.system = "daemon", .name = "own"};
      round.started = round.finished = clock_.steady();
      round.at = clock_.wall();
      round.success = true;
      round.samples = own_samples_.read(own_metrics_());
      store_.remember(round);
    }
    const bool slept = co_await async::sleep_until(clock_.steady() + interval_);
    if (!slept) co_return;
  }
}

Task<void> RuleService::stop() {
  tasks_.cancel();
  co_await tasks_.join();
  co_await runner_.save_last();
}

bool RuleService::knows(std::string_view path) {
  return path == kRules || path == kAlerts || path == kExplain;
}

net::ServerReply RuleService::answer(const net::ServerRequest& request) {
  if (request.path == kAlerts) return json(exporting::alerts_json(runner_.engine(), runner_.wall_offset()));
  if (request.path == kExplain) return explain(request.query);
  const auto query = exporting::parse_rules_query(request.query);
  if (!query) {
    auto reply = json(exporting::error_json("bad_data", query.error().message()));
    reply.status = 400;
    return reply;
  }
  return json(exporting::rules_json(runner_.engine(), *query, runner_.wall_offset()));
}

std::string RuleService::alerts_of(const TargetId& target) const {
  return rules::encode_state(runner_.engine().view().save(runner_.now(), target));
}

status::AlertViews RuleService::alerts() const {
  return status::alerts_of(runner_.engine(), runner_.wall_offset());
}

net::ServerReply RuleService::explain(std::string_view query) {
  const exporting::Form form(query, "");
  const auto alert = form.get("alert");
  const auto now =
      std::chrono::floor<std::chrono::milliseconds>(clock_.steady().time_since_epoch() + line_).count();
  const promql::StoreSource source(index_, line_);
  auto explained = rules::explain_alert(runner_.engine(), alert, source, promql_, now, runner_.wall_offset());
  if (!explained.empty()) return text(200, std::move(explained));
  std::vector<std::string> names;
  const auto& engine = runner_.engine();
  for (std::size_t i = 0; i < engine.size(); ++i) {
    for (const auto& rule : engine.group(i).group().rules) {
      if (rule->alerting) names.push_back(rule->name);
    }
  }
  const auto near = nearest(alert, std::vector<std::string_view>(names.begin(), names.end()));
  return text(404, "no rule raises an alert of this name" +
                       (near ? "; did you mean '" + std::string(*near) + "'?" : "") + "\n");
}

std::string state_folder(const std::string& flag) {
  if (!flag.empty()) return flag;
  const char* given = std::getenv("STATE_DIRECTORY");
  return given ? std::string(split(given, ':').front()) : "";
}

}  // namespace qw
