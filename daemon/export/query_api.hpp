#pragma once
#include <memory>
#include <string_view>

#include "daemon/async/worker.hpp"
#include "daemon/net/http_server.hpp"
#include "daemon/promql/evaluator.hpp"
#include "daemon/store/store.hpp"

namespace qw::exporting {

/// How queries are answered.
struct QuerySettings {
  QuerySettings() = default;
  promql::Options promql;
  /// What every series has besides its own labels: job and instance, as a scrape would add them.
  Labels added;
  Nanoseconds timeout = std::chrono::seconds(30);  ///< a request may ask for less
  /// Points that one query may take out of the store. That is done on the loop, a few nanoseconds each.
  std::size_t max_points = 2'000'000;
  std::size_t max_in_flight = 8;  ///< further queries are refused
};

/// The part of Prometheus' HTTP API that reads: /api/v1/query, query_range, labels, label/NAME/values,
/// series, metadata and status/buildinfo, so that Grafana can use the daemon as a data source. Series are
/// found on the loop, evaluated and printed by workers.
class QueryApi {
 public:
  QueryApi(store::Store& store, async::WorkerPool& pool);
  ~QueryApi();
  void configure(QuerySettings settings);

  static bool knows(std::string_view path);
  /// Of a path that it knows.
  Task<net::ServerReply> answer(net::ServerRequest request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qw::exporting
