#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/async/worker.hpp"
#include "daemon/export/page.hpp"
#include "daemon/export/query_api.hpp"
#include "daemon/export/self_metrics.hpp"
#include "daemon/net/http_server.hpp"
#include "daemon/status/view.hpp"
#include "daemon/store/store.hpp"

namespace qw::exporting {

/// Basic-auth users as exporter-toolkit's web configuration file has them: name and bcrypt hash.
struct BasicAuthUser {
  std::string name;
  std::string bcrypt;
  bool operator==(const BasicAuthUser&) const = default;
};

/// What is served: /metrics, /-/healthy, /-/ready, /-/reload (POST), /api/v1/targets and the queries of
/// QueryApi; the status page at /, its streams at /events, the pages of targets at /target/SYSTEM/NAME.
/// Everything else is 404, other methods 405.
class Site {
 public:
  struct Hooks {
    std::function<bool()> ready;
    /// Reloads the configuration; an error is answered as 500 with its message. Null: /-/reload is 404.
    std::function<Task<Result<void>>()> reload;
    /// Called before each page, to bring gauges up to date.
    std::function<void()> refresh;
    /// What is asked about rules, by path: nothing for a path that is not about them. Null: no path is.
    std::function<std::optional<net::ServerReply>(const net::ServerRequest&)> rules = nullptr;
    /// What the status page shows besides the store. Null: nothing.
    std::function<status::View()> view = nullptr;
    /// Answers /api/v1/journal. Null: it is 404.
    std::function<Task<net::ServerReply>(net::ServerRequest)> journal = nullptr;
  };
  Site(store::Store& store, SelfMetrics& self, async::WorkerPool& pool, Hooks hooks);
  ~Site();
  /// Who looks at the status page has to say again who he is, if that has changed.
  void set_users(std::vector<BasicAuthUser> users);
  void set_queries(QuerySettings settings);

  Task<net::ServerReply> answer(net::ServerRequest request);
  /// Keeps the status page new while somebody looks, until it is cancelled; spawned once.
  Task<void> keep_page_live();
  /// What has just changed should be on it before the second is over.
  void hurry_page();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The last round of every target as JSON: facts, samples and the reason of each failure. Epochs, positions
/// and identifiers are strings, since a double could not carry them.
std::string targets_json(const store::Snapshot& snapshot, WallTime now_wall, SteadyTime now);
/// The same for one round; what `quorumwatch once --output=json` prints.
std::string round_json(const Round& round);

}  // namespace qw::exporting
