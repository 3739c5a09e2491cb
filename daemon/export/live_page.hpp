#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/async/worker.hpp"
#include "daemon/net/http_server.hpp"
#include "daemon/status/view.hpp"
#include "daemon/store/store.hpp"

namespace qw::exporting {

/// The status page and the streams of those who look at it. It is built on a worker, once for all; while
/// somebody looks, once a second and when something happens (more seldom for more than 25 who look), and each
/// is sent the sections that have changed since the last time. A slow reader gets the newest ones later.
/// Lives on the loop.
class LivePage {
 public:
  using Body = std::shared_ptr<const std::string>;
  /// What the page shows besides the store: called on the loop.
  using Source = std::function<status::View()>;
  static constexpr std::size_t kMostStreams = 256;

  LivePage(store::Store& store, async::WorkerPool& pool, Source source);
  ~LivePage();

  /// Keeps the page new while somebody looks, until it is cancelled; spawned once.
  Task<void> run();
  /// Something has changed that should be told before the second is over.
  void hurry();
  /// As run() does each second.
  Task<void> renew();

  /// The page at "/".
  Task<Body> page(bool compressed);
  /// The page of a target; null: there is none of this name.
  Task<Body> target(TargetId id, bool compressed);
  /// The changes since the page that says `query` ("since=17"); null: there are too many that look.
  Task<std::shared_ptr<net::ServerStream>> open(std::string query);
  /// Ends all streams: who may look has changed.
  void close_streams();
  std::size_t streams() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
