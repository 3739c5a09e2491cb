#pragma once
#include <memory>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/export/form.hpp"
#include "daemon/export/query_api.hpp"

namespace qw::exporting {

/// A request that is no good: Prometheus' type of error and its words.
struct ApiError {
  ApiError(unsigned status_, std::string type_, std::string message_)
      : status(status_), type(std::move(type_)), message(std::move(message_)) {}
  unsigned status;
  std::string type;
  std::string message;
};
template <class T>
using ApiResult = std::expected<T, ApiError>;

/// /api/v1/query and query_range, read and checked.
struct QueryRequest {
  std::string text;
  promql::ExprPtr expr;
  bool range = false;
  promql::Times times;
  promql::Options options;
  Nanoseconds timeout{};
  std::size_t limit = 0;  ///< of series; 0: none
};
ApiResult<QueryRequest> read_query(const Form& form, bool range, promql::Millis now,
                                   const QuerySettings& settings);

/// labels, label/NAME/values and series.
struct SeriesRequest {
  std::vector<std::vector<store::Matcher>> matchers;  ///< alternatives; none: all series
  promql::Millis start = 0;
  promql::Millis end = 0;
  std::size_t limit = 0;
};
ApiResult<SeriesRequest> read_series_request(const Form& form, bool needs_matchers);

/// "limit"; 0 where it is not given.
ApiResult<std::size_t> read_limit(const Form& form);
/// What an evaluation's error becomes.
ApiError api_error(const Error& error);

}  // namespace qw::exporting
