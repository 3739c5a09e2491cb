#include "daemon/notify/notifier.hpp"

#include <algorithm>

namespace qw::notify {

/// What one configuration made. The tasks come last, as they use the rest.
struct Notifier::Generation {
  Generation(net::Net& net, async::TaskGroup::OnBug on_bug) : tasks(net.executor(), std::move(on_bug)) {}
  std::vector<std::unique_ptr<Alertmanager>> alertmanagers;
  std::unique_ptr<PrometheusWatch> watch;
  async::TaskGroup tasks;
};

Notifier::Notifier(net::Net& net, const Clock& clock, async::TaskGroup::OnBug on_bug)
    : net_(net), clock_(clock), on_bug_(std::move(on_bug)), started_(clock.wall()) {}

Notifier::~Notifier() = default;

void Notifier::configure(Options options) {
  auto next = std::make_unique<Generation>(net_, on_bug_);
  for (const auto& endpoint : options.alertmanagers) {
    Outbox::Options outbox;
    outbox.resend = options.resend;
    outbox.never_held = kWatchdog;
    next->alertmanagers.push_back(std::make_unique<Alertmanager>(net_, clock_, endpoint, outbox));
    if (!now_) continue;
    for (const auto& old : now_->alertmanagers) {
      if (old->url() == endpoint.url) next->alertmanagers.back()->adopt(*old);
    }
  }
  if (options.shadow) {
    next->watch =
        std::make_unique<PrometheusWatch>(net_, clock_, *options.shadow, [made = next.get()](bool evaluates) {
          for (const auto& one : made->alertmanagers) one->hold(evaluates);
        });
  }
  if (now_) {
    now_->tasks.cancel();
    old_.push_back(std::move(now_));
  }
  std::erase_if(old_, [](const auto& generation) { return generation->tasks.size() == 0; });
  now_ = std::move(next);
  options_ = std::move(options);
  dressed_.clear();
  for (const auto& one : now_->alertmanagers)
    now_->tasks.spawn("alertmanager " + one->url().print(), one->run());
  if (now_->watch) now_->tasks.spawn("prometheus watch", now_->watch->run());
  send();
}

void Notifier::publish(const AlertsPtr& alerts) {
  alerts_ = alerts;
  send();
}

/// With the labels that are sent; null: it is not sent at all.
AlertPtr Notifier::dressed(const AlertPtr& alert) const {
  if (options_.external_labels.empty() && options_.relabel.empty()) return alert;
  auto made = *alert;
  for (const auto& [name, value] : options_.external_labels) {
    if (made.labels.get(name).empty()) made.labels.set(name, value);
  }
  if (!relabel(options_.relabel, made.labels) || made.labels.empty()) return nullptr;
  return std::make_shared<const Alert>(std::move(made));
}

void Notifier::send() {
  if (!now_ || now_->alertmanagers.empty()) return;
  auto all = std::make_shared<std::vector<AlertPtr>>();
  const auto add = [&](AlertPtr alert) {
    if (alert) all->push_back(std::move(alert));
  };
  if (options_.watchdog) {
    add(dressed(std::make_shared<const Alert>(
        Alert{.labels = {{"alertname", std::string(kWatchdog)},
                         {"instance", options_.instance},
                         {"severity", "none"}},
              .annotations = {{"summary", "quorumwatch is alive and reaches this Alertmanager"},
                              {"description",
                               "This alert always fires. Let something outside page you when it stops "
                               "coming."}},
              .starts_at = started_,
              .ends_at = std::nullopt,
              .generator_url = {}})));
  }
  // Until the rules have spoken for the first time nobody knows what has ended.
  if (alerts_) {
    // Most are the same as last time.
    std::unordered_map<AlertPtr, AlertPtr> dressed;
    dressed.reserve(alerts_->size());
    for (const auto& alert : *alerts_) {
      const auto known = dressed_.find(alert);
      const auto made = known == dressed_.end() ? this->dressed(alert) : known->second;
      dressed.emplace(alert, made);
      add(made);
    }
    dressed_ = std::move(dressed);
  }
  for (const auto& one : now_->alertmanagers) one->update(all);
}

Task<void> Notifier::stop() {
  if (now_) old_.push_back(std::move(now_));
  for (const auto& generation : old_) generation->tasks.cancel();
  for (const auto& generation : old_) co_await generation->tasks.join();
}

std::vector<Delivery> Notifier::stats() const {
  std::vector<Delivery> out;
  if (!now_) return out;
  for (const auto& one : now_->alertmanagers) out.push_back(one->stats());
  return out;
}

bool Notifier::silent() const {
  return now_ && now_->watch && now_->watch->evaluates();
}

}  // namespace qw::notify
