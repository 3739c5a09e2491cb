#include "daemon/chronicle.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/log.hpp"
#include "daemon/base/rfc3339.hpp"
#include "daemon/export/api_journal.hpp"
#include "daemon/journal/event_json.hpp"
#include "daemon/journal/open_events.hpp"
#include "daemon/plan.hpp"

namespace qw {
namespace {

using journal::Event;
using journal::Kind;
using journal::Severity;

constexpr Nanoseconds kLookAtDeliveries = std::chrono::seconds(1);
constexpr Nanoseconds kPatience = std::chrono::seconds(5);
/// Peers that do not answer, in one event.
constexpr std::size_t kMostSilent = 5;
/// Rules have evaluated, and what they evaluate has been measured, long before.
constexpr Nanoseconds kAlertsSettle = std::chrono::minutes(2);

journal::Journal::Options options_of(const std::string& folder) {
  journal::Journal::Options options;
  options.folder = journal_folder(folder);
  return options;
}

/// Of the daemon itself.
Event event_of(WallTime at, std::string_view what, Severity severity, std::string text,
               std::vector<std::pair<std::string, std::string>> evidence = {}) {
  return {.at = at,
          .kind = Kind::daemon,
          .change = journal::Change::happened,
          .severity = severity,
          .target = {},
          .subject = "",
          .what = std::string(what),
          .text = std::move(text),
          .evidence = std::move(evidence)};
}

}  // namespace

std::string journal_folder(const std::string& state_folder) {
  return state_folder.empty() ? "" : state_folder + "/journal";
}

Chronicle::Chronicle(const Parts& parts)
    : clock_(parts.clock),
      deliveries_(parts.deliveries),
      silent_(parts.silent),
      metrics_(parts.registry),
      journal_(parts.pool, options_of(parts.folder)),
      tasks_(parts.executor, parts.on_bug) {
  journal_.on_loaded([this](const journal::Journal::Past& past) { on_past(past); });
}

void Chronicle::configure(const config::Config& config) {
  journal::JournalFiles::Limits limits;
  limits.max_age = config.journal.max_age;
  limits.max_bytes = config.journal.max_bytes;
  journal_.set_limits(limits);
  targets_.clear();
  for (const auto& target : config.targets) targets_.insert(id_of(target));
}

void Chronicle::start(std::string_view version) {
  version_ = version;
  started_ = clock_.steady();
  started_wall_ = clock_.wall();
  tasks_.spawn("journal", journal_.run());
  tasks_.spawn("deliveries", watch_deliveries());
}

Task<void> Chronicle::stop(std::string_view why) {
  if (early_) on_past({});
  look_at_deliveries();
  tell("stopped", Severity::info, fmt::format("the daemon stops: {}", why));
  tasks_.cancel();
  co_await tasks_.join();
  co_await journal_.flush();
}

void Chronicle::on_round(const Round& round) {
  const auto before = watch_.changes();
  record(watch_.on_round(round));
  if (watch_.changes() != before) tell_news_();
}

void Chronicle::record(std::vector<Event> events) {
  if (!early_) return journal_.add(std::move(events));
  early_->insert(early_->end(), std::make_move_iterator(events.begin()),
                 std::make_move_iterator(events.end()));
}

/// What an earlier run left open goes on, or ends where nobody looks any more.
void Chronicle::on_past(const journal::Journal::Past& past) {
  const auto now = clock_.wall();
  if (early_) {
    auto early = *std::exchange(early_, std::nullopt);
    std::vector<std::pair<std::string, std::string>> evidence{{"version", version_},
                                                              {"targets", std::to_string(targets_.size())}};
    if (past.last_alive)
      evidence.emplace_back("last_alive", print_timestamp(std::min(*past.last_alive, now)));
    auto start =
        event_of(started_wall_, "started", Severity::info, "the daemon has started", std::move(evidence));
    journal_.add({std::move(start)});
    // What went on all the time did not begin again.
    std::erase_if(early, [&](const Event& event) {
      return event.change == journal::Change::began &&
             std::ranges::any_of(past.open, [&](const Event& one) { return journal::is_same(one, event); });
    });
    journal_.add(std::move(early));
  }
  std::vector<Event> conditions, deliveries, gone;
  for (const auto& event : past.open) {
    if (event.kind == Kind::alert) {
      left_open_.push_back(event);
    } else if (event.kind == Kind::delivery) {
      deliveries.push_back(event);
    } else if (targets_.contains(event.target)) {
      conditions.push_back(event);
    } else {
      gone.push_back(journal::end_of(event, now, "the target is no longer watched"));
    }
  }
  journal_.add(std::move(gone));
  watch_.restore(conditions, past.last_alive.value_or(now));
  delivery_.restore(deliveries);
  settle_at_ = clock_.steady() + kAlertsSettle;
}

void Chronicle::on_removed(const TargetId& target, std::string_view why) {
  const auto now = clock_.wall();
  std::vector<Event> ends;
  for (const auto& condition : watch_.conditions()) {
    if (condition.target != target || !condition.told) continue;
    ends.push_back(journal::end_of(journal::beginning_of(condition), now, std::string(why)));
  }
  record(std::move(ends));
  watch_.forget(target);
}

void Chronicle::on_move(const placement::Move& move, const placement::Standing& standing) {
  const bool silent = !standing.silent.empty();
  std::string text;
  if (!move.taken) {
    text = "it is asked by " + move.other + " from now on";
  } else if (silent) {
    text = fmt::format("it is asked from here from now on: {} does not answer ({})", standing.silent.front(),
                       standing.reason);
  } else {
    text = "it is asked from here from now on";
  }
  auto event = event_of(clock_.wall(), move.taken ? "taken" : "let_go",
                        move.taken && silent ? Severity::warning : Severity::info, std::move(text));
  event.target = move.target;
  if (!move.other.empty())
    event.evidence.emplace_back(move.taken ? "asked before by" : "asked now by", move.other);
  for (const auto& peer : standing.silent) {
    if (event.evidence.size() > kMostSilent) break;
    event.evidence.emplace_back("silent", peer);
  }
  journal::make_safe(event);
  log::info(move.taken ? "target taken" : "target let go",
            {{"system", move.target.system}, {"target", move.target.name}, {"why", event.text}});
  record({std::move(event)});
}

void Chronicle::on_alerts(const rules::RuleEngine& engine, bool restored) {
  if (restored) return alerts_.restored(engine);
  auto events = alerts_.on_cycle(engine, clock_.wall());
  const bool worth_delivery =
      std::ranges::any_of(events, [](const Event& event) { return event.what == "firing"; });
  record(std::move(events));
  if (worth_delivery) delivery_.alerts_changed();
}

/// Alerts that fired before the restart, and that no rule has found again.
void Chronicle::settle_alerts() {
  if (left_open_.empty() || clock_.steady() < settle_at_) return;
  const auto open = alerts_.open();
  std::vector<Event> ends;
  for (const auto& event : left_open_) {
    if (open.contains({event.target, event.subject, event.what})) continue;
    ends.push_back(journal::end_of(event, clock_.wall(), "it was over when the daemon was back"));
  }
  left_open_.clear();
  record(std::move(ends));
}

void Chronicle::look_at_deliveries() {
  const auto deliveries = deliveries_();
  record(delivery_.on_look(deliveries, silent_(), clock_.wall()));
}

Task<void> Chronicle::watch_deliveries() {
  while (true) {
    const bool awake = co_await async::sleep_until(clock_.steady() + kLookAtDeliveries);
    if (!awake) co_return;
    // A disk that hangs must not keep the timeline from people.
    if (early_ && clock_.steady() - started_ > kPatience) on_past({});
    look_at_deliveries();
    settle_alerts();
  }
}

void Chronicle::on_reload(const Result<void>& reloaded) {
  if (reloaded) {
    tell("reloaded", Severity::info,
         fmt::format("the configuration was reloaded: {} targets", targets_.size()));
  } else {
    tell("not_reloaded", Severity::warning,
         "the configuration was not reloaded, the old one stays: " + reloaded.error().message());
  }
}

void Chronicle::on_members(const members::News& news) {
  using Of = members::News::Kind;
  auto event = event_of(clock_.wall(), "", Severity::info, "");
  event.kind = Kind::target;
  event.target = news.id;
  switch (news.kind) {
    case Of::changed:
      event.what = "members_changed";
      event.text = "its members are now " + news.text;
      break;
    case Of::failed:
      event.severity = Severity::warning;
      event.what = "members_not_found";
      event.text = "its members can not be found, those that are known stay: " + news.text;
      break;
    case Of::found_again:
      event.what = "members_found_again";
      event.text = "its members are found again";
      break;
  }
  record({std::move(event)});
  tell_news_();
}

void Chronicle::on_members_gone(const TargetId& target, std::span<const std::string> members) {
  record(watch_.forget_members(target, members, clock_.wall()));
  tell_news_();
}

void Chronicle::tell(std::string_view what, Severity severity, std::string text) {
  record({event_of(clock_.wall(), what, severity, std::move(text))});
}

void Chronicle::refresh() {
  const auto stats = journal_.stats();
  metrics_.set({.written = stats.written,
                .dropped = stats.dropped,
                .errors = stats.errors,
                .skipped = stats.skipped,
                .left_out = watch_.left_out() + alerts_.left_out(),
                .bytes = stats.bytes});
}

Task<net::ServerReply> Chronicle::answer(net::ServerRequest request) const {
  auto reply = co_await exporting::journal_reply(journal_, std::move(request), clock_.wall());
  co_return reply;
}

}  // namespace qw
