#include "daemon/rule_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

#include "daemon/base/log.hpp"

namespace qw {
namespace {

using std::chrono::milliseconds;

/// A group follows the rounds that it looks at, but not more often than this.
constexpr Nanoseconds kLeastGap = milliseconds(300);
/// The loop is given back after this long.
constexpr Nanoseconds kSlice = milliseconds(2);
/// A rule that looks at more points than this is left to a worker: about a millisecond's work.
constexpr std::size_t kPointsOnLoop = 5'000;
/// Transitions that come together are saved together.
constexpr Nanoseconds kSaveAfter = milliseconds(50);
constexpr Nanoseconds kRetryAfter = std::chrono::seconds(4);
constexpr Nanoseconds kLogAgainAfter = std::chrono::minutes(1);
/// Values and annotations that change are passed on this often; transitions at once.
constexpr Nanoseconds kRefreshAlerts = std::chrono::seconds(1);
/// A smaller difference between wall and steady clock is slewing or noise; times of alerts stay as they are.
constexpr Nanoseconds kStep = std::chrono::seconds(1);

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

void RuleRunner::configure(std::vector<rules::RuleGroup> groups, rules::GroupSettings settings,
                           const std::vector<TargetId>& targets) {
  next_ = Configuration{std::move(groups), std::move(settings), targets};
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
    parts_.store.forget(gone);
    rounds_.erase(gone);
  }
  std::map<TargetId, TargetState> targets;
  for (const auto& target : next->targets) {
    auto known = targets_.extract(target);
    auto& state = targets[target];
    if (known) state = std::move(known.mapped());
    state.layout = nullptr;  // the groups are others now
  }
  targets_ = std::move(targets);
  parts_.metrics.set_groups(groups);
  parts_.store.set_retention(milliseconds(engine_.rules() == 0 ? 0 : engine_.reach() + 1000));
  publish_alerts(true);
  want_save();
}

void RuleRunner::on_round(const Round& round) {
  const auto found = targets_.find(round.target);
  if (found == targets_.end()) return;
  auto& target = found->second;
  target.answered = round.success;
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
}

/// False when the caller was cancelled; true when the time came or something changed.
Task<bool> RuleRunner::wait_until(asio::steady_timer& timer, SteadyTime time) {
  timer.expires_at(time);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

Task<void> RuleRunner::run() {
  co_await restore();
  while (true) {
    apply_configuration();
    const auto next = std::ranges::min_element(due_, {}, &Due::at);
    const bool any = next != due_.end();
    if (any && next->at <= parts_.clock.steady()) {
      evaluating_ = true;
      co_await cycle(static_cast<std::size_t>(next - due_.begin()));
      evaluating_ = false;
      continue;
    }
    const auto until = any ? next->at : SteadyTime::max();
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
  publish_alerts(true);
}

rules::DataHealth RuleRunner::health() const {
  rules::DataHealth out;
  out.since = since_;
  out.targets.reserve(targets_.size());
  for (const auto& [id, target] : targets_) {
    out.targets.push_back(
        {.system = id.system, .target = id.name, .answered = target.answered, .names = target.names});
  }
  return out;
}

Task<void> RuleRunner::cycle(std::size_t number) {
  auto& due = due_[number];
  auto& group = engine_.group(number);
  const auto started = parts_.clock.steady();
  const auto interval = std::chrono::duration_cast<Nanoseconds>(milliseconds(group.interval()));
  const auto late = std::max(started - due.regular, Nanoseconds(0));
  due.last = started;
  due.regular = due.at = started + interval;
  group.begin(at(started));
  const auto health = this->health();
  auto slice = started;
  for (std::size_t rule = 0; rule < group.size(); ++rule) {
    co_await evaluate(number, rule, health);
    if (parts_.clock.steady() - slice < kSlice) continue;
    co_await asio::post(parts_.executor, asio::use_awaitable);
    slice = parts_.clock.steady();
  }
  finish(number, started, static_cast<std::size_t>(late / interval));
}

Task<void> RuleRunner::evaluate(std::size_t number, std::size_t rule, const rules::DataHealth& health) {
  auto& group = engine_.group(number);
  const auto started = parts_.clock.steady();
  const promql::StoreSource source(parts_.index, parts_.line);
  const auto view = group.view(source);
  const auto when = group.query_time();
  auto prepared = std::make_shared<rules::ActiveGroup::Prepared>();
  if (group.queries_in_templates(rule)) {
    // Nobody knows beforehand what these ask, so that there is nothing to give to a worker.
    *prepared = group.prepare(rule, *view);
  } else {
    const auto& expr = *group.group().rules[rule]->expr;
    const auto fetched = std::make_shared<const promql::Prefetched>(
        expr, *view, promql::Times{.start = when, .end = when, .step = 0}, group.options());
    if (fetched->points() <= kPointsOnLoop) {
      *prepared = group.prepare(rule, *fetched);
    } else {
      co_await parts_.pool.run([prepared, fetched, rule, shared = engine_.share(number)] {
        *prepared = shared->prepare(rule, *fetched);
      });
    }
  }
  group.apply(rule, std::move(*prepared), health);
  group.set_took(rule, parts_.clock.steady() - started);
}

void RuleRunner::finish(std::size_t number, SteadyTime started, std::size_t missed) {
  auto& group = engine_.group(number);
  const auto output = group.finish();
  publish_series(group, output, started);
  parts_.metrics.evaluated(name_of(group), {.at = parts_.clock.wall(),
                                            .took = parts_.clock.steady() - started,
                                            .evaluations = group.size(),
                                            .failures = output.failures,
                                            .template_failures = output.template_failures,
                                            .missed = missed});
  const bool transitions = engine_.transitions() != seen_;
  seen_ = engine_.transitions();
  publish_alerts(transitions);
  const bool stale = engine_.any_pending() &&
                     parts_.clock.steady() - saved_ >= milliseconds(rules::kStateRefresh) - kSaveAfter * 4;
  if (transitions || stale) want_save();
}

void RuleRunner::publish_series(const rules::ActiveGroup& group, const rules::ActiveGroup::Output& output,
                                SteadyTime started) {
  const auto id = id_of(group);
  if (output.samples.empty() && output.held.empty() && output.ended.empty()) return;
  auto round = std::make_shared<Round>();
  round->target = id;
  round->number = ++rounds_[id];
  round->started = started;
  // The last instant of that millisecond.
  round->finished = SteadyTime(milliseconds(group.query_time() + 1) - parts_.line - Nanoseconds(1));
  round->at = parts_.clock.wall();
  round->success = true;
  round->derived = true;
  for (const auto* list : {&output.samples, &output.held}) {
    for (const auto& sample : *list) round->samples.push_back({sample.series->series, sample.value});
  }
  parts_.store.publish(std::move(round));
}

void RuleRunner::publish_alerts(bool at_once) {
  const auto steady = parts_.clock.steady();
  if (!at_once && steady - published_ < kRefreshAlerts) return;
  published_ = steady;
  const auto offset = wall_now();
  if (std::chrono::abs(offset - offset_) >= kStep) offset_ = offset;
  std::size_t pending = 0, firing = 0, unknown = 0;
  for (std::size_t i = 0; i < engine_.size(); ++i) {
    for (std::size_t rule = 0; rule < engine_.group(i).size(); ++rule) {
      const auto* states = std::as_const(engine_).group(i).alerts(rule);
      if (!states) continue;
      for (const auto& [labels, alert] : states->all()) {
        pending += alert.state == rules::AlertState::pending ? 1 : 0;
        firing += alert.state == rules::AlertState::firing ? 1 : 0;
        unknown += alert.unknown_since ? 1 : 0;
      }
    }
  }
  parts_.metrics.set_alerts(pending, firing, unknown);
  parts_.publish(std::make_shared<const std::vector<Alert>>(engine_.alerts(now(), offset_)));
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
  auto saved = std::make_shared<Result<void>>();
  auto what = std::make_shared<rules::SavedState>(engine_.save(now()));
  // Both clocks at the same instant, or the next run would move all times by what lies between.
  what->boot_id = boot_id();
  what->boot_time = boot_time();
  co_await parts_.pool.run([saved, what, state = state_] { *saved = state.save(*what); });
  const auto ended = parts_.clock.steady();
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
