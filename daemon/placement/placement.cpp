#include "daemon/placement/placement.hpp"

#include <algorithm>
#include <set>

namespace qw::placement {
namespace {

/// Rounds may be late; who has ended none for so many intervals does not ask.
constexpr int kMissedRounds = 3;

bool is_starting(const Claim& claim, Nanoseconds interval) {
  return claim.rounds == 0 && claim.taken <= kMissedRounds * interval;
}

bool works(const Claim& claim, Nanoseconds interval) {
  return claim.rounds > 0 && claim.last_round <= kMissedRounds * interval;
}

}  // namespace

void Placement::set_targets(const std::vector<PlacedTarget>& targets) {
  std::map<TargetId, Order> orders;
  Standings standings;
  for (const auto& target : targets) {
    auto known = orders_.extract(target.id);
    auto& order = orders[target.id];
    if (known) {
      order = std::move(known.mapped());
    } else {
      arrange(target.id, order);
    }
    order.interval = target.interval;
    standings[target.id] = standings_[target.id];
  }
  orders_ = std::move(orders);
  standings_ = std::move(standings);
}

void Placement::set_peers(std::vector<std::string> peers, const std::string& self) {
  const auto was = self_ ? peers_[*self_] : std::string();
  const auto found = std::ranges::find(peers, self);
  if (peers == peers_ && was == (found == peers.end() ? "" : self)) return;
  peers_ = std::move(peers);
  index_.clear();
  self_.reset();
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    index_.emplace(peers_[i], static_cast<PeerIndex>(i));
    if (!self.empty() && peers_[i] == self) self_ = static_cast<PeerIndex>(i);
  }
  looks_.assign(peers_.size(), std::nullopt);
  for (auto& [target, order] : orders_) arrange(target, order);
}

void Placement::arrange(const TargetId& target, Order& order) const {
  const auto all = order_of(target, peers_);
  auto self = self_ ? std::ranges::find(all, *self_) : all.end();
  order.before.assign(all.begin(), self);
  if (self != all.end()) ++self;
  const auto rest = static_cast<std::size_t>(all.end() - self);
  order.after.assign(self, self + static_cast<std::ptrdiff_t>(std::min(kAfter, rest)));
}

void Placement::begin() {
  looks_.assign(peers_.size(), std::nullopt);
}

const Claim* Placement::claim_of(PeerIndex peer, const TargetId& target) const {
  const auto& look = looks_[peer];
  if (!look || !look->answered) return nullptr;
  const auto found = look->claims.find(target);
  return found == look->claims.end() ? nullptr : &found->second;
}

/// The more peers do not ask the target, the more are looked at together: a small part of a large cluster
/// that is cut off from the rest gets through the silent ones in a few steps.
Placement::Walk Placement::walk(const TargetId& target, const Order& order) const {
  Walk out;
  std::size_t passed = 0;
  for (std::size_t i = 0; i < order.before.size(); ++i) {
    const auto peer = order.before[i];
    if (!looks_[peer]) {
      const auto many = std::max<std::size_t>(1, passed);
      for (; i < order.before.size() && out.wanted.size() < many; ++i) {
        if (!looks_[order.before[i]]) out.wanted.push_back(order.before[i]);
      }
      return out;
    }
    if (!looks_[peer]->answered) out.silent.push_back(peer);
    const auto* claim = claim_of(peer, target);
    if (claim && works(*claim, order.interval)) {
      out.asker = peer;
      return out;
    }
    if (claim && !out.starter && is_starting(*claim, order.interval)) out.starter = peer;
    ++passed;
  }
  const auto standing = standings_.find(target);
  const bool here = standing != standings_.end() && standing->second.here;
  if (here || out.starter) return out;
  for (const auto peer : order.after) {
    if (!looks_[peer]) out.wanted.push_back(peer);
  }
  for (const auto peer : order.after) {
    if (!out.before && claim_of(peer, target)) out.before = peer;
  }
  return out;
}

std::vector<std::string> Placement::next() {
  std::set<PeerIndex> wanted;
  for (const auto& [target, order] : orders_) {
    const auto at = walk(target, order);
    wanted.insert(at.wanted.begin(), at.wanted.end());
  }
  std::vector<std::string> out;
  for (const auto peer : wanted) out.push_back(peers_[peer]);
  return out;
}

void Placement::tell(const std::string& peer, Look look) {
  const auto found = index_.find(peer);
  if (found != index_.end()) looks_[found->second] = std::move(look);
}

std::vector<Move> Placement::end() {
  std::vector<Move> out;
  for (const auto& [target, order] : orders_) {
    const auto at = walk(target, order);
    if (!at.wanted.empty()) continue;
    if (auto move = settle(target, at)) out.push_back(std::move(*move));
  }
  return out;
}

std::optional<Move> Placement::settle(const TargetId& target, const Walk& at) {
  auto& standing = standings_[target];
  const auto name_of = [this](const std::optional<PeerIndex>& peer) {
    return peer ? peers_[*peer] : std::string();
  };
  const auto asked_before = standing.asker;
  standing.decided = true;
  standing.silent.clear();
  standing.reason.clear();
  for (const auto peer : at.silent) standing.silent.push_back(peers_[peer]);
  if (!at.silent.empty()) standing.reason = looks_[at.silent.front()]->reason;
  standing.asker = name_of(at.asker ? at.asker : at.starter);
  if (at.asker && standing.here) {
    standing.here = false;
    return Move{.target = target, .taken = false, .other = standing.asker};
  }
  // Who has only just taken it has no numbers yet: we go on until it has.
  if (at.asker || at.starter || standing.here) return std::nullopt;
  standing.here = true;
  ++standing.taken;
  return Move{.target = target, .taken = true, .other = at.before ? peers_[*at.before] : asked_before};
}

bool Placement::asks(const TargetId& target) const {
  const auto found = standings_.find(target);
  return found == standings_.end() || found->second.here;
}

bool Placement::is_heir(const TargetId& target) const {
  const auto standing = standings_.find(target);
  const auto order = orders_.find(target);
  if (standing == standings_.end() || order == orders_.end() || standing->second.here) return false;
  const auto asker = index_.find(standing->second.asker);
  if (asker == index_.end()) return false;
  const auto& before = order->second.before;
  const auto place = std::ranges::find(before, asker->second);
  return place != before.end() && static_cast<std::size_t>(before.end() - place) <= kHeirs;
}

}  // namespace qw::placement
