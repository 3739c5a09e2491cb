#include "tests/unit/net/dns_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/base/text.hpp"

namespace qw::net::test {
namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr unsigned kA = 1, kAaaa = 28, kSrv = 33;

void append16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xff);
  out += static_cast<char>(value & 0xff);
}

void append_head(std::string& out, unsigned type, std::uint32_t ttl) {
  append16(out, 0xc00c);  // the name of the question
  append16(out, type);
  append16(out, 1);
  append16(out, ttl >> 16);
  append16(out, ttl & 0xffff);
}

void append_service(std::string& out, const HostPort& service, std::uint32_t ttl) {
  append_head(out, kSrv, ttl);
  std::string name;
  for (const auto label : split(service.host, '.')) {
    name += static_cast<char>(label.size());
    name += label;
  }
  append16(out, static_cast<unsigned>(6 + name.size() + 1));
  append16(out, 10);  // priority
  append16(out, 1);   // weight
  append16(out, service.port);
  out += name + '\0';
}

void append_answer(std::string& out, const asio::ip::address& address, std::uint32_t ttl) {
  append_head(out, address.is_v4() ? kA : kAaaa, ttl);
  const auto add = [&out](const auto& bytes) {
    append16(out, static_cast<unsigned>(bytes.size()));
    for (const auto byte : bytes) out += static_cast<char>(byte);
  };
  if (address.is_v4()) {
    add(address.to_v4().to_bytes());
  } else {
    add(address.to_v6().to_bytes());
  }
}

}  // namespace

DnsServer::DnsServer(Loop& loop) : state_(std::make_shared<State>(loop.executor())) {
  loop.spawn(serve(state_));
}

DnsServer::~DnsServer() {
  state_->socket.close();
}

std::string DnsServer::address() const {
  return "127.0.0.1:" + std::to_string(state_->socket.local_endpoint().port());
}

int DnsServer::questions() const {
  int sum = 0;
  for (const auto& [name, count] : state_->questions) sum += count;
  return sum;
}

Task<void> DnsServer::serve(std::shared_ptr<State> state) {
  std::array<char, 1500> buffer;
  for (;;) {
    asio::ip::udp::endpoint from;
    auto received = co_await state->socket.async_receive_from(asio::buffer(buffer), from, kToken);
    const auto& [error, count] = received;
    if (error) co_return;
    const std::string answer = reply(*state, std::string(buffer.data(), count));
    if (!answer.empty()) co_await state->socket.async_send_to(asio::buffer(answer), from, kToken);
  }
}

/// RFC 1035 4.1; empty: say nothing.
std::string DnsServer::reply(State& state, const std::string& query) {
  std::string name;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<std::size_t>(query[at]);
    name += (name.empty() ? "" : ".") + query.substr(at + 1, length);
    at += length + 1;
  }
  const unsigned type = static_cast<unsigned char>(query[at + 2]);
  if (type == kA || type == kSrv) ++state.questions[name];
  if (state.mood == Mood::mute) return {};
  if (state.mood == Mood::garbage) return query.substr(0, 2) + std::string(20, '\xff');
  const std::string question = query.substr(12, at + 5 - 12);
  const auto record = state.records.find(name);
  const unsigned code = state.mood == Mood::servfail ? 2 : record == state.records.end() ? 3 : 0;
  std::string answers;
  unsigned count = 0;
  if (code == 0) {
    for (const auto& text : record->second.addresses) {
      const auto address = asio::ip::make_address(text);
      if (type == kSrv || address.is_v4() != (type == kA)) continue;
      append_answer(answers, address, record->second.ttl);
      ++count;
    }
    for (const auto& service : record->second.services) {
      if (type != kSrv) break;
      append_service(answers, service, record->second.ttl);
      ++count;
    }
  }
  std::string out = query.substr(0, 2);
  append16(out, 0x8180 | code);
  for (const unsigned section : {1U, count, 0U, 0U}) append16(out, section);
  return out + question + answers;
}

}  // namespace qw::net::test
