#include "daemon/watched_targets.hpp"

#include <algorithm>

#include "daemon/base/log.hpp"
#include "daemon/plan.hpp"

namespace qw {

WatchedTargets::WatchedTargets(Parts parts)
    : parts_(std::move(parts)),
      placed_(parts_.self.registry()),
      found_members_(parts_.self.registry()),
      members_({.clock = parts_.clock, .resolver = parts_.resolver, .pool = parts_.pool},
               {.changed = [this](const TargetId& id, const config::FoundPlan& plan,
                                  std::uint64_t fingerprint) { return on_members(id, plan, fingerprint); },
                .news = [this](const members::News& news) { on_member_news(news); }}),
      placement_(
          {.executor = parts_.executor,
           .clock = parts_.clock,
           .net = parts_.net,
           .on_bug = parts_.on_bug,
           .on_move = [this](const placement::Move& move,
                             std::optional<rules::SavedState> alerts) { on_move(move, std::move(alerts)); },
           .alerts_of = [this](const TargetId& target) { return parts_.rules.alerts_of(target); }}),
      scheduler_(parts_.executor, parts_.clock, *this, parts_.on_bug) {}

probes::ProbeContext WatchedTargets::context() {
  return {.net = parts_.net, .clock = parts_.clock, .port_systems = &ports_, .last_heard = parts_.last_heard};
}

Task<std::shared_ptr<members::Targets>> WatchedTargets::find_members(config::Config& config) {
  return members_.prepare(config);
}

std::vector<Error> WatchedTargets::replace(const config::Config& config) {
  if (const auto set = placement_.configure(config); !set) return {set.error()};
  auto errors = schedule(config);
  if (!errors.empty() && config_) static_cast<void>(placement_.configure(*config_));
  return errors;
}

void WatchedTargets::adopt(config::Config& config, std::shared_ptr<members::Targets> found) {
  const bool first = config_ == nullptr;
  config_ = &config;
  ports_ = port_systems(config);
  members_.adopt(std::move(found));
  if (!first) return;
  const auto now = parts_.clock.steady();
  for (const auto& target : config.targets) {
    const auto id = id_of(target);
    if (placement_.asks(id)) unready_[id] = now + 2 * target.common.interval;
  }
}

/// Runs the targets that are asked by this daemon, all or nothing.
std::vector<Error> WatchedTargets::schedule(const config::Config& config) {
  auto entries = make_entries(config, context());
  std::erase_if(entries, [this](const schedule::Entry& entry) { return !placement_.asks(entry.id); });
  return scheduler_.replace(std::move(entries));
}

std::vector<TargetId> WatchedTargets::asked_here(const config::Config& config) const {
  std::vector<TargetId> out;
  for (const auto& target : config.targets) {
    auto id = id_of(target);
    if (placement_.asks(id)) out.push_back(std::move(id));
  }
  return out;
}

/// The target alone gets another probe; all that is known of it stays.
Result<void> WatchedTargets::on_members(const TargetId& id, const config::FoundPlan& plan,
                                        std::uint64_t fingerprint) {
  const auto target = std::ranges::find(config_->targets, id, id_of);
  if (target == config_->targets.end()) return {};
  auto before = *target;
  target->plan = plan.plan;
  target->ports = plan.ports;
  target->members_fingerprint = fingerprint;
  if (const auto errors = schedule(*config_); !errors.empty()) {
    *target = std::move(before);
    return std::unexpected(errors.front());
  }
  ports_ = port_systems(*config_);
  return {};
}

void WatchedTargets::on_member_news(const members::News& news) {
  using Kind = members::News::Kind;
  if (!news.gone.empty() && placement_.asks(news.id)) {
    auto& gone = leaving_[news.id];
    gone.insert(gone.end(), news.gone.begin(), news.gone.end());
  }
  parts_.chronicle.on_members(news);
  const auto& [system, name] = news.id;
  switch (news.kind) {
    case Kind::changed:
      return log::info("members changed", {{"system", system}, {"target", name}, {"members", news.text}});
    case Kind::failed:
      return log::warning("members can not be found, those that are known stay",
                          {{"system", system}, {"target", name}, {"reason", news.text}});
    case Kind::found_again:
      return log::info("members are found again", {{"system", system}, {"target", name}});
  }
}

/// What is let go is told to the rules once its last round is over.
void WatchedTargets::on_move(const placement::Move& move, std::optional<rules::SavedState> alerts) {
  if (move.taken) parts_.rules.take(move.target, std::move(alerts));
  const auto errors = schedule(*config_);
  for (const auto& error : errors) log::error("target can not be made", {{"reason", error.message()}});
  parts_.chronicle.on_move(move, placement().at(move.target));
}

bool WatchedTargets::ready() {
  const auto now = parts_.clock.steady();
  std::erase_if(unready_, [now](const auto& entry) { return entry.second <= now; });
  return unready_.empty();
}

void WatchedTargets::refresh() {
  parts_.self.set_targets(scheduler_.size(), scheduler_.in_flight());
  placed_.set(placement());
  std::vector<exporting::FoundMembers> lists;
  for (const auto& one : members_.standings())
    lists.push_back({.id = one.id, .count = one.found, .failed = one.failed});
  found_members_.set(lists);
}

void WatchedTargets::on_start(const TargetId& /*id*/, Nanoseconds late) {
  parts_.self.probe_started(late);
}

void WatchedTargets::on_missed(const TargetId& id, std::uint64_t rounds) {
  parts_.self.rounds_missed(id, rounds);
}

void WatchedTargets::on_round(RoundPtr round, SteadyTime /*due*/) {
  if (!unready_.empty()) unready_.erase(round->target);
  if (round->success) {
    answering_.insert(round->target);
  } else {
    answering_.erase(round->target);
  }
  placement_.on_round(round->target);
  changes_.observe(*round);
  parts_.self.round_finished(*round);
  const auto published = round;
  parts_.store.publish(std::move(round));
  parts_.chronicle.on_round(*published);
  parts_.rules.on_round(*published);
}

void WatchedTargets::on_removed(const TargetId& id) {
  const bool moved = !placement_.asks(id);
  unready_.erase(id);
  answering_.erase(id);
  changes_.forget(id);
  leaving_.erase(id);
  parts_.chronicle.on_removed(
      id, moved ? "another daemon asks the target now" : "the target is no longer watched");
  parts_.self.target_removed(id);
  if (moved) return parts_.rules.let_go(id);
  parts_.rules.on_removed(id);
  parts_.store.forget(id);
}

void WatchedTargets::on_exchanged(const TargetId& id) {
  const auto gone = leaving_.extract(id);
  if (gone.empty()) return;
  changes_.forget_members(id, gone.mapped());
  parts_.chronicle.on_members_gone(id, gone.mapped());
}

}  // namespace qw
