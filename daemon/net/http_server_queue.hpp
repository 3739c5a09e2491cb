#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>

#include "daemon/base/time.hpp"

namespace qw::net {

/// Where a client of the HTTP server is in its conversation; how long it may stay there and how soon it has
/// to make room for another client both follow from that.
enum class ClientPhase : std::uint8_t {
  fresh,      ///< connected, has sent nothing yet
  kept,       ///< had a reply, may send another request
  request,    ///< part of a request (or TLS handshake) is here
  handling,   ///< the handler runs: never closed, no deadline
  writing,    ///< the reply is on its way
  streaming,  ///< waits for the next piece of a stream; no deadline
  closing,    ///< all is said; waiting for the client to close
  gone,       ///< closed
};

/// All clients, each in the queue of its phase. The time limit is the same for all in a queue, so the front
/// of each is both the next to expire and the longest waiting. Pure: time is a parameter.
class ClientQueues {
 public:
  struct Times {
    Times() = default;
    Nanoseconds request{};
    Nanoseconds kept{};
    Nanoseconds writing{};
    Nanoseconds closing = std::chrono::seconds(1);
  };
  class Client {
   public:
    Client() = default;
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    ClientPhase phase() const { return phase_; }

   protected:
    ~Client() = default;

   private:
    friend class ClientQueues;
    ClientPhase phase_ = ClientPhase::gone;
    SteadyTime since_;
    std::list<Client*>::iterator place_;
  };

  explicit ClientQueues(Times times) : times_(times) {}

  /// Moves the client to the end of the phase's queue; its time there begins. `gone` takes it out.
  void move(Client& client, ClientPhase to, SteadyTime now);
  std::size_t size() const;
  bool empty() const { return size() == 0; }

  /// When the next client expires; SteadyTime::max() when none will.
  SteadyTime next_deadline() const;
  /// A client whose time is over, or null.
  Client* expired(SteadyTime now) const;
  /// Who has to go when there is no room: whoever is done, then who has been idle longest, then the slowest
  /// sender, then the slowest reader, then who has watched a stream longest; null when handlers run for all.
  Client* evictable() const;
  /// Any client of that phase, or null.
  Client* front(ClientPhase phase) const;

 private:
  using Queue = std::list<Client*>;
  static constexpr std::size_t kPhases = static_cast<std::size_t>(ClientPhase::gone);
  const Queue& queue(ClientPhase phase) const { return queues_[static_cast<std::size_t>(phase)]; }
  Queue& queue(ClientPhase phase) { return queues_[static_cast<std::size_t>(phase)]; }
  SteadyTime deadline(const Client& client) const;

  Times times_;
  std::array<Queue, kPhases> queues_;
};

}  // namespace qw::net
