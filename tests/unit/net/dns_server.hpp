#pragma once
#include <boost/asio/ip/udp.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/net/loopback.hpp"

namespace qw::net::test {

/// A name server on 127.0.0.1 that answers from a table, and counts.
class DnsServer {
 public:
  enum class Mood : std::uint8_t { answer, mute, servfail, garbage };
  struct Record {
    std::vector<std::string> addresses;  ///< IPv4 and IPv6 literals
    std::uint32_t ttl = 60;
    std::vector<HostPort> services = {};  ///< SRV
  };

  explicit DnsServer(Loop& loop);
  ~DnsServer();
  /// "127.0.0.1:port", as Resolver::Options::servers wants it.
  std::string address() const;

  std::map<std::string, Record>& records() { return state_->records; }
  void set_mood(Mood mood) { state_->mood = mood; }
  /// Questions for A or SRV records of this name.
  int questions(const std::string& name) const { return state_->questions[name]; }
  int questions() const;

 private:
  struct State {
    explicit State(const asio::any_io_executor& executor)
        : socket(executor, asio::ip::udp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {}
    asio::ip::udp::socket socket;
    std::map<std::string, Record> records;
    std::map<std::string, int> questions;
    Mood mood = Mood::answer;
  };
  static Task<void> serve(std::shared_ptr<State> state);
  static std::string reply(State& state, const std::string& query);
  std::shared_ptr<State> state_;
};

}  // namespace qw::net::test
