#include "probes/systems/postgres_links.hpp"

namespace qw::probes {
namespace {

constexpr Nanoseconds kDefaultInterval = std::chrono::seconds(10);
// A reply is under way for a while, and so is our question.
constexpr Nanoseconds kGrace = std::chrono::seconds(1);
// After half of wal_receiver_timeout the receiver asks its sender for a message.
constexpr Nanoseconds kAnswerTime = std::chrono::seconds(5);

}  // namespace

bool is_replica(const PostgresSender& sender) {
  return sender.state != "backup" && sender.replayed.has_value();
}

void PostgresLinks::learn(const PostgresSaid& sender, const PostgresNames& names) {
  if (!sender.told_all || sender.hides("senders")) return;
  for (auto& [pair, reply] : replies_) {
    if (pair.first == sender.member) reply.listed = false;
  }
  for (const auto& row : sender.senders) {
    const auto standby = is_replica(row) ? names.receiver(row.address) : std::nullopt;
    if (!standby) continue;
    auto& reply = replies_[{sender.member, *standby}];
    if (reply.when != row.replied) reply.first_seen = sender.asked.received;
    reply.when = row.replied;
    reply.listed = true;
    reply.flowing = row.state == "streaming" || row.state == "catchup";
  }
  for (auto& [pair, reply] : replies_) {
    if (pair.first == sender.member) reply.last_look = sender.asked.received;
  }
}

void PostgresLinks::learn(const PostgresSaid& standby) {
  if (standby.in_recovery) intervals_[standby.member] = standby.status_interval;
}

Link PostgresLinks::seen_by(const std::string& sender, const std::string& standby) const {
  const auto found = replies_.find({sender, standby});
  if (found == replies_.end()) return Link::unknown;
  const Reply& reply = found->second;
  if (!reply.listed || !reply.flowing) return Link::down;
  const auto told = intervals_.find(standby);
  const Nanoseconds interval = told == intervals_.end() ? kDefaultInterval : told->second;
  const bool silent = interval > Nanoseconds{} && reply.last_look - reply.first_seen > 2 * interval + kGrace;
  return silent ? Link::down : Link::up;
}

Link PostgresLinks::link_of(const PostgresSaid& standby, const PostgresNames& names) const {
  if (standby.hides("receiver")) return Link::unknown;
  const auto& receiver = standby.receiver;
  if (!receiver || receiver->status != "streaming") return Link::down;
  const bool silent = standby.receiver_timeout > Nanoseconds{} && receiver->silent_for &&
                      *receiver->silent_for > standby.receiver_timeout / 2 + kAnswerTime;
  const auto sender = names.sender(receiver->sender_host, receiver->sender_port);
  return silent || seen_by(sender, standby.member) == Link::down ? Link::down : Link::up;
}

}  // namespace qw::probes
