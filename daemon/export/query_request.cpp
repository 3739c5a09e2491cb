#include "daemon/export/query_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "daemon/base/pattern.hpp"
#include "daemon/base/text.hpp"
#include "daemon/promql/literals.hpp"
#include "daemon/promql/parser.hpp"

namespace qw::exporting {
namespace {

using promql::Millis;

/// Points of one series in the answer to a range query, as in Prometheus.
constexpr Millis kMaxResolution = 11'000;

std::unexpected<ApiError> bad_data(std::string message) {
  return std::unexpected(ApiError(400, "bad_data", std::move(message)));
}

std::unexpected<ApiError> invalid(std::string_view parameter, std::string_view why) {
  return bad_data(fmt::format("invalid parameter \"{}\": {}", parameter, why));
}

ApiResult<Millis> read_time(const Form& form, std::string_view name, std::optional<Millis> standard) {
  const auto text = form.get(name);
  if (text.empty() && standard) return *standard;
  const auto time = parse_api_time(text);
  if (time) return *time;
  const auto what = standard ? fmt::format("invalid time value for '{}': ", name) : std::string();
  return invalid(name, fmt::format("{}cannot parse {} to a valid timestamp", what, promql::quote(text)));
}

ApiResult<Millis> read_duration(const Form& form, std::string_view name) {
  const auto text = form.get(name);
  const auto duration = parse_api_duration(text);
  if (duration) return *duration;
  return invalid(name, fmt::format("cannot parse {} to a valid duration", promql::quote(text)));
}

/// start, end and step.
ApiResult<promql::Times> read_times(const Form& form) {
  const auto start = read_time(form, "start", {});
  if (!start) return std::unexpected(start.error());
  const auto end = read_time(form, "end", {});
  if (!end) return std::unexpected(end.error());
  if (*end < *start) return invalid("end", "end timestamp must not be before start time");
  const auto step = read_duration(form, "step");
  if (!step) return std::unexpected(step.error());
  if (*step <= 0) {
    return invalid("step",
                   "zero or negative query resolution step widths are not accepted. Try a positive integer");
  }
  if ((*end - *start) / *step > kMaxResolution) {
    return bad_data(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
        "(?step=XX)");
  }
  return promql::Times{.start = *start, .end = *end, .step = *step};
}

/// timeout, lookback_delta and limit.
ApiResult<void> read_bounds(const Form& form, QueryRequest& request) {
  if (!form.get("timeout").empty()) {
    const auto timeout = read_duration(form, "timeout");
    if (!timeout) return std::unexpected(timeout.error());
    const auto longest = std::chrono::duration_cast<std::chrono::milliseconds>(request.timeout).count();
    request.timeout = std::chrono::milliseconds(std::clamp<Millis>(*timeout, 0, longest));
  }
  if (!form.get("lookback_delta").empty()) {
    const auto lookback = read_duration(form, "lookback_delta");
    if (!lookback) return std::unexpected(lookback.error());
    if (*lookback > 0) request.options.lookback = *lookback;
  }
  const auto limit = read_limit(form);
  if (!limit) return std::unexpected(limit.error());
  request.limit = *limit;
  return {};
}

/// The store compiles them again on the loop, which takes milliseconds for the worst.
constexpr std::size_t kMaxPatterns = 64;
constexpr std::string_view kTooManyPatterns = "more than 64 regular expressions";

std::size_t patterns_in(std::span<const store::Matcher> matchers) {
  return static_cast<std::size_t>(std::ranges::count_if(matchers, [](const store::Matcher& matcher) {
    return matcher.type == store::MatchType::regex || matcher.type == store::MatchType::not_regex;
  }));
}

/// Of all selectors in the expression.
class PatternCount {
 public:
  void visit(const promql::Expr& expr) {
    std::visit([this](const auto& node) { count(node); }, expr.node);
  }
  std::size_t found() const { return found_; }

