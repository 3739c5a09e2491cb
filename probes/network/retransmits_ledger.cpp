#include "probes/network/retransmits_ledger.hpp"

#include <algorithm>

namespace qw::probes {
namespace {

/// A segment that was sent again weighs as much as this many that were sent once.
constexpr double kRetransmitWeight = 1000;
/// What a look of 5 s ago counts in this one: a minute's trouble is remembered for some minutes.
constexpr double kFading = 0.98;
/// Lines change hands only for a clear difference, and slowly, since each change ends a series.
constexpr double kClearlyWorse = 2;
constexpr unsigned kMostChanges = 4;
/// A socket may be absent from a look and not be closed: its connection has ended and its owner has not
/// noticed.
constexpr std::uint64_t kStaleLooks = 2;

}  // namespace

void RetransmitsLedger::Open::add(const Open& other) {
  sockets += other.sockets;
  if (other.min_rtt_us) min_rtt_us = std::min(min_rtt_us.value_or(*other.min_rtt_us), *other.min_rtt_us);
}

void RetransmitsLedger::begin_look() {
  ++look_;
  ended_.clear();
  for (auto& [key, group] : groups_) group.seen = {};
}

void RetransmitsLedger::open(const wire::TcpSocket& socket, const PortSystems& systems) {
  // The kernel told of its end while it still told of the open ones: its last word is counted already.
  if (ended_.contains(socket.cookie)) return;
  const Key key = key_of(socket, systems);
  Group* group = group_of(key);
  if (group != nullptr) group->seen.add({.sockets = 1, .min_rtt_us = socket.min_rtt_us});
  if (const auto found = known_.find(socket.cookie); found != known_.end()) {
    auto& known = found->second;
    count(key, group, socket.segments_sent - known.segments, socket.retransmits - known.retransmits);
    known = {.segments = socket.segments_sent, .retransmits = socket.retransmits, .look = look_};
  } else if (remember(socket) && complete_) {
    count(key, group, socket.segments_sent, socket.retransmits);
  }
}

void RetransmitsLedger::closed(const wire::TcpSocket& socket, const PortSystems& systems) {
  ended_.insert(socket.cookie);
  const Key key = key_of(socket, systems);
  if (const auto found = known_.find(socket.cookie); found != known_.end()) {
    count(key, group_of(key), socket.segments_sent - found->second.segments,
          socket.retransmits - found->second.retransmits);
    known_.erase(found);
  } else if (complete_) {
    count(key, group_of(key), socket.segments_sent, socket.retransmits);
  }
}

void RetransmitsLedger::end_look(SteadyTime now) {
  complete_ = true;
  for (auto& [key, group] : groups_) {
    group.open = group.seen;
    group.badness *= kFading;
    if (group.open.sockets > 0) {
      group.empty_since.reset();
    } else if (!group.empty_since) {
      group.empty_since = now;
    }
  }
  forget_idle(now);
  give_lines();
}

std::vector<RetransmitsLedger::Line> RetransmitsLedger::lines() const {
  std::vector<Line> out;
  std::map<std::string, Open> rest;
  for (const auto& [port_class, counts] : others_) rest[port_class];
  for (const auto& [key, group] : groups_) {
    if (!group.own_line) {
      rest[key.port_class].add(group.open);
      continue;
    }
    out.push_back({.peer = wire::print_address(key.peer),
                   .port_class = key.port_class,
                   .retransmits = group.counts.retransmits,
                   .segments = group.counts.segments,
                   .sockets = group.open.sockets,
                   .min_rtt_us = group.open.min_rtt_us});
  }
  for (const auto& [port_class, open] : rest) {
    const auto found = others_.find(port_class);
    const Counts counts = found == others_.end() ? Counts{} : found->second;
    out.push_back({.peer = std::string(kOthers),
                   .port_class = port_class,
                   .retransmits = counts.retransmits,
                   .segments = counts.segments,
                   .sockets = open.sockets,
                   .min_rtt_us = open.min_rtt_us});
  }
  return out;
}

/// By the port of the configured system that it talks to, or that somebody talks to here.
RetransmitsLedger::Key RetransmitsLedger::key_of(const wire::TcpSocket& socket, const PortSystems& systems) {
  auto found = systems.find(socket.peer_port);
  if (found == systems.end()) found = systems.find(socket.local_port);
  return {.peer = socket.peer, .port_class = found == systems.end() ? std::string(kOther) : found->second};
}

/// Null when there are too many already: then it is one of the others.
RetransmitsLedger::Group* RetransmitsLedger::group_of(const Key& key) {
  if (const auto found = groups_.find(key); found != groups_.end()) return &found->second;
  if (groups_.size() >= limits_.groups) return nullptr;
  Group& group = groups_[key];
  group.own_line = own_lines_ < limits_.lines;
  if (group.own_line) ++own_lines_;
  return &group;
}

void RetransmitsLedger::count(const Key& key, Group* group, std::uint32_t segments,
                              std::uint32_t retransmits) {
  if (group != nullptr) group->badness += retransmits * kRetransmitWeight + segments;
  Counts& counts = group != nullptr && group->own_line ? group->counts : others_[key.port_class];
  counts.segments += segments;
  counts.retransmits += retransmits;
}

/// False when there are too many sockets: what this one does counts when it closes.
bool RetransmitsLedger::remember(const wire::TcpSocket& socket) {
  if (known_.size() >= limits_.sockets) {
    std::erase_if(known_, [this](const auto& one) { return one.second.look + kStaleLooks < look_; });
  }
  if (known_.size() >= limits_.sockets) return false;
  known_[socket.cookie] = {
      .segments = socket.segments_sent, .retransmits = socket.retransmits, .look = look_};
  return true;
}

void RetransmitsLedger::forget_idle(SteadyTime now) {
  std::erase_if(groups_, [&](const auto& entry) {
    const Group& group = entry.second;
    const bool idle = group.empty_since && now - *group.empty_since >= limits_.forget_after;
    if (idle && group.own_line) --own_lines_;
    return idle;
  });
}

/// The worst peers have lines of their own. A line that is new starts at 0, and what its peer did before
/// stays with the others, so that no count goes back.
void RetransmitsLedger::give_lines() {
  std::vector<Group*> with, without;
  for (auto& [key, group] : groups_) (group.own_line ? with : without).push_back(&group);
  if (without.empty()) return;
  std::ranges::sort(without, std::greater<>(), &Group::badness);
  std::ranges::sort(with, std::less<>(), &Group::badness);
  std::size_t next = 0;
  for (; own_lines_ < limits_.lines && next < without.size(); ++next, ++own_lines_) {
    without[next]->own_line = true;
    without[next]->counts = {};
  }
  for (unsigned i = 0; i < kMostChanges && i < with.size() && next < without.size(); ++i, ++next) {
    if (without[next]->badness <= with[i]->badness * kClearlyWorse + 1) break;
    with[i]->own_line = false;
    without[next]->own_line = true;
    without[next]->counts = {};
  }
}

}  // namespace qw::probes
