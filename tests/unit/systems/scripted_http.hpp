#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <vector>

#include "daemon/async/task.hpp"
#include "daemon/net/address.hpp"

namespace qw::testing {

struct ScriptedRequest {
  std::string line;  ///< "POST /v3/maintenance/status"
  std::string authorization;
  std::string body;
};

/// One reply, and what may go wrong with it.
struct ScriptedReply {
  unsigned status = 200;
  std::string body;
  Nanoseconds delay{};       ///< before the first byte
  bool hangs = false;        ///< never answers
  bool cut_in_half = false;  ///< closes in the middle of the body
  std::string date = "Sat, 21 Nov 2026 09:33:59 GMT";
};

/// An HTTP server on a free port that says what the test tells it to; on the loop of the test.
class ScriptedHttp {
 public:
  using Script = std::function<ScriptedReply(const ScriptedRequest&)>;
  ScriptedHttp(asio::io_context& io, Script script);
  ~ScriptedHttp();
  ScriptedHttp(const ScriptedHttp&) = delete;
  ScriptedHttp& operator=(const ScriptedHttp&) = delete;

  std::string address() const;
  /// All requests so far.
  const std::vector<ScriptedRequest>& requests() const { return requests_; }
  std::size_t count(std::string_view line) const;
  void set_script(Script script) { script_ = std::move(script); }
  /// Ends its tasks; before the loop goes.
  Task<void> stop();

 private:
  Task<void> accept();
  Task<void> serve(asio::ip::tcp::socket socket);

  asio::ip::tcp::acceptor acceptor_;
  Script script_;
  std::vector<ScriptedRequest> requests_;
  async::TaskGroup tasks_;
};

}  // namespace qw::testing
