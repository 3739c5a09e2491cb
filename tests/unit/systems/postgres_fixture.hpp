#pragma once
#include <fmt/format.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "probes/systems/postgres_cluster.hpp"
#include "tests/unit/systems/redis_fixture.hpp"

/// A server that speaks as much of PostgreSQL's protocol as the probe hears, and misbehaves as told; and
/// answers as servers gave them, for what needs no server.
namespace qw::probes {

extern const ProbeKind kPostgres;

inline std::string big_endian(std::uint32_t value, int bytes) {
  std::string out;
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}

/// One message of the protocol, version 3.
inline std::string message(char type, std::string_view body) {
  return type + big_endian(static_cast<std::uint32_t>(body.size()) + 4, 4) + std::string(body);
}

inline std::string fatal(std::string_view state, std::string_view text, std::string_view function) {
  std::string body;
  for (const auto& [key, words] : std::initializer_list<std::pair<char, std::string_view>>{
           {'S', "FATAL"}, {'V', "FATAL"}, {'C', state}, {'M', text}, {'R', function}}) {
    body += key + std::string(words) + '\0';
  }
  return message('E', body + '\0');
}

inline std::string ready() {
  return message('Z', "I");
}

inline std::string greeting() {
  using namespace std::string_literals;
  return message('R', big_endian(0, 4)) + message('S', "server_version\00015.4\0"s) + ready();
}

inline std::string data_row(const PostgresRow& row) {
  std::string body = big_endian(static_cast<std::uint32_t>(row.size()), 2);
  for (const auto& cell : row) {
    body +=
        cell ? big_endian(static_cast<std::uint32_t>(cell->size()), 4) + *cell : big_endian(UINT32_MAX, 4);
  }
  return message('D', body);
}

/// The answer to one statement, with the point of synchronization after it.
inline std::string answer(const PostgresTable& table) {
  using namespace std::string_literals;
  const std::size_t columns = table.empty() ? 1 : table.front().size();
  std::string description = big_endian(static_cast<std::uint32_t>(columns), 2);
  for (std::size_t i = 0; i < columns; ++i) {
    description += "c\0"s + big_endian(0, 4) + big_endian(0, 2) + big_endian(25, 4) + big_endian(0xffff, 2) +
                   big_endian(UINT32_MAX, 4) + big_endian(0, 2);
  }
  std::string out = message('1', "") + message('2', "") + message('T', description);
  for (const auto& row : table) out += data_row(row);
  return out + message('C', "SELECT\0"s) + ready();
}

inline std::string asks_for_scram() {
  using namespace std::string_literals;
  return message('R', big_endian(10, 4) + "SCRAM-SHA-256\0\0"s);
}

/// The answer to the message with which a client begins; it ends with the client's nonce.
inline std::string scram_challenge(std::string_view began, std::uint32_t rounds) {
  const auto nonce = began.substr(began.find("r="));
  return message('R',
                 big_endian(11, 4) + fmt::format("{}server,s=c2FsdHNhbHRzYWx0c2FsdA==,i={}", nonce, rounds));
}

struct PostgresScript {
  std::string greets = greeting();
  std::string replies = {};      ///< to all statements of a look; empty: silence
  std::string flood = {};        ///< then repeated until the client goes
  std::size_t looks = SIZE_MAX;  ///< of one connection; then `farewell`, and it is closed
  std::string farewell = {};
  bool drip = false;  ///< the greeting byte by byte, one every 5 ms
  /// Asks for a login by SCRAM with so many rounds of hashing; 0: lets everybody in.
  std::uint32_t hash_rounds = 0;
};

class ScriptedPostgres {
  using tcp = asio::ip::tcp;
  /// Shared with the tasks, which end only after the test.
  struct State {
    PostgresScript script;
    tcp::acceptor acceptor;
    async::TaskGroup& tasks;
    std::size_t connections = 0, sent = 0;
  };
  using StatePtr = std::shared_ptr<State>;

 public:
  ScriptedPostgres(asio::io_context& io, async::TaskGroup& tasks, PostgresScript its)
      : state_(std::make_shared<State>(std::move(its),
                                       tcp::acceptor(io, {asio::ip::make_address("127.0.0.1"), 0}), tasks)) {
    tasks.spawn("accept", accept(state_));
  }
  ~ScriptedPostgres() { stop_listening(); }
  ScriptedPostgres(const ScriptedPostgres&) = delete;
  ScriptedPostgres& operator=(const ScriptedPostgres&) = delete;