 private:
  void count(const promql::Number& /*node*/) {}
  void count(const promql::String& /*node*/) {}
  void count(const promql::VectorSelector& node) { found_ += patterns_in(node.matchers); }
  void count(const promql::MatrixSelector& node) { found_ += patterns_in(node.selector.matchers); }
  void count(const promql::Subquery& node) { visit(*node.expr); }
  void count(const promql::Paren& node) { visit(*node.expr); }
  void count(const promql::Unary& node) { visit(*node.expr); }
  void count(const promql::Binary& node) {
    visit(*node.left);
    visit(*node.right);
  }
  void count(const promql::Aggregate& node) {
    visit(*node.expr);
    if (node.parameter) visit(*node.parameter);
  }
  void count(const promql::Call& node) {
    for (const auto& argument : node.arguments) visit(*argument);
  }

  std::size_t found_ = 0;
};

/// Whether a series without the label would match.
bool matches_nothing(const store::Matcher& matcher) {
  if (matcher.type == store::MatchType::equal) return matcher.value.empty();
  if (matcher.type == store::MatchType::not_equal) return !matcher.value.empty();
  const auto pattern = Pattern::compile(matcher.value);
  return pattern && pattern->matches("") == (matcher.type == store::MatchType::regex);
}

}  // namespace

ApiResult<QueryRequest> read_query(const Form& form, bool range, Millis now, const QuerySettings& settings) {
  QueryRequest request;
  request.range = range;
  request.options = settings.promql;
  request.timeout = settings.timeout;
  if (range) {
    const auto times = read_times(form);
    if (!times) return std::unexpected(times.error());
    request.times = *times;
  } else {
    const auto time = read_time(form, "time", now);
    if (!time) return std::unexpected(time.error());
    request.times = {.start = *time, .end = *time};
  }
  if (const auto bounds = read_bounds(form, request); !bounds) return std::unexpected(bounds.error());
  request.text = form.get("query");
  auto expr = promql::parse(request.text);
  if (!expr) return invalid("query", expr.error().print(request.text));
  PatternCount patterns;
  patterns.visit(**expr);
  if (patterns.found() > kMaxPatterns) return invalid("query", kTooManyPatterns);
  const auto type = (*expr)->type;
  if (range && type != promql::ValueType::scalar && type != promql::ValueType::vector) {
    return invalid("query", fmt::format("invalid expression type \"{}\" for range query, must be Scalar or "
                                        "instant Vector",
                                        name(type)));
  }
  request.expr = std::move(*expr);
  return request;
}

ApiResult<SeriesRequest> read_series_request(const Form& form, bool needs_matchers) {
  SeriesRequest request;
  const auto limit = read_limit(form);
  if (!limit) return std::unexpected(limit.error());
  request.limit = *limit;
  const auto start = read_time(form, "start", std::numeric_limits<Millis>::min());
  if (!start) return std::unexpected(start.error());
  const auto end = read_time(form, "end", std::numeric_limits<Millis>::max());
  if (!end) return std::unexpected(end.error());
  request.start = *start;
  request.end = *end;
  std::size_t patterns = 0;
  for (const auto& text : form.all("match[]")) {
    auto matchers = promql::parse_matchers(text);
    if (!matchers) return invalid("match[]", matchers.error().print(text));
    if (std::ranges::all_of(*matchers, matches_nothing))
      return invalid("match[]", "match[] must contain at least one non-empty matcher");
    patterns += patterns_in(*matchers);
    if (patterns > kMaxPatterns) return invalid("match[]", kTooManyPatterns);
    request.matchers.push_back(std::move(*matchers));
  }
  if (needs_matchers && request.matchers.empty()) return bad_data("no match[] parameter provided");
  return request;
}

ApiResult<std::size_t> read_limit(const Form& form) {
  const auto text = form.get("limit");
  if (text.empty()) return 0;
  const auto limit = parse_uint64(text);
  if (!limit) return invalid("limit", "limit must be non-negative");
  return *limit;
}

ApiError api_error(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::timeout:
      return {503, "timeout", error.message()};
    case ErrorKind::canceled:
      return {503, "canceled", error.message()};
    case ErrorKind::internal:
      return {500, "internal", error.message()};
    default:
      return {422, "execution", error.message()};
  }
}

}  // namespace qw::exporting
