#include "daemon/schedule/scheduler.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <map>
#include <set>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/schedule/slots.hpp"

namespace qw::schedule {

// State and runners are shared with the coroutines, whose frames the loop may destroy after the scheduler is
// gone.
struct Scheduler::State {
  State(asio::any_io_executor executor_, const Clock& clock_, Observer& observer_,
        async::TaskGroup::OnBug on_bug_, std::size_t max_in_flight)
      : executor(std::move(executor_)),
        clock(clock_),
        observer(observer_),
        on_bug(std::move(on_bug_)),
        slots(std::make_shared<Slots>(executor, max_in_flight)) {}

  void start(const std::shared_ptr<Runner>& runner);
  void ended(Runner& runner);
  void retire(std::shared_ptr<Runner> runner);

  asio::any_io_executor executor;
  const Clock& clock;
  Observer& observer;
  async::TaskGroup::OnBug on_bug;
  std::shared_ptr<Slots> slots;
  std::map<TargetId, std::shared_ptr<Runner>> running;
  std::map<TargetId, std::shared_ptr<Runner>> ending;  ///< cancelled, not ended yet; at most one of a name
  bool stopped = false;
};

/// One target and the coroutine that measures it.
struct Scheduler::Runner {
  Runner(std::shared_ptr<State> state_, const Entry& entry, std::unique_ptr<probes::Target> target_)
      : state(std::move(state_)),
        id(entry.id),
        fingerprint(entry.fingerprint),
        interval(entry.interval),
        timeout(entry.timeout),
        members(entry.members_fingerprint),
        target(std::move(target_)),
        group(state->executor, state->on_bug) {}

  bool same_as(const Entry& entry) const {
    return fingerprint == entry.fingerprint && interval == entry.interval && timeout == entry.timeout;
  }

  std::shared_ptr<State> state;
  TargetId id;
  std::uint64_t fingerprint;
  Nanoseconds interval;
  Nanoseconds timeout;
  std::uint64_t members;
  std::unique_ptr<probes::Target> target;
  std::unique_ptr<probes::Probe> next_probe;  ///< for the rounds to come; null: the target keeps its own
  bool started = false;
  bool canceled = false;
  bool over = false;  ///< its coroutine has ended
  async::TaskGroup group;

