#include "daemon/members/watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace qw::members {
namespace {

/// Of addresses and of problems in one line of the log.
constexpr std::size_t kMaxNamed = 20;
constexpr std::size_t kMaxProblems = 4;

std::string join(const std::vector<std::string>& texts, std::size_t most, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < texts.size() && i < most; ++i)
    out += fmt::format("{}{}", i ? between : "", texts[i]);
  if (texts.size() > most) out += fmt::format(" and {} more", texts.size() - most);
  return out;
}

std::vector<std::string> all_of(const config::Found& found) {
  std::vector<std::string> out;
  for (const auto& [key, addresses] : found) out.insert(out.end(), addresses.begin(), addresses.end());
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> without(const std::vector<std::string>& all, const std::vector<std::string>& some) {
  std::vector<std::string> out;
  std::ranges::set_difference(all, some, std::back_inserter(out));
  return out;
}

std::string is_or_are(const std::vector<std::string>& texts, std::string_view what) {
  return fmt::format("{} {} {}", join(texts, kMaxNamed, ", "), texts.size() == 1 ? "is" : "are", what);
}

/// "a, b and 3 more (c is new, d is gone)".
std::string describe_change(const std::vector<std::string>& all, const std::vector<std::string>& added,
                            const std::vector<std::string>& gone) {
  std::vector<std::string> changes;
  if (!added.empty()) changes.push_back(is_or_are(added, "new"));
  if (!gone.empty()) changes.push_back(is_or_are(gone, "gone"));
  const auto list = all.empty() ? "nobody" : join(all, kMaxNamed, ", ");
  return changes.empty() ? list : fmt::format("{} ({})", list, fmt::join(changes, ", "));
}

}  // namespace

Task<std::shared_ptr<Targets>> Watch::prepare(config::Config& config) {
  auto targets = std::make_shared<Targets>(targets_of(config, *targets_));
  const auto deadline = tools_.clock.steady() + kPatience;
  co_await look(tools_, targets, deadline);
  for (auto& target : *targets) {
    const auto at = std::ranges::find_if(config.targets, [&](const config::TargetConfig& one) {
      return one.common.system == target.id.system && one.common.name == target.id.name;
    });
    target.problems = problems_of(target);
    auto found = sum_up(target);
    auto plan = co_await plan_with(tools_.pool, target.read_with, found);
    if (!plan.problems.empty()) {
      target.problems.push_back(plan.problems);
      // What it has now is right for it, where it has something.
      found = target.found.value_or(config::Found());
      plan = co_await plan_with(tools_.pool, target.read_with, found);
    }
    if (!plan.problems.empty()) continue;
    at->plan = std::move(plan.plan);
    at->ports = std::move(plan.ports);
    at->members_fingerprint = fingerprint(found);
    target.found = std::move(found);
  }
  co_return targets;
}

void Watch::adopt(std::shared_ptr<Targets> targets) {
  const auto before = std::exchange(targets_, std::move(targets));
  for (auto& target : *targets_) {
    const auto known = std::ranges::find(*before, target.id, &Target::id);
    auto problems = std::exchange(target.problems, {});
    if (known != before->end()) {
      target.problems = known->problems;
      if (known->found && target.found && *known->found != *target.found) {
        tell_change(target.id, *known->found, *target.found);
      }
    }
    tell_problems(target, std::move(problems));
  }
}

Task<void> Watch::run() {
  while (true) {
    const bool awake = co_await async::sleep_until(tools_.clock.steady() + kLookEvery);
    if (!awake) co_return;
    co_await look_once();
  }
}

Task<void> Watch::look_once() {
  const auto targets = targets_;
  const auto deadline = tools_.clock.steady() + kPatience;
  co_await look(tools_, targets, deadline);
  for (auto& target : *targets) co_await settle(targets, target);
}

/// Whoever reloads meanwhile has looked for himself.
Task<void> Watch::settle(std::shared_ptr<Targets> targets, Target& target) {
  if (targets != targets_) co_return;
  auto problems = problems_of(target);
  auto found = sum_up(target);
  if (target.found != found) {
    auto plan = co_await plan_with(tools_.pool, target.read_with, found);
    if (targets != targets_) co_return;
    const auto changed = plan.problems.empty() ? told_.changed(target.id, plan, fingerprint(found))
                                               : Result<void>(fail(ErrorKind::config, plan.problems));
    if (changed) {
      const auto before = std::exchange(target.found, std::move(found)).value_or(config::Found());
      tell_change(target.id, before, *target.found);
    } else {
      problems.push_back(changed.error().message());
    }
  }
  tell_problems(target, std::move(problems));
}

void Watch::tell_change(const TargetId& id, const config::Found& before, const config::Found& now) const {
  const auto old = all_of(before);
  const auto all = all_of(now);
  auto gone = without(old, all);
  told_.news({.id = id,
              .kind = News::Kind::changed,
              .text = describe_change(all, without(all, old), gone),
              .gone = std::move(gone)});
}

void Watch::tell_problems(Target& target, std::vector<std::string> problems) const {
  if (problems == target.problems) return;
  const bool over = problems.empty();
  target.problems = std::move(problems);
  told_.news({.id = target.id,
              .kind = over ? News::Kind::found_again : News::Kind::failed,
              .text = over ? "" : join(target.problems, kMaxProblems, "; "),
              .gone = {}});
}

std::vector<Standing> Watch::standings() const {
  std::vector<Standing> out;
  for (const auto& target : *targets_) {
    out.push_back({.id = target.id,
                   .found = target.found ? count(*target.found) : 0,
                   .failed = !target.problems.empty()});
  }
  return out;
}

}  // namespace qw::members
