#include "probes/network/nodes_look.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace qw::probes {
namespace {

void append(Facts& facts, TrainOutcome&& outcome) {
  if (outcome.train.sent > 0) facts.trains.push_back(std::move(outcome.train));
  std::ranges::move(outcome.trips, std::back_inserter(facts.round_trips));
  std::ranges::move(outcome.clocks, std::back_inserter(facts.clocks));
  if (outcome.state) facts.clock_states.push_back(std::move(*outcome.state));
}

/// Of a member: whether anybody answered on any of its ways, and if not, why.
struct Reached {
  bool answered = false;
  std::string reason;
  std::optional<ErrorKind> kind;
};

}  // namespace

void NodesLook::judge(std::vector<NodesWay>& all, const LastHeard& last_heard, const Asked& asked,
                      Facts& facts) {
  std::map<std::string_view, Reached> members;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& way = all[i];
    if (!way.probed) continue;
    name_direction(way, i, last_heard);
    const auto heard = hear(i);
    const auto reported = way.ladder.observe(heard);
    auto& member = members[way.node.member];
    if (std::ranges::any_of(heard, &Ladder::Heard::answered)) {
      member.answered = true;
    } else {
      explain(i, member.reason, member.kind);
    }
    for (std::size_t m = 0; m < methods.size(); ++m) {
      if (reported[m]) report(way, i, m, facts);
    }
  }
  for (auto& [name, member] : members) {
    if (member.answered) continue;
    facts.unanswered.push_back({.member = std::string(name),
                                .asked = asked,
                                .error = Error(member.kind.value_or(ErrorKind::timeout), member.reason)});
  }
}

void NodesLook::append_all(Facts& facts) {
  for (auto& of_method : outcomes) {
    for (auto& outcome : of_method) append(facts, std::move(outcome));
  }
}

std::string NodesLook::refusal(std::size_t method) const {
  for (const auto& outcome : outcomes[method]) {
    if (outcome.error && outcome.error->kind() == ErrorKind::rejected) return outcome.error->message();
  }
  return "";
}

/// Where nothing comes back no count tells the direction. But a peer whose own packets reach our reflector
/// all the while has a way to us: what is cut is the way to it.
void NodesLook::name_direction(NodesWay& way, std::size_t number, const LastHeard& last_heard) {
  std::vector<PacketTrain*> silent;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    if (methods[m] != kStamp) continue;
    for (std::size_t k = 0; k < outcomes[m].size(); ++k) {
      auto& train = outcomes[m][k].train;
      if (ways[m][k] != number || train.sent == 0) continue;
      if (train.received > 0) return way.silent_since.reset();
      silent.push_back(&train);
    }
  }
  if (silent.empty()) return;
  if (!way.silent_since) {
    way.silent_since = silent.front()->asked.received;
    return;
  }
  const auto heard = last_heard ? last_heard(way.node.to.address()) : std::nullopt;
  if (!heard || *heard <= *way.silent_since) return;
  for (auto* train : silent) {
    train->lost_forward = train->sent;
    train->lost_backward = 0;
  }
}

std::vector<Ladder::Heard> NodesLook::hear(std::size_t number) const {
  std::vector<Ladder::Heard> heard(methods.size());
  for (std::size_t m = 0; m < methods.size(); ++m) {
    for (std::size_t k = 0; k < outcomes[m].size(); ++k) {
      if (ways[m][k] != number) continue;
      const auto& outcome = outcomes[m][k];
      heard[m].answered = heard[m].answered || outcome.train.received > 0;
      heard[m].refused = heard[m].refused || (outcome.error && outcome.error->kind() == ErrorKind::refused);
    }
  }
  return heard;
}

/// "stamp: connection refused; icmp: no answer".
void NodesLook::explain(std::size_t number, std::string& reason, std::optional<ErrorKind>& kind) const {
  for (std::size_t m = 0; m < methods.size(); ++m) {
    for (std::size_t k = 0; k < outcomes[m].size(); ++k) {
      if (ways[m][k] != number) continue;
      const auto& error = outcomes[m][k].error;
      const auto line = fmt::format("{}: {}", methods[m], error ? error->message() : "no answer");
      if (!reason.contains(line)) reason += (reason.empty() ? "" : "; ") + line;
      if (!kind) kind = error ? error->kind() : ErrorKind::timeout;
    }
  }
}

void NodesLook::report(const NodesWay& way, std::size_t number, std::size_t method, Facts& facts) {
  for (std::size_t k = 0; k < outcomes[method].size(); ++k) {
    if (ways[method][k] != number) continue;
    auto& outcome = outcomes[method][k];
    if (method > 0 && method == way.ladder.rung()) outcome.train.degraded_from = methods.front();
    append(facts, std::move(outcome));
  }
}

}  // namespace qw::probes
