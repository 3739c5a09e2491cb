#include "daemon/export/query_api.hpp"

#include <atomic>
#include <optional>
#include <utility>

#include "daemon/export/page.hpp"
#include "daemon/export/query_json.hpp"
#include "daemon/export/query_request.hpp"
#include "daemon/promql/store_source.hpp"

namespace qw::exporting {
namespace {

using net::ServerReply;
using net::ServerRequest;

constexpr std::string_view kPrefix = "/api/v1/";
constexpr std::string_view kLabel = "label/";
constexpr std::string_view kValues = "/values";

/// NAME of "label/NAME/values".
std::optional<std::string_view> label_of(std::string_view rest) {
  if (!rest.starts_with(kLabel) || !rest.ends_with(kValues) || rest.size() < kLabel.size() + kValues.size())
    return std::nullopt;
  return rest.substr(kLabel.size(), rest.size() - kLabel.size() - kValues.size());
}

bool may_be_posted(std::string_view rest) {
  return rest == "query" || rest == "query_range" || rest == "labels" || rest == "series";
}

ServerReply json_reply(unsigned status, std::string body) {
  ServerReply reply;
  reply.status = status;
  reply.content_type = "application/json";
  reply.body = std::make_shared<const std::string>(std::move(body));
  reply.headers.emplace_back("Cache-Control", "no-store");
  return reply;
}

ServerReply error_reply(const ApiError& error) {
  return json_reply(error.status, error_json(error.type, error.message));
}

using FormPtr = std::shared_ptr<const Form>;

/// What a worker makes of what was taken out of the store; it owns all that it needs.
struct Outcome {
  unsigned status = 200;
  std::string body;

  void fail(const ApiError& error) {
    status = error.status;
    body = error_json(error.type, error.message);
  }
};

struct Evaluation {
  Evaluation(QueryRequest request_, promql::Prefetched source_)
      : request(std::move(request_)), source(std::move(source_)) {}
  QueryRequest request;
  promql::Prefetched source;

  void run(Outcome& into) const {
    const auto& times = request.times;
    auto answer = request.range ? evaluate_range(*request.expr, source, times, request.options)
                                : evaluate(*request.expr, source, times.start, request.options);
    if (!answer) return into.fail(api_error(answer.error()));
    into.body = answer_json(*answer, request.text, request.limit);
  }
};

}  // namespace

struct QueryApi::Impl {
  Impl(store::Store& store_, async::WorkerPool& pool_) : store(store_), pool(pool_), index(store_) {}

  Task<ServerReply> query(FormPtr form, bool range, bool compressed);
  Task<ServerReply> find(FormPtr form, std::string rest, bool compressed);
  Task<ServerReply> work(std::function<void(Outcome&)> job, bool compressed);
  Nanoseconds offset() const;