  static Task<void> run(std::shared_ptr<Runner> self);
  Task<void> rounds();
  Task<Result<Round>> attempt(SteadyTime deadline);
  Task<RoundPtr> one_round(SteadyTime began);
};

Scheduler::Scheduler(asio::any_io_executor executor, const Clock& clock, Observer& observer,
                     async::TaskGroup::OnBug on_bug, std::size_t max_in_flight)
    : state_(
          std::make_shared<State>(std::move(executor), clock, observer, std::move(on_bug), max_in_flight)) {}

Scheduler::~Scheduler() {
  state_->stopped = true;
  for (auto* runners : {&state_->running, &state_->ending}) {
    for (auto& [id, runner] : *runners) {
      runner->canceled = true;
      runner->group.cancel();
    }
    runners->clear();  // runners refer to the state
  }
}

std::vector<Error> Scheduler::replace(std::vector<Entry> entries) {
  std::vector<Error> errors;
  std::map<TargetId, std::shared_ptr<Runner>> next;
  struct Exchange {
    std::shared_ptr<Runner> runner;
    std::uint64_t members;
    std::unique_ptr<probes::Probe> probe;
  };
  std::vector<Exchange> exchanges;
  if (state_->stopped) errors.emplace_back(ErrorKind::canceled, "the scheduler is stopping");
  for (const auto& entry : entries) {
    const auto name = entry.id.system + " " + entry.id.name;
    if (next.contains(entry.id)) {
      errors.emplace_back(ErrorKind::config, name + ": there are two targets of this name");
      continue;
    }
    const auto old = state_->running.find(entry.id);
    if (old != state_->running.end() && old->second->same_as(entry) && !old->second->over) {
      next.emplace(entry.id, old->second);
      if (old->second->members == entry.members_fingerprint) continue;
      auto probe = entry.make_probe();
      if (probe) {
        exchanges.push_back({old->second, entry.members_fingerprint, std::move(*probe)});
      } else {
        errors.push_back(probe.error().within(name));
      }
      continue;
    }
    auto made = entry.make();
    if (!made) {
      errors.push_back(made.error().within(name));
      continue;
    }
    next.emplace(entry.id, std::make_shared<Runner>(state_, entry, std::move(*made)));
  }
  if (!errors.empty()) return errors;

  for (auto& [runner, members, probe] : exchanges) {
    runner->members = members;
    runner->next_probe = std::move(probe);
  }
  auto old = std::exchange(state_->running, std::move(next));
  for (auto& [id, runner] : old) {
    const auto kept = state_->running.find(id);
    if (kept == state_->running.end() || kept->second != runner) state_->retire(runner);
  }
  for (auto& [id, runner] : state_->running) {
    if (!runner->started && !state_->ending.contains(id)) state_->start(runner);
  }
  return errors;
}

void Scheduler::State::start(const std::shared_ptr<Runner>& runner) {
  runner->started = true;
  runner->group.spawn("target " + runner->id.system + " " + runner->id.name, Runner::run(runner));
}

void Scheduler::State::retire(std::shared_ptr<Runner> runner) {
  runner->canceled = true;
  if (!runner->started) return;  // it waits for another of its name to end, which will tell
  if (runner->over) {
    if (!running.contains(runner->id)) observer.on_removed(runner->id);
    return;
  }
  runner->group.cancel();
  ending.emplace(runner->id, std::move(runner));
}

void Scheduler::State::ended(Runner& runner) {
  runner.over = true;
  if (stopped || ending.erase(runner.id) == 0) return;
  const auto successor = running.find(runner.id);
  if (successor == running.end()) {
    observer.on_removed(runner.id);
  } else if (!successor->second->started) {
    start(successor->second);
  }
}

/// The root of a target's coroutine.
Task<void> Scheduler::Runner::run(std::shared_ptr<Runner> self) {
  std::exception_ptr bug;
  try {
    co_await self->rounds();
  } catch (const boost::system::system_error& error) {
    // This is how cancellation comes out of a probe.
    if (!self->canceled || error.code() != asio::error::operation_aborted) bug = std::current_exception();
  } catch (...) {
    bug = std::current_exception();
  }
  self->state->ended(*self);
  if (bug) std::rethrow_exception(bug);
}

Task<void> Scheduler::Runner::rounds() {
  const auto seed = stable_hash(id.system + "/" + id.name);
  auto due = first_due(state->clock.steady(), interval, seed);
  while (true) {
    const bool awake = co_await async::sleep_until(due);
    if (!awake || canceled) co_return;
    {
      const auto slot = co_await state->slots->acquire();
      if (!slot || canceled) co_return;
      if (next_probe) {
        target->exchange_probe(std::exchange(next_probe, nullptr));
        state->observer.on_exchanged(id);
      }
      const auto began = state->clock.steady();
      state->observer.on_start(id, began - due);
      auto round = co_await one_round(began);
      // What a cancelled round found out is not published: its target may be gone from the configuration.
      if (canceled) co_return;
      state->observer.on_round(std::move(round), due);
    }
    std::uint64_t missed = 0;
    due = next_due(due, state->clock.steady(), interval, missed);
    if (missed > 0) state->observer.on_missed(id, missed);
  }
}

Task<RoundPtr> Scheduler::Runner::one_round(SteadyTime began) {
  const auto deadline = began + timeout;
  auto measured = co_await async::with_deadline(attempt(deadline), deadline + kGrace);
  if (measured) co_return std::make_shared<const Round>(std::move(*measured));
  co_return std::make_shared<const Round>(
      target->abandon("internal error: the round was still running after its deadline and was ended"));
}

Task<Result<Round>> Scheduler::Runner::attempt(SteadyTime deadline) {
  auto round = co_await target->measure(deadline);
  co_return round;
}

Task<void> Scheduler::stop() {
  auto state = state_;
  state->stopped = true;
  std::vector<std::shared_ptr<Runner>> all;
  for (auto* runners : {&state->running, &state->ending}) {
    for (auto& [id, runner] : *runners) {
      runner->canceled = true;
      runner->group.cancel();
      all.push_back(runner);
    }
    runners->clear();
  }
  for (const auto& runner : all) co_await runner->group.join();
}

std::size_t Scheduler::in_flight() const {
  return state_->slots->in_use();
}
std::size_t Scheduler::size() const {
  return state_->running.size();
}

}  // namespace qw::schedule
