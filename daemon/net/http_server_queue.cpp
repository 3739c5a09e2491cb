#include "daemon/net/http_server_queue.hpp"

#include <algorithm>

namespace qw::net {

void ClientQueues::move(Client& client, ClientPhase to, SteadyTime now) {
  client.since_ = now;
  const auto from = client.phase_;
  client.phase_ = to;
  if (from == ClientPhase::gone && to == ClientPhase::gone) return;
  if (to == ClientPhase::gone) {
    queue(from).erase(client.place_);
  } else if (from == ClientPhase::gone) {
    client.place_ = queue(to).insert(queue(to).end(), &client);
  } else {
    queue(to).splice(queue(to).end(), queue(from), client.place_);
  }
}

std::size_t ClientQueues::size() const {
  std::size_t clients = 0;
  for (const auto& each : queues_) clients += each.size();
  return clients;
}

SteadyTime ClientQueues::next_deadline() const {
  auto next = SteadyTime::max();
  for (const auto& each : queues_) {
    if (!each.empty()) next = std::min(next, deadline(*each.front()));
  }
  return next;
}

ClientQueues::Client* ClientQueues::expired(SteadyTime now) const {
  for (const auto& each : queues_) {
    if (!each.empty() && deadline(*each.front()) <= now) return each.front();
  }
  return nullptr;
}

ClientQueues::Client* ClientQueues::evictable() const {
  if (auto* done = front(ClientPhase::closing)) return done;
  auto* fresh = front(ClientPhase::fresh);
  auto* kept = front(ClientPhase::kept);
  if (fresh != nullptr && kept != nullptr) return fresh->since_ < kept->since_ ? fresh : kept;
  if (fresh != nullptr) return fresh;
  if (kept != nullptr) return kept;
  auto* sender = front(ClientPhase::request);
  if (sender != nullptr) return sender;
  auto* reader = front(ClientPhase::writing);
  return reader != nullptr ? reader : front(ClientPhase::streaming);
}

ClientQueues::Client* ClientQueues::front(ClientPhase phase) const {
  return queue(phase).empty() ? nullptr : queue(phase).front();
}

SteadyTime ClientQueues::deadline(const Client& client) const {
  switch (client.phase_) {
    case ClientPhase::fresh:
    case ClientPhase::request:
      return client.since_ + times_.request;
    case ClientPhase::kept:
      return client.since_ + times_.kept;
    case ClientPhase::writing:
      return client.since_ + times_.writing;
    case ClientPhase::closing:
      return client.since_ + times_.closing;
    case ClientPhase::handling:
    case ClientPhase::streaming:
    case ClientPhase::gone:
      break;
  }
  return SteadyTime::max();
}

}  // namespace qw::net
