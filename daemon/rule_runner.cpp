#include "daemon/rule_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>

#include "daemon/base/log.hpp"

namespace qw {
namespace {

using std::chrono::milliseconds;

/// A group follows the rounds that it looks at, but not more often than this.
constexpr Nanoseconds kLeastGap = milliseconds(300);
/// A rule that looks at more points than this is left to a worker: a quarter of a millisecond's work.
constexpr std::size_t kPointsOnLoop = 2'000;
/// So is one with more alerts: expanding the texts of one takes some 5 us.
constexpr std::size_t kAlertsOnLoop = 32;
/// History that no rule needs must not cost much: 1 kB a series in five minutes at worst.
constexpr std::size_t kMostSeriesWithoutRules = 10'000;
/// Series that are handled between two looks at the clock.
constexpr std::size_t kPiece = 1'000;
/// Queries of templates may depend on the answers of others this many times.
constexpr int kMostPasses = 8;
/// Transitions that come together are saved together.
constexpr Nanoseconds kSaveAfter = milliseconds(50);
constexpr Nanoseconds kRetryAfter = std::chrono::seconds(4);
constexpr Nanoseconds kLogAgainAfter = std::chrono::minutes(1);
/// Values and annotations that change are passed on this often; transitions at once.
constexpr Nanoseconds kRefreshAlerts = std::chrono::seconds(1);
/// A smaller difference between wall and steady clock is slewing or noise; times of alerts stay as they are.
constexpr Nanoseconds kStep = std::chrono::seconds(1);

/// All series of one alert are in one part, whatever its state.
std::size_t part_of(const promql::SeriesLabels& series, std::size_t parts) {
  auto hash = series.hash;
  for (std::size_t i = 0; i < series.hashes.size(); ++i) {
    const auto& name = (series.labels.begin() + static_cast<std::ptrdiff_t>(i))->first;
    if (name == "__name__" || name == "alertstate") hash -= series.hashes[i].pair;
  }
  return hash % parts;
}

std::shared_ptr<const std::set<std::string, std::less<>>> names_of(const Round& round) {
  auto names = std::make_shared<std::set<std::string, std::less<>>>();
  if (round.layout) {
    // Of a histogram the samples' names are longer than the family's.
    for (const auto& run : round.layout->runs()) {
      names->emplace(run.family->name);
      if (run.family->type != MetricType::histogram) continue;
      for (const auto* suffix : {"_bucket", "_sum", "_count"})
        names->insert(std::string(run.family->name) + suffix);
    }
    return names;
  }
  for (const auto& sample : round.samples) {
    names->insert(std::string(sample.series->family->name) + std::string(sample.series->suffix));
  }
  return names;
}

}  // namespace

RuleRunner::RuleRunner(Parts parts, StateStore state)
    : parts_(std::move(parts)),
      state_(std::move(state)),
      data_(parts_.executor, parts_.clock, parts_.store, parts_.index, parts_.line),
      since_(now()),
      offset_(wall_now()),
      changed_(parts_.executor, asio::steady_timer::time_point::max()),
      save_wanted_(parts_.executor, asio::steady_timer::time_point::max()),
      published_(parts_.clock.steady() - kRefreshAlerts),
      save_failure_logged_(parts_.clock.steady() - kLogAgainAfter),
      saved_(parts_.clock.steady()) {}

rules::Millis RuleRunner::at(SteadyTime time) const {
  return std::chrono::floor<milliseconds>(time.time_since_epoch() + parts_.line).count();
}

/// In whole milliseconds, as the times are to which it is added.
Nanoseconds RuleRunner::wall_now() const {
  return std::chrono::floor<milliseconds>(parts_.clock.wall().time_since_epoch()) - milliseconds(now());
}

std::string RuleRunner::name_of(const rules::ActiveGroup& group) {
  return group.group().file + ";" + group.group().name;
}

TargetId RuleRunner::id_of(const rules::ActiveGroup& group) {
  return {.system = "", .name = name_of(group)};
}

TargetId RuleRunner::id_of(const TargetId& group, std::size_t part) {
  return {.system = "", .name = fmt::format("{};{}", group.name, part)};
}

void RuleRunner::configure(std::vector<rules::RuleGroup> groups, rules::GroupSettings settings,
                           const std::vector<TargetId>& targets, Nanoseconds history) {
  next_ = Configuration{std::move(groups), std::move(settings), targets, history};
  // Between two rules of a group nothing may change; otherwise it is as good now as later.
  if (!evaluating_) apply_configuration();
  changed_.cancel();
}

void RuleRunner::apply_configuration() {
  if (!next_) return;
  auto next = std::exchange(next_, std::nullopt);
  std::map<TargetId, Due> before;
  for (std::size_t i = 0; i < engine_.size(); ++i) before[id_of(engine_.group(i))] = due_[i];
  engine_.replace(std::move(next->groups), next->settings, now());
  due_.clear();
  std::vector<exporting::RuleMetrics::Group> groups;
  const auto steady = parts_.clock.steady();
  for (std::size_t i = 0; i < engine_.size(); ++i) {
    const auto& group = engine_.group(i);
    const auto known = before.extract(id_of(group));
    const auto first = steady + milliseconds(std::min<rules::Millis>(group.interval(), 1000));
    due_.push_back(known ? known.mapped() : Due{.at = first, .regular = first, .last = std::nullopt});
    groups.push_back({name_of(group), group.size(), milliseconds(group.interval())});
  }
  for (const auto& [gone, due] : before) {
    for (std::size_t part = 0; part < written_[gone].parts.size(); ++part)
      parts_.store.forget(id_of(gone, part));
    written_.erase(gone);
  }
  std::map<TargetId, TargetState> targets;
  for (const auto& target : next->targets) {
    auto known = targets_.extract(target);
    auto& state = targets[target];
    if (known) state = std::move(known.mapped());
    state.layout = nullptr;  // the groups are others now
  }
  targets_ = std::move(targets);
  health_ = nullptr;
  parts_.metrics.set_groups(groups);
  if (engine_.rules() == 0) {
    parts_.store.set_retention(next->history, kMostSeriesWithoutRules);
  } else {
    parts_.store.set_retention(std::max<Nanoseconds>(next->history, milliseconds(engine_.reach() + 1000)));
  }
  publish_ = true;
  want_save();
}

void RuleRunner::on_round(const Round& round) {
  const auto found = targets_.find(round.target);
  if (found == targets_.end()) return;
  auto& target = found->second;
  std::set<std::string, std::less<>> silent;
  for (const auto& one : round.facts.unanswered) silent.insert(one.member);
  if (target.answered != round.success || target.silent != silent) health_ = nullptr;
  target.answered = round.success;
  target.silent = std::move(silent);
  const bool same = target.layout && target.layout == round.layout.get();
  if (!same) {
    auto names = names_of(round);
    if (!round.success && target.names) {
      // What a failed round no longer has is of interest to those who look at it.
      auto both = std::make_shared<std::set<std::string, std::less<>>>(*target.names);
      both->insert(names->begin(), names->end());
      target.groups = engine_.groups_of(round.target, *both);
    } else {
      target.groups = engine_.groups_of(round.target, *names);
      // A first round that failed says nothing about what the target has.
      if (round.success) target.names = std::move(names);
    }
    health_ = nullptr;
    target.layout = round.layout.get();
    target.kept = round.layout;
  }
  const auto now = parts_.clock.steady();
  for (const auto i : target.groups) {
    auto& due = due_[i];
    const auto wanted = due.last ? std::max(now, *due.last + kLeastGap) : now;
    if (wanted >= due.at) continue;
    due.at = wanted;
    changed_.cancel();
  }
}

void RuleRunner::on_removed(const TargetId& target) {
  targets_.erase(target);
  health_ = nullptr;
}

void RuleRunner::take(const TargetId& target, std::optional<rules::SavedState> alerts) {
  hand_over({.target = target, .taken = true, .alerts = std::move(alerts)});
}

void RuleRunner::let_go(const TargetId& target) {
  hand_over({.target = target, .taken = false, .alerts = std::nullopt});
}

/// An evaluation that is under way has seen the series of a target that goes, and would raise its alerts
/// anew.
void RuleRunner::hand_over(HandOver what) {
  hand_overs_.push_back(std::move(what));
  if (!evaluating_) apply_hand_overs();
  changed_.cancel();
}

void RuleRunner::apply_hand_overs() {
  for (auto& [target, taken, alerts] : std::exchange(hand_overs_, {})) {
    if (!taken) {
      on_removed(target);
      // Together: an evaluation in between would take the end of the series for the end of the alert.
      parts_.store.forget(target);
      engine_.let_go(target, now());
    } else {
      targets_[target].taken_at = now();
      if (alerts) {
        rules::resume_state(*alerts, now(), boot_id(), boot_time());
        engine_.adopt(std::move(*alerts), target);
      }
    }
    health_ = nullptr;
    publish_ = true;
    want_save();
  }
}

/// False when the caller was cancelled; true when the time came or something changed.
Task<bool> RuleRunner::wait_until(asio::steady_timer& timer, SteadyTime time) {
  timer.expires_at(time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

Task<void> RuleRunner::run() {
  working_ = parts_.clock.steady();
  co_await restore();
  while (true) {
    working_ = parts_.clock.steady();
    apply_configuration();
    apply_hand_overs();
    if (std::exchange(publish_, false)) co_await publish_alerts(true);
    const auto next = std::ranges::min_element(due_, {}, &Due::at);
    const bool any = next != due_.end();
    if (any && next->at <= parts_.clock.steady()) {
      evaluating_ = true;
      co_await cycle(static_cast<std::size_t>(next - due_.begin()));
      evaluating_ = false;
      continue;
    }
    const auto until = any ? next->at : SteadyTime::max();
    working_.reset();
    const bool going_on = co_await wait_until(changed_, until);
    if (!going_on) co_return;
  }
}

Task<void> RuleRunner::restore() {
  if (!state_.keeps()) co_return;
  auto loaded = std::make_shared<Result<StateStore::Loaded>>(StateStore::Loaded());
  co_await parts_.pool.run([loaded, state = state_] { *loaded = state.load(); });
  restored_ = true;
  if (!*loaded) {
    log::error("the state of alerts can not be read; alerts begin anew",
               {{"reason", loaded->error().message()}});
    co_return;
  }
  auto& read = **loaded;
  if (!read.set_aside.empty()) {
    parts_.metrics.state_was_corrupt();
    log::error("the state of alerts was damaged and is set aside; alerts begin anew",
               {{"file", state_.file()}, {"reason", read.set_aside}});
  }
  if (!read.state) co_return;
  rules::resume_state(*read.state, now(), boot_id(), boot_time());
  engine_.restore(std::move(*read.state), now());
  if (parts_.on_alerts) parts_.on_alerts(engine_, true);
  co_await publish_alerts(true);
}

const RuleRunner::Health& RuleRunner::health() {
  if (health_) return health_;
  auto made = std::make_shared<rules::DataHealth>();
  made->since = since_;
  made->targets.reserve(targets_.size());
  for (const auto& [id, target] : targets_) {
    made->targets.push_back({.system = id.system,
                             .target = id.name,
                             .answered = target.answered,
                             .names = target.names,
                             .silent = target.silent,
                             .taken_at = target.taken_at});
  }
  return health_ = std::move(made);
}

Task<void> RuleRunner::cycle(std::size_t number) {
  auto& due = due_[number];
  auto& group = engine_.group(number);
  const auto started = parts_.clock.steady();
  const auto interval = std::chrono::duration_cast<Nanoseconds>(milliseconds(group.interval()));
  const auto late = std::max(started - due.regular, Nanoseconds(0));
  due.last = started;
  due.regular = due.at = started + interval;
  co_await data_.breathe();
  group.begin(at(started));
  trash_.push_back(data_.begin());
  const auto health = this->health();
  for (std::size_t rule = 0; rule < group.size(); ++rule) {
    co_await evaluate(number, rule, health);
    co_await data_.breathe();
  }
  co_await finish(number, started, static_cast<std::size_t>(late / interval));
}

Task<void> RuleRunner::evaluate(std::size_t number, std::size_t rule, Health health) {
  auto& group = engine_.group(number);
  const auto started = parts_.clock.steady();
  working_ = started;
  const auto when = group.query_time();
  const auto gathered = std::make_shared<promql::Gathered>();
  const auto prepared = std::make_shared<rules::ActiveGroup::Prepared>();
  auto asks = promql::asks_of(*group.group().rules[rule]->expr, {.start = when, .end = when, .step = 0},
                              group.options());
  // Nobody knows beforehand what the queries of templates ask: that turns out on the way.
  for (int pass = 0; pass == 0 || (pass < kMostPasses && !asks.empty()); ++pass) {
    co_await data_.gather(group, std::move(asks), *gathered);
    co_await prepare(number, rule, gathered, health, prepared);
    asks = gathered->take_missing();
  }
  trash_.push_back(group.apply(rule, std::move(*prepared)));
  if (gathered->points() > kPointsOnLoop) trash_.push_back(gathered);
  group.set_took(rule, parts_.clock.steady() - started);
}

/// Here what is small, and by a worker what is not.
Task<void> RuleRunner::prepare(std::size_t number, std::size_t rule,
                               std::shared_ptr<const promql::Gathered> from, Health health, Prepared into) {
  const auto& group = std::as_const(engine_).group(number);
  const auto& known = group.alerts(rule);
  if (from->points() <= kPointsOnLoop) {
    const auto result =
        rules::ActiveGroup::query(*group.group().rules[rule], *from, group.query_time(), group.options());
    if ((result ? result->size() : 0) + (known ? known->all().size() : 0) <= kAlertsOnLoop) {
      *into = group.prepare(rule, result, *from, *health);
      co_return;
    }
  }
  co_await parts_.pool.run([into, from, rule, health, shared = engine_.share(number)] {
    *into = shared->prepare(rule, *from, *health);
  });
  data_.rested();
}

Task<void> RuleRunner::finish(std::size_t number, SteadyTime started, std::size_t missed) {
  auto& group = engine_.group(number);
  auto output = std::make_shared<const rules::ActiveGroup::Output>(group.finish());
  co_await data_.breathe();
  co_await publish_series(group, *output, started);
  parts_.metrics.evaluated(name_of(group), {.at = parts_.clock.wall(),
                                            .took = parts_.clock.steady() - started,
                                            .evaluations = group.size(),
                                            .failures = output->failures,
                                            .template_failures = output->template_failures,
                                            .missed = missed});
  trash_.push_back(std::move(output));
  co_await data_.breathe();
  const bool transitions = engine_.transitions() != seen_;
  seen_ = engine_.transitions();
  const bool stale = engine_.any_pending() &&
                     parts_.clock.steady() - saved_ >= milliseconds(rules::kStateRefresh) - kSaveAfter * 4;
  if (transitions || stale) want_save();
  co_await publish_alerts(transitions);
  co_await empty_trash();
}

Task<void> RuleRunner::empty_trash() {
  const auto trash = std::make_shared<std::vector<std::shared_ptr<const void>>>(std::move(trash_));
  trash_.clear();
  co_await parts_.pool.run([trash] { trash->clear(); });
  data_.rested();
}

Task<void> RuleRunner::publish_series(const rules::ActiveGroup& group,
                                      const rules::ActiveGroup::Output& output, SteadyTime started) {
  const auto id = id_of(group);
  auto& written = written_[id];
  std::array<std::vector<Sample>, std::tuple_size_v<decltype(Written::parts)>> parts;
  std::size_t sorted = 0;
  for (const auto* list : {&output.samples, &output.held}) {
    for (const auto& sample : *list) {
      parts[part_of(*sample.series->labels, parts.size())].push_back({sample.series->series, sample.value});
      if (++sorted % kPiece == 0) co_await data_.breathe();
    }
  }
  ++written.rounds;
  for (std::size_t part = 0; part < parts.size(); ++part) {
    if (parts[part].empty() && !written.parts[part]) continue;
    written.parts[part] = !parts[part].empty();
    auto round = std::make_shared<Round>();
    round->target = id_of(id, part);
    round->number = written.rounds;
    round->started = started;
    // The last instant of that millisecond.
    round->finished = SteadyTime(milliseconds(group.query_time() + 1) - parts_.line - Nanoseconds(1));
    round->at = parts_.clock.wall();
    round->success = true;
    round->derived = true;
    round->samples = std::move(parts[part]);
    parts_.store.publish(std::move(round));
    co_await data_.breathe();
  }
}

Task<void> RuleRunner::publish_alerts(bool at_once) {
  const auto steady = parts_.clock.steady();
  if (!at_once && steady - published_ < kRefreshAlerts) co_return;
  published_ = steady;
  if (at_once && parts_.on_alerts) parts_.on_alerts(engine_, false);
  const auto offset = wall_now();
  if (std::chrono::abs(offset - offset_) >= kStep) {
    offset_ = offset;
    made_ = std::make_shared<rules::AlertView::Made>();
  }
  struct Made {
    std::vector<AlertPtr> alerts;
    rules::AlertView::Counts counts;
  };
  const auto made = std::make_shared<Made>();
  co_await parts_.pool.run([made, view = engine_.view(), at = now(), offset = offset_, before = made_] {
    made->alerts = view.alerts(at, offset, *before);
    made->counts = view.count();
  });
  data_.rested();
  counts_ = made->counts;
  parts_.metrics.set_alerts(made->counts.pending, made->counts.firing, made->counts.unknown);
  parts_.publish(std::make_shared<const std::vector<AlertPtr>>(std::move(made->alerts)));
}

void RuleRunner::want_save() {
  if (!state_.keeps() || !restored_ || save_) return;
  save_ = true;
  save_wanted_.cancel();
}

Task<void> RuleRunner::save_changes() {
  while (true) {
    while (!save_) {
      const bool going_on = co_await wait_until(save_wanted_, SteadyTime::max());
      if (!going_on) co_return;
    }
    const bool gathered = co_await async::sleep_until(parts_.clock.steady() + kSaveAfter);
    if (!gathered) co_return;
    save_ = false;
    co_await save_last();
    if (!save_) continue;
    const bool retry = co_await async::sleep_until(parts_.clock.steady() + kRetryAfter);
    if (!retry) co_return;
  }
}

/// Leaves `save_` set when it failed.
Task<void> RuleRunner::save_last() {
  // Before it was read nothing may take the place of what is on disk.
  if (!state_.keeps() || !restored_) co_return;
  const auto started = parts_.clock.steady();
  saving_ = started;
  auto saved = std::make_shared<Result<void>>();
  // Both clocks at the same instant, or the next run would move all times by what lies between.
  co_await parts_.pool.run(
      [saved, view = engine_.view(), at = now(), boot = boot_id(), time = boot_time(), state = state_] {
        auto what = view.save(at);
        what.boot_id = boot;
        what.boot_time = time;
        *saved = state.save(what);
      });
  const auto ended = parts_.clock.steady();
  saving_.reset();
  if (*saved) {
    saved_ = started;
    parts_.metrics.state_saved(parts_.clock.wall(), ended - started);
    co_return;
  }
  save_ = true;
  parts_.metrics.state_save_failed();
  if (ended - save_failure_logged_ < kLogAgainAfter) co_return;
  save_failure_logged_ = ended;
  log::error("the state of alerts can not be saved; alerts go out all the same",
             {{"reason", saved->error().message()}});
}

}  // namespace qw