  std::string address() const {
    return fmt::format("127.0.0.1:{}", state_->acceptor.local_endpoint().port());
  }
  /// From now on nobody listens.
  void stop_listening() { state_->acceptor.close(); }
  PostgresScript& script() { return state_->script; }
  std::size_t connections() const { return state_->connections; }
  std::size_t sent() const { return state_->sent; }

 private:
  static constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
  static constexpr int kPoints = 6;  // one before the first statement, one after each of five

  static Task<void> accept(StatePtr state) {
    co_await asio::this_coro::throw_if_cancelled(false);
    while (true) {
      auto accepted = co_await state->acceptor.async_accept(kToken);
      auto& [error, socket] = accepted;
      if (error) co_return;
      ++state->connections;
      state->tasks.spawn("serve", serve(state, std::move(socket)));
    }
  }

  static Task<void> serve(StatePtr state, tcp::socket socket) {
    co_await asio::this_coro::throw_if_cancelled(false);
    const PostgresScript& script = state->script;
    std::array<char, 8192> chunk;
    const auto startup = co_await socket.async_read_some(asio::buffer(chunk), kToken);
    if (std::get<0>(startup)) co_return;
    if (script.hash_rounds > 0) {
      const auto asked = co_await say(*state, socket, asks_for_scram(), false);
      if (!asked) co_return;
      const auto began = co_await socket.async_read_some(asio::buffer(chunk), kToken);
      if (std::get<0>(began)) co_return;
      const std::string challenge = scram_challenge({chunk.data(), std::get<1>(began)}, script.hash_rounds);
      const auto challenged = co_await say(*state, socket, challenge, false);
      if (!challenged) co_return;
      // It hashes now. Nothing that it says after that would be right.
      co_await socket.async_read_some(asio::buffer(chunk), kToken);
      co_return;
    }
    bool going_on = co_await say(*state, socket, script.greets, script.drip);
    std::size_t looked = 0;
    std::string pending;
    while (going_on) {
      const auto got = co_await socket.async_read_some(asio::buffer(chunk), kToken);
      if (std::get<0>(got)) co_return;
      pending.append(chunk.data(), std::get<1>(got));
      if (points_in(pending) < kPoints || script.replies.empty()) continue;
      pending.clear();
      going_on = co_await say(*state, socket, script.replies, false);
      while (going_on && !script.flood.empty()) going_on = co_await say(*state, socket, script.flood, false);
      if (++looked < script.looks) continue;
      going_on = co_await say(*state, socket, script.farewell, false);
      co_return;
    }
  }

  static Task<bool> say(State& state, tcp::socket& socket, const std::string& bytes, bool slowly) {
    const std::size_t at_once = slowly ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += at_once) {
      const auto wrote = co_await asio::async_write(socket, asio::buffer(bytes.data() + at, at_once), kToken);
      if (std::get<0>(wrote)) co_return false;
      state.sent += at_once;
      if (slowly) co_await async::sleep_until(SystemClock().steady() + std::chrono::milliseconds(5));
    }
    co_return true;
  }

  static int points_in(std::string_view bytes) {
    int points = 0;
    for (std::size_t at = 0; at + 5 <= bytes.size();) {
      points += bytes[at] == 'S' ? 1 : 0;
      std::size_t length = 0;
      for (std::size_t i = 1; i < 5; ++i) length = length << 8 | static_cast<unsigned char>(bytes[at + i]);
      at += 1 + length;
    }
    return points;
  }

  StatePtr state_;
};

/// What a primary and its standby answer, as read from two of version 15.
struct PostgresRows {
  PostgresRow role;
  PostgresRow identity{"7710639032056344760", "0", "1"};
  PostgresTable receiver = {}, senders = {}, slots = {};

  std::vector<PostgresTable> tables() const { return {{role}, {identity}, receiver, senders, slots}; }
  std::string bytes() const {
    std::string out = ready();
    for (const auto& table : tables()) out += answer(table);
    return out;
  }
};

inline PostgresRows primary_rows(std::string segment = "000000010000000000000003",
                                 std::string lsn = "0/3000100") {
  return {.role = {"0", std::move(segment), std::move(lsn), std::nullopt, std::nullopt, "1700000000000000",
                   "1700000100000000", "0", "0", std::nullopt, "60000", "1000", "0", "0", "900"}};
}

inline PostgresRows standby_rows(std::string replayed = "0/3000100") {
  return {.role = {"1", std::nullopt, std::nullopt, replayed, replayed, "1700000000000000",
                   "1700000100000000", "0", "0", "0", "60000", "1000", "0", "0", "900"},
          .receiver = {{"streaming", "1", "10.0.0.1", "5432", "10"}}};
}

}  // namespace qw::probes
