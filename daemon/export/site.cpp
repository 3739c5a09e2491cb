#include "daemon/export/site.hpp"

#include <utility>

#include "daemon/export/api_journal.hpp"
#include "daemon/export/auth.hpp"
#include "daemon/export/live_page.hpp"
#include "daemon/export/shared_builds.hpp"
#include "daemon/status/page.hpp"

namespace qw::exporting {
namespace {

using net::ServerReply;
using net::ServerRequest;

enum class Page : std::uint8_t { text, open_metrics, targets };

constexpr std::string_view kTargetPages = "/target/";

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
    case Page::targets:
      break;
  }
  return "application/json";
}

ServerReply asset(std::string_view text, std::string_view type) {
  auto reply = text_reply(200, std::string(text));
  reply.content_type = type;
  // Their addresses change with what is in them.
  return with_header(std::move(reply), "Cache-Control", "private, max-age=31536000, immutable");
}

ServerReply html_reply(LivePage::Body body, bool compressed) {
  ServerReply reply;
  reply.body = std::move(body);
  reply.content_type = "text/html; charset=utf-8";
  reply.headers.emplace_back("Vary", "Accept-Encoding");
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.headers.emplace_back("Content-Security-Policy", status::kPolicy);
  reply.headers.emplace_back("Referrer-Policy", "same-origin");
  if (compressed) reply.headers.emplace_back("Content-Encoding", "gzip");
  return reply;
}

/// "/target/redis/sessions"; the name may hold anything.
std::optional<TargetId> target_of(std::string_view path) {
  if (!path.starts_with(kTargetPages)) return std::nullopt;
  path.remove_prefix(kTargetPages.size());
  const auto slash = path.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return TargetId{.system = std::string(path.substr(0, slash)), .name = std::string(path.substr(slash + 1))};
}

}  // namespace

struct Site::Impl {
  Impl(store::Store& store_, SelfMetrics& self_, async::WorkerPool& pool, Hooks hooks_)
      : store(store_),
        self(self_),
        hooks(std::move(hooks_)),
        auth(pool),
        builds(pool),
        queries(store_, pool),
        live(store_, pool, hooks.view) {}

  Task<ServerReply> page(Page which, const ServerRequest& request);
  Task<ServerReply> reload();
  Task<ServerReply> status_page(const ServerRequest& request);
  Task<ServerReply> target_page(const ServerRequest& request, TargetId id);
  Task<ServerReply> events(const ServerRequest& request);
  SharedBuilds::Plan plan(Page which, bool compressed);

  store::Store& store;
  SelfMetrics& self;
  Hooks hooks;
  BasicAuth auth;
  SharedBuilds builds;
  QueryApi queries;
  LivePage live;
  std::vector<BasicAuthUser> users;
};

Site::Site(store::Store& store, SelfMetrics& self, async::WorkerPool& pool, Hooks hooks)
    : impl_(std::make_unique<Impl>(store, self, pool, std::move(hooks))) {}

Site::~Site() = default;

void Site::set_users(std::vector<BasicAuthUser> users) {
  if (users != impl_->users) impl_->live.close_streams();
  impl_->users = users;
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
  if (path == kJournalPath && impl_->hooks.journal && is_get) {
    auto reply = co_await impl_->hooks.journal(std::move(request));
    co_return reply;
  }
  const auto target = target_of(path);
  const bool known = target || path == "/" || path == "/events" || path == "/status.css" ||
                     path == "/status.js" || path == "/status.svg" || path == "/metrics" ||
                     path == "/api/v1/targets" || path == "/-/healthy" || path == "/-/ready";
  if (!known) co_return text_reply(404, "not found\n");
  if (!is_get) co_return method_not_allowed("GET, HEAD");

  if (path == "/-/healthy") co_return text_reply(200, "quorumwatch is healthy\n");
  if (path == "/-/ready") {
    const bool ready = !impl_->hooks.ready || impl_->hooks.ready();
    co_return ready ? text_reply(200, "quorumwatch is ready\n")
                    : text_reply(503, "quorumwatch is not ready\n");
  }
  if (path == "/") co_return co_await impl_->status_page(request);
  if (path == "/events") co_return co_await impl_->events(request);
  if (path == "/status.css") co_return asset(status::style_sheet(), "text/css; charset=utf-8");
  if (path == "/status.js") co_return asset(status::script(), "text/javascript; charset=utf-8");
  if (path == "/status.svg") co_return asset(status::icon(), "image/svg+xml");
  if (target) co_return co_await impl_->target_page(request, *target);
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

Task<ServerReply> Site::Impl::status_page(const ServerRequest& request) {
  const bool compressed = accepts_gzip(request.accept_encoding);
  auto body = co_await live.page(compressed);
  co_return html_reply(std::move(body), compressed);
}

Task<ServerReply> Site::Impl::target_page(const ServerRequest& request, TargetId id) {
  const bool compressed = accepts_gzip(request.accept_encoding);
  auto body = co_await live.target(std::move(id), compressed);
  if (!body) co_return text_reply(404, "there is no such target\n");
  co_return html_reply(std::move(body), compressed);
}

Task<ServerReply> Site::Impl::events(const ServerRequest& request) {
  auto stream = co_await live.open(request.query);
  if (!stream) {
    co_return with_header(text_reply(503, "too many look at the page\n"), "Retry-After", "10");
  }
  ServerReply reply;
  reply.content_type = "text/event-stream";
  reply.headers.emplace_back("Cache-Control", "no-store");
  // Proxies that would wait until they have a whole page must not.
  reply.headers.emplace_back("X-Accel-Buffering", "no");
  reply.stream = std::move(stream);
  co_return reply;
}

Task<void> Site::keep_page_live() {
  co_await impl_->live.run();
}

void Site::hurry_page() {
  impl_->live.hurry();
}

Task<ServerReply> Site::Impl::reload() {
  auto reloaded = co_await hooks.reload();
  if (!reloaded) co_return text_reply(500, "reload failed: " + reloaded.error().message() + "\n");
  co_return text_reply(200, "reloaded\n");
}

}  // namespace qw::exporting
