#include "tests/unit/net/loopback.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>

namespace qw::net::test {
namespace {

using boost::system::error_code;
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

Task<bool> send(tcp::socket& socket, std::string_view bytes, std::size_t& sent) {
  auto done = co_await asio::async_write(socket, asio::buffer(bytes.data(), bytes.size()), kToken);
  const auto& [error, count] = done;
  sent += count;
  co_return !error;
}

/// Returns when the client has closed.
Task<void> wait_for_end(tcp::socket& socket) {
  std::array<char, 1024> buffer;
  for (;;) {
    auto done = co_await socket.async_read_some(asio::buffer(buffer), kToken);
    const auto& [error, count] = done;
    if (error) co_return;
  }
}

}  // namespace

std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}

Loop::Loop()
    : tasks_(io_.get_executor(), [](std::string_view task, const std::string& what) {
        ADD_FAILURE() << task << " threw: " << what;
      }) {}

Loop::~Loop() {
  tasks_.cancel();
  EXPECT_TRUE(until([this] { return tasks_.size() == 0; })) << "tasks do not honour cancellation";
  io_.restart();
  io_.poll();
}

bool Loop::until(const std::function<bool()>& condition) {
  const auto give_up = steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (steady_clock::now() > give_up) return false;
    if (io_.stopped()) io_.restart();
    io_.run_one_for(milliseconds(20));
  }
  return true;
}

Task<bool> read_request(tcp::socket& socket, std::string& request) {
  std::string bytes;
  auto done =
      co_await asio::async_read_until(socket, asio::dynamic_buffer(bytes, 1 << 20), "\r\n\r\n", kToken);
  const auto& [error, count] = done;
  if (!error) request = std::move(bytes);
  co_return !error;
}

Task<void> answer(std::shared_ptr<Script> script, tcp::socket socket) {
  for (;;) {
    auto asked = co_await read_request(socket, script->request);
    if (!asked) co_return;
    ++script->requests;
    auto sent = co_await send(socket, script->reply, script->sent);
    if (!sent) co_return;
  }
}

Task<void> answer_and_close(std::shared_ptr<Script> script, tcp::socket socket) {
  auto asked = co_await read_request(socket, script->request);
  if (!asked) co_return;
  ++script->requests;
  co_await send(socket, script->reply, script->sent);
}

Task<void> answer_and_reset(std::shared_ptr<Script> script, tcp::socket socket) {
  auto asked = co_await read_request(socket, script->request);
  if (!asked) co_return;
  ++script->requests;
  co_await send(socket, script->reply, script->sent);
  socket.set_option(tcp::socket::linger(true, 0));
  socket.close();  // the destructor would undo the option
}

Task<void> greet(std::shared_ptr<Script> script, tcp::socket socket) {
  auto sent = co_await send(socket, script->reply, script->sent);
  if (sent) co_await wait_for_end(socket);
}

Task<void> stay_mute(std::shared_ptr<Script>, tcp::socket socket) {
  co_await wait_for_end(socket);
}

Task<void> never_read(std::shared_ptr<Script>, tcp::socket socket) {
  co_await socket.async_wait(tcp::socket::wait_error, kToken);
}

Task<void> trickle(std::shared_ptr<Script> script, tcp::socket socket) {
  auto asked = co_await read_request(socket, script->request);
  if (!asked) co_return;
  for (const char c : script->reply) {
    auto sent = co_await send(socket, std::string_view(&c, 1), script->sent);
    if (!sent) co_return;
    auto slept = co_await async::sleep_until(in(milliseconds(10)));
    if (!slept) co_return;
  }
  co_await wait_for_end(socket);
}

Task<void> flood(std::shared_ptr<Script> script, tcp::socket socket) {
  auto asked = co_await read_request(socket, script->request);
  if (!asked) co_return;
  auto open = co_await send(socket, script->reply, script->sent);
  std::string block;
  while (block.size() < 4096) block += script->endless;
  while (open) open = co_await send(socket, block, script->sent);
}

struct Server::Listening {
  Listening(const asio::any_io_executor& executor, const tcp::endpoint& at) : acceptor(executor, at) {}
  tcp::acceptor acceptor;
};

Server::Server(Loop& loop, Play play, const std::string& ip, std::uint16_t port)
    : listening_(
          std::make_shared<Listening>(loop.executor(), tcp::endpoint(asio::ip::make_address(ip), port))) {
  loop.spawn(accept(listening_, script_, play, &loop));
}

Server::~Server() {
  listening_->acceptor.close();
}

HostPort Server::address() const {
  const auto at = listening_->acceptor.local_endpoint();
  return HostPort(at.address().to_string(), at.port());
}

namespace {

Task<void> perform(std::shared_ptr<Script> script, Play play, tcp::socket socket) {
  co_await play(script, std::move(socket));
  ++script->ended;
}

}  // namespace

Task<void> Server::accept(std::shared_ptr<Listening> listening, std::shared_ptr<Script> script, Play play,
                          Loop* loop) {
  for (;;) {
    auto accepted = co_await listening->acceptor.async_accept(kToken);
    auto& [error, socket] = accepted;
    if (error) co_return;
    ++script->connections;
    loop->spawn(perform(script, play, std::move(socket)));
  }
}

BlackHole::BlackHole(Loop& loop, const std::string& ip) : acceptor_(loop.executor()) {
  acceptor_.open(tcp::v4());
  acceptor_.bind(tcp::endpoint(asio::ip::make_address(ip), 0));
  acceptor_.listen(0);
  // A backlog of 0 queues one connection; the others' SYNs go nowhere.
  for (int i = 0; i < 4; ++i) {
    auto& socket = fill_.emplace_back(loop.executor());
    socket.async_connect(acceptor_.local_endpoint(), [](error_code) {});
  }
}

HostPort BlackHole::address() const {
  const auto at = acceptor_.local_endpoint();
  return HostPort(at.address().to_string(), at.port());
}

}  // namespace qw::net::test
