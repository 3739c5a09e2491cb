#pragma once
#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>

#include "probes/systems/postgres_connection.hpp"

/// From libpq's results to plain values.
namespace qw::probes {

struct PostgresResultFreer {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresResult = std::unique_ptr<PGresult, PostgresResultFreer>;

/// One field of an error (PG_DIAG_...); empty where it has none.
std::string_view postgres_field(const PGresult* result, int which);

/// At most a thousand rows.
Result<PostgresTable> read_postgres_table(const PGresult* result);

/// Takes the results of a pipeline in: one synchronization point before the first statement, and one after
/// each.
class PostgresCollector {
 public:
  /// All of them outlive the collector.
  PostgresCollector(PostgresExchange& into, std::size_t wanted, const Secret& secret)
      : into_(into), wanted_(wanted), secret_(secret) {}

  bool complete() const { return points_ == wanted_ + 1; }
  /// What is taken from now on was here by then.
  void note_time(SteadyTime steady, WallTime wall) {
    steady_ = steady;
    wall_ = wall;
  }
  /// `lost`: the connection has ended. An error means that nothing more is to be expected.
  Result<void> take(const PGresult* result, bool lost);

 private:
  void add(Result<PostgresTable> table) { into_.answers.push_back({std::move(table), steady_, wall_}); }
  Result<void> ended(const PGresult* result) const;

  PostgresExchange& into_;
  std::size_t wanted_;
  std::size_t points_ = 0;
  const Secret& secret_;
  SteadyTime steady_;
  WallTime wall_;
};

}  // namespace qw::probes
