#include "tests/unit/systems/scripted_http.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "daemon/base/text.hpp"

namespace qw::testing {
namespace {

using asio::ip::tcp;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);

std::string header_of(std::string_view head, std::string_view name) {
  for (const auto line : split(head, '\n')) {
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
    return std::string(trim(line.substr(name.size() + 1)));
  }
  return {};
}

/// "GET /path HTTP/1.1" without the version.
std::string line_of(std::string_view head) {
  const auto line = head.substr(0, head.find('\r'));
  return std::string(line.substr(0, line.rfind(' ')));
}

}  // namespace

ScriptedHttp::ScriptedHttp(asio::io_context& io, Script script)
    : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      script_(std::move(script)),
      tasks_(io.get_executor(), [](std::string_view, const std::string& what) {
        ADD_FAILURE() << "scripted server: " << what;
      }) {
  tasks_.spawn("accept", accept());
}

ScriptedHttp::~ScriptedHttp() = default;

std::string ScriptedHttp::address() const {
  return fmt::format("127.0.0.1:{}", acceptor_.local_endpoint().port());
}

std::size_t ScriptedHttp::count(std::string_view line) const {
  return static_cast<std::size_t>(std::ranges::count(requests_, line, &ScriptedRequest::line));
}

Task<void> ScriptedHttp::stop() {
  tasks_.cancel();
  co_await tasks_.join();
}

Task<void> ScriptedHttp::accept() {
  for (;;) {
    auto accepted = co_await acceptor_.async_accept(kQuiet);
    auto& [error, socket] = accepted;
    if (error) co_return;
    tasks_.spawn("serve", serve(std::move(socket)));
  }
}

Task<void> ScriptedHttp::serve(tcp::socket socket) {
  std::string buffer;
  for (;;) {
    auto head_read =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(buffer), "\r\n\r\n", kQuiet);
    const auto& [head_error, head_size] = head_read;
    if (head_error) co_return;
    const std::string head = buffer.substr(0, head_size);
    buffer.erase(0, head_size);
    const auto length = parse_uint64(header_of(head, "Content-Length")).value_or(0);
    if (buffer.size() < length) {
      auto body_read = co_await asio::async_read(socket, asio::dynamic_buffer(buffer),
                                                 asio::transfer_exactly(length - buffer.size()), kQuiet);
      const auto& [body_error, body_size] = body_read;
      if (body_error) co_return;
    }
    ScriptedRequest request{.line = line_of(head),
                            .authorization = header_of(head, "Authorization"),
                            .body = buffer.substr(0, length)};
    buffer.erase(0, length);
    requests_.push_back(request);

    const ScriptedReply reply = script_(request);
    const auto pause = reply.hangs ? Nanoseconds(std::chrono::hours(1)) : reply.delay;
    auto slept = co_await async::sleep_until(SteadyTime(std::chrono::steady_clock::now()) + pause);
    if (!slept) co_return;
    std::string text =
        fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\n{}\r\n", reply.status, reply.body.size(),
                    reply.date.empty() ? "" : "Date: " + reply.date + "\r\n");
    text += reply.body.substr(0, reply.cut_in_half ? reply.body.size() / 2 : reply.body.size());
    auto written = co_await asio::async_write(socket, asio::buffer(text), kQuiet);
    const auto& [write_error, write_size] = written;
    if (write_error || reply.cut_in_half) co_return;
  }
}

}  // namespace qw::testing
