#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/notify/http_endpoint.hpp"
#include "daemon/notify/outbox.hpp"

namespace qw::notify {

/// One Alertmanager: its outbox, and the task that empties it. Another one that is slow or dead changes
/// nothing here.
class Alertmanager {
 public:
  Alertmanager(net::Net& net, const Clock& clock, HttpEndpoint endpoint, Outbox::Options options);
  Alertmanager(const Alertmanager&) = delete;
  Alertmanager& operator=(const Alertmanager&) = delete;

  /// Sends what is due until it is cancelled.
  Task<void> run();
  /// All alerts that there are. A task that waits takes them up itself, so that many alerts for many
  /// Alertmanagers do not hold the loop in one piece.
  void update(AlertsPtr alerts);
  void hold(bool held);

  const net::Url& url() const { return endpoint_.url; }
  /// Takes over what the same Alertmanager was told under an earlier configuration.
  void adopt(Alertmanager& old);
  Delivery stats() const;

 private:
  using Batch = std::vector<AlertPtr>;
  enum class Outcome : std::uint8_t { taken, refused, failed };
  Task<bool> deliver(Batch batch);
  Task<Outcome> post(Batch batch);
  Task<bool> wait_until(SteadyTime time);
  Outcome judge(const net::HttpReply& reply, const Batch& batch, SteadyTime began);
  void take_up();
  void learn_clock(const net::HttpReply& reply);
  void note_failure(const std::string& reason);
  void give_up(const AlertPtr& alert, const net::HttpReply& reply);
  std::optional<WallTime> their_now() const;

  const Clock& clock_;
  HttpEndpoint endpoint_;
  Outbox outbox_;
  AlertsPtr next_;  ///< to be taken up; null: nothing
  bool waits_ = false;
  net::HttpClient client_;
  asio::steady_timer changed_;  ///< cancelled whenever the outbox has something new
  std::minstd_rand random_;
  unsigned failures_ = 0;  ///< in a row
  Nanoseconds ahead_{};    ///< by how much our wall clock is provably ahead of theirs; 0: it is not
  std::string last_reason_;
  Delivery stats_;
};

}  // namespace qw::notify
