#include "daemon/net/socket_deadline.hpp"

namespace qw::net {

SocketDeadline::SocketDeadline(asio::ip::tcp::socket& socket)
    : watch_(std::make_shared<Watch>()), timer_(socket.get_executor()) {
  watch_->socket = &socket;
}

SocketDeadline::~SocketDeadline() {
  watch_->socket = nullptr;
}

bool SocketDeadline::arm(SteadyTime deadline) {
  if (std::chrono::steady_clock::now() >= deadline) expire(*watch_);
  if (watch_->expired) return false;
  const std::uint64_t turn = ++watch_->turn;
  timer_.expires_at(deadline);
  timer_.async_wait([watch = watch_, turn](boost::system::error_code error) {
    if (!error && watch->socket != nullptr && watch->turn == turn) expire(*watch);
  });
  return true;
}

void SocketDeadline::disarm() {
  ++watch_->turn;
  timer_.cancel();
}

bool SocketDeadline::expired() const {
  return watch_->expired;
}

void SocketDeadline::expire(Watch& watch) {
  watch.expired = true;
  boost::system::error_code ignored;
  watch.socket->close(ignored);
}

}  // namespace qw::net