  store::Store& store;
  async::WorkerPool& pool;
  QuerySettings settings;
  promql::StoreIndex index;
  std::size_t in_flight = 0;
};

QueryApi::QueryApi(store::Store& store, async::WorkerPool& pool)
    : impl_(std::make_unique<Impl>(store, pool)) {}
QueryApi::~QueryApi() = default;

void QueryApi::configure(QuerySettings settings) {
  impl_->index.set_added(settings.added);
  impl_->settings = std::move(settings);
}

bool QueryApi::knows(std::string_view path) {
  if (!path.starts_with(kPrefix)) return false;
  const auto rest = path.substr(kPrefix.size());
  return may_be_posted(rest) || rest == "metadata" || rest == "status/buildinfo" || label_of(rest);
}

Task<ServerReply> QueryApi::answer(ServerRequest request) {
  const auto rest = std::string_view(request.path).substr(kPrefix.size());
  const bool post = request.method == "POST" && may_be_posted(rest);
  if (!post && request.method != "GET" && request.method != "HEAD") {
    ServerReply reply = error_reply(ApiError(405, "bad_data", "method not allowed"));
    reply.headers.emplace_back("Allow", may_be_posted(rest) ? "GET, HEAD, POST" : "GET, HEAD");
    co_return reply;
  }
  const auto form =
      std::make_shared<const Form>(request.query, post ? std::string_view(request.body) : std::string_view());
  const bool compressed = accepts_gzip(request.accept_encoding);
  if (rest == "status/buildinfo") co_return json_reply(200, buildinfo_json());
  if (impl_->in_flight >= impl_->settings.max_in_flight)
    co_return error_reply(ApiError(503, "unavailable", "too many queries are being answered"));
  ++impl_->in_flight;
  const std::shared_ptr<void> guard(nullptr, [this](void*) { --impl_->in_flight; });
  if (rest == "query" || rest == "query_range")
    co_return co_await impl_->query(form, rest == "query_range", compressed);
  co_return co_await impl_->find(form, std::string(rest), compressed);
}

/// Wall minus steady time, as it is now: so that "now" of who asks is now here, whatever the clock did
/// before.
Nanoseconds QueryApi::Impl::offset() const {
  const SystemClock clock;
  return clock.wall().time_since_epoch() - clock.steady().time_since_epoch();
}

Task<ServerReply> QueryApi::Impl::query(FormPtr form, bool range, bool compressed) {
  const SystemClock clock;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(clock.wall().time_since_epoch());
  // Regular expressions can take milliseconds to compile, and a text may have many.
  const auto read = std::make_shared<std::optional<ApiResult<QueryRequest>>>();
  std::function<void()> parse = [read, form, range, now = now.count(), settings = settings] {
    *read = read_query(*form, range, now, settings);
  };
  co_await pool.run(std::move(parse));
  auto& request = **read;
  if (!request) co_return error_reply(request.error());
  const auto too_many = ApiError(
      422, "execution", "query processing would load too many samples into memory in query execution");
  const promql::StoreSource source(index, offset(), settings.max_points);
  promql::Prefetched taken(*request->expr, source, request->times, request->options);
  if (source.exceeded()) co_return error_reply(too_many);

  // The worker sees it when nobody waits for the answer any more.
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  const std::shared_ptr<void> guard(nullptr, [abandoned](void*) { abandoned->store(true); });
  const auto deadline = clock.steady() + request->timeout;
  request->options.expired = [abandoned, deadline] {
    return abandoned->load(std::memory_order_relaxed) || SystemClock().steady() >= deadline;
  };
  const auto evaluation = std::make_shared<const Evaluation>(std::move(*request), std::move(taken));
  std::function<void(Outcome&)> job = [evaluation](Outcome& into) { evaluation->run(into); };
  co_return co_await work(std::move(job), compressed);
}

/// labels, label/NAME/values, series and metadata.
Task<ServerReply> QueryApi::Impl::find(FormPtr form, std::string rest, bool compressed) {
  if (rest == "metadata") {
    const auto limit = read_limit(*form);
    if (!limit) co_return error_reply(limit.error());
    std::function<void(Outcome&)> job =
        [snapshot = store.snapshot(), metric = std::string(form->get("metric")),
         limit = *limit](Outcome& into) { into.body = metadata_json(*snapshot, metric, limit); };
    co_return co_await work(std::move(job), compressed);
  }
  const auto read = std::make_shared<std::optional<ApiResult<SeriesRequest>>>();
  std::function<void()> parse = [read, form, whole = rest == "series"] {
    *read = read_series_request(*form, whole);
  };
  co_await pool.run(std::move(parse));
  const auto& request = **read;
  if (!request) co_return error_reply(request.error());
  const promql::StoreSource source(index, offset());
  std::vector<SeriesPtr> found;
  const auto all = std::vector<std::vector<store::Matcher>>(1);
  for (const auto& matchers : request->matchers.empty() ? all : request->matchers) {
    for (auto& series : source.series(matchers, request->start, request->end))
      found.push_back(std::move(series));
  }
  std::function<void(Outcome&)> job =
      [found = std::move(found), added = settings.added, limit = request->limit, all_names = rest == "labels",
       whole = rest == "series", label = std::string(label_of(rest).value_or(""))](Outcome& into) {
        std::set<std::string, std::less<>> names;
        std::set<Labels> series;
        for (const auto& each : found) {
          auto labels = promql::with_name(*each, added);
          if (whole) {
            series.insert(std::move(labels));
            continue;
          }
          for (const auto& [name, value] : labels) {
            if (all_names) names.insert(name);
            if (!all_names && name == label) names.insert(value);
          }
        }
        into.body = whole ? series_json(series, limit) : names_json(names, limit);
      };
  co_return co_await work(std::move(job), compressed);
}

Task<ServerReply> QueryApi::Impl::work(std::function<void(Outcome&)> job, bool compressed) {
  const auto outcome = std::make_shared<Outcome>();
  std::function<void()> run = [outcome, job = std::move(job), compressed] {
    job(*outcome);
    if (compressed) outcome->body = gzip(outcome->body);
  };
  co_await pool.run(std::move(run));
  auto reply = json_reply(outcome->status, std::move(outcome->body));
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  if (compressed) reply.headers.emplace_back("Content-Encoding", "gzip");
  co_return reply;
}

}  // namespace qw::exporting
