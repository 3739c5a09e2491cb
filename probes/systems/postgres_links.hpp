#pragma once
#include <map>
#include <string>
#include <utility>

#include "probes/systems/postgres_facts.hpp"
#include "probes/systems/postgres_names.hpp"

namespace qw::probes {

/// Whether a standby still hears its sender. Neither end knows for sure when the wire is cut: the receiver
/// goes on "streaming" until wal_receiver_timeout (60 s), and so does the sender until wal_sender_timeout.
/// But an idle receiver replies every wal_receiver_status_interval, so a sender whose receiver has sent no
/// other reply for two of them has lost it. The reply carries the standby's time; that it changed is seen on
/// our own clock.
class PostgresLinks {
 public:
  /// Takes in what a sender said of its receivers.
  void learn(const PostgresSaid& sender, const PostgresNames& names);
  /// The same from the standby's side: how often it replies.
  void learn(const PostgresSaid& standby);

  /// Of the standby to its sender, as the sender sees it; unknown where it never told of that standby.
  Link seen_by(const std::string& sender, const std::string& standby) const;
  /// As the standby says itself, unless its sender knows better.
  Link link_of(const PostgresSaid& standby, const PostgresNames& names) const;

 private:
  struct Reply {
    std::string when;
    SteadyTime first_seen;
    SteadyTime last_look;
    bool listed = false;
    bool flowing = false;  ///< its state is one in which the log is sent
  };
  std::map<std::pair<std::string, std::string>, Reply> replies_;  ///< by sender and standby, both members
  std::map<std::string, Nanoseconds> intervals_;
};

/// The receivers that have a position, without those that only copy the data directory.
bool is_replica(const PostgresSender& sender);

}  // namespace qw::probes
