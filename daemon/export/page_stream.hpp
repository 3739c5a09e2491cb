#pragma once
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemon/net/http_server.hpp"
#include "daemon/status/page.hpp"

namespace qw::exporting {

/// The sections of a page as they were sent last, and who is told of changes. One piece of text serves all
/// who have seen the same.
class PageHub {
 public:
  using Body = std::shared_ptr<const std::string>;
  class Stream;

  /// Takes the sections of build `number`, which rises; `all`: those too that may wait. True: something is
  /// there to be sent.
  bool take(std::uint64_t number, const std::vector<status::Section>& sections, bool all, WallTime at);
  /// Tells everybody what time it is, so that they know that they are not forgotten.
  void beat(std::uint64_t number, WallTime at);
  /// What has changed since `seen`, as server-sent events; null: nothing.
  Body changes_since(std::uint64_t seen);
  std::uint64_t number() const { return number_; }

  void wake();
  void close_all();
  std::size_t streams() const { return streams_.size(); }

 private:
  struct Sent {
    std::string html;
    std::string event;
    std::uint64_t number = 0;  ///< the build that changed it
  };
  std::vector<Sent> sections_;
  std::uint64_t number_ = 0;
  std::string at_;
  std::map<std::uint64_t, Body> pieces_;  ///< by what was seen
  std::vector<Stream*> streams_;
};

/// One who looks.
class PageHub::Stream final : public net::ServerStream {
 public:
  Stream(std::shared_ptr<PageHub> hub, asio::any_io_executor executor, std::uint64_t seen);
  ~Stream() override;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Task<Body> next() override;
  void close() override;

 private:
  friend class PageHub;
  std::shared_ptr<PageHub> hub_;
  asio::steady_timer wake_;
  std::uint64_t seen_;
  bool begun_ = false;
  bool closed_ = false;
};

}  // namespace qw::exporting
