#include "daemon/export/site.hpp"

#include <utility>

#include "daemon/export/auth.hpp"
#include "daemon/export/shared_builds.hpp"
#include "daemon/export/status_page.hpp"

namespace qw::exporting {
namespace {

using net::ServerReply;
using net::ServerRequest;

enum class Page : std::uint8_t { text, open_metrics, status, targets };

constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors "
    "'none'";

ServerReply text_reply(unsigned status, std::string text) {
  ServerReply reply;
  reply.status = status;
  reply.body = std::make_shared<const std::string>(std::move(text));
  return reply;
}

ServerReply with_header(ServerReply reply, std::string name, std::string value) {
  reply.headers.emplace_back(std::move(name), std::move(value));
  return reply;
}

ServerReply method_not_allowed(std::string allowed) {
  return with_header(text_reply(405, "method not allowed\n"), "Allow", std::move(allowed));
}

ServerReply refusal(BasicAuth::Verdict verdict) {
  switch (verdict) {
    case BasicAuth::Verdict::too_many:
      return with_header(text_reply(429, "too many failed attempts\n"), "Retry-After", "1");
    case BasicAuth::Verdict::busy:
      return with_header(text_reply(503, "busy\n"), "Retry-After", "1");
    case BasicAuth::Verdict::bad:
    case BasicAuth::Verdict::good:
      break;
  }
  return with_header(text_reply(401, "unauthorized\n"), "WWW-Authenticate", "Basic realm=\"quorumwatch\"");
}

std::string_view type_of(Page page) {
  switch (page) {
    case Page::text:
      return content_type(PageFormat::text);
    case Page::open_metrics:
      return content_type(PageFormat::open_metrics);
    case Page::status:
      return "text/html; charset=utf-8";
    case Page::targets:
      break;
  }
  return "application/json";
}

}  // namespace

struct Site::Impl {
  Impl(store::Store& store_, SelfMetrics& self_, async::WorkerPool& pool, Hooks hooks_)
      : store(store_),
        self(self_),
        hooks(std::move(hooks_)),
        auth(pool),
        builds(pool),
        queries(store_, pool) {}

  Task<ServerReply> page(Page which, const ServerRequest& request);
  Task<ServerReply> reload();
  SharedBuilds::Plan plan(Page which, bool compressed);

  store::Store& store;
  SelfMetrics& self;
  Hooks hooks;
  BasicAuth auth;
  SharedBuilds builds;
  QueryApi queries;
};

Site::Site(store::Store& store, SelfMetrics& self, async::WorkerPool& pool, Hooks hooks)
    : impl_(std::make_unique<Impl>(store, self, pool, std::move(hooks))) {}

Site::~Site() = default;

void Site::set_users(std::vector<BasicAuthUser> users) {
  impl_->auth.set_users(std::move(users));
}

void Site::set_queries(QuerySettings settings) {
  impl_->queries.configure(std::move(settings));
}

Task<ServerReply> Site::answer(ServerRequest request) {
  const auto verdict = co_await impl_->auth.check(request.authorization, request.peer_ip);
  if (verdict != BasicAuth::Verdict::good) co_return refusal(verdict);

  const auto& path = request.path;
  if (path == "/-/reload" && impl_->hooks.reload) {
    if (request.method != "POST") co_return method_not_allowed("POST");
    co_return co_await impl_->reload();
  }
  if (QueryApi::knows(path)) co_return co_await impl_->queries.answer(std::move(request));
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (impl_->hooks.rules && is_get) {
    if (auto reply = impl_->hooks.rules(request)) co_return std::move(*reply);
  }
  const bool known = path == "/" || path == "/metrics" || path == "/api/v1/targets" || path == "/-/healthy" ||
                     path == "/-/ready";
  if (!known) co_return text_reply(404, "not found\n");
  if (!is_get) co_return method_not_allowed("GET, HEAD");

  if (path == "/-/healthy") co_return text_reply(200, "quorumwatch is healthy\n");
  if (path == "/-/ready") {
    const bool ready = !impl_->hooks.ready || impl_->hooks.ready();
    co_return ready ? text_reply(200, "quorumwatch is ready\n")
                    : text_reply(503, "quorumwatch is not ready\n");
  }
  if (path == "/") co_return co_await impl_->page(Page::status, request);
  if (path == "/api/v1/targets") co_return co_await impl_->page(Page::targets, request);
  const auto format = negotiate_format(request.accept);
  co_return co_await impl_->page(format == PageFormat::text ? Page::text : Page::open_metrics, request);
}

Task<ServerReply> Site::Impl::page(Page which, const ServerRequest& request) {
  const bool compressed = accepts_gzip(request.accept_encoding);
  const unsigned key = static_cast<unsigned>(which) * 2 + (compressed ? 1 : 0);
  const auto generation = store.snapshot()->generation;
  std::function<SharedBuilds::Plan()> planned = [this, which, compressed] { return plan(which, compressed); };
  ServerReply reply;
  reply.body = co_await builds.get(key, generation, std::move(planned));
  reply.content_type = type_of(which);
  reply.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  reply.headers.emplace_back("Cache-Control", "no-store");
  if (which == Page::status) reply.headers.emplace_back("Content-Security-Policy", kPolicy);
  if (compressed) reply.headers.emplace_back("Content-Encoding", "gzip");
  co_return reply;
}

/// What the worker needs, taken on the loop.
SharedBuilds::Plan Site::Impl::plan(Page which, bool compressed) {
  if (hooks.refresh) hooks.refresh();
  auto snapshot = store.snapshot();
  const SystemClock clock;
  const auto generation = snapshot->generation;
  auto write = [this, which, snapshot = std::move(snapshot), wall = clock.wall(), now = clock.steady()] {
    switch (which) {
      case Page::status:
        return status_page(*snapshot, wall, now);
      case Page::targets:
        return targets_json(*snapshot, wall, now);
      case Page::text:
        return write_page(*snapshot, self.collect(), PageFormat::text);
      case Page::open_metrics:
        break;
    }
    return write_page(*snapshot, self.collect(), PageFormat::open_metrics);
  };
  if (!compressed) return {generation, std::move(write)};
  return {generation, [write = std::move(write)] { return gzip(write()); }};
}

Task<ServerReply> Site::Impl::reload() {
  auto reloaded = co_await hooks.reload();
  if (!reloaded) co_return text_reply(500, "reload failed: " + reloaded.error().message() + "\n");
  co_return text_reply(200, "reloaded\n");
}

}  // namespace qw::exporting
