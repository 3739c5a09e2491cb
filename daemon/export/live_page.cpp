#include "daemon/export/live_page.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <unordered_set>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/export/form.hpp"
#include "daemon/export/page.hpp"
#include "daemon/export/page_stream.hpp"
#include "daemon/export/shared_builds.hpp"
#include "daemon/status/page.hpp"
#include "daemon/status/sections.hpp"
#include "daemon/store/track.hpp"

namespace qw::exporting {
namespace {

constexpr Nanoseconds kRenewEvery = std::chrono::seconds(1);
/// In a hurry, but not more often: something may flap.
constexpr Nanoseconds kRenewAfter = std::chrono::milliseconds(400);
/// To tell one who looks takes some 15 us of the loop: however many look, it is about 1 ms each second.
constexpr Nanoseconds kRestForEach = std::chrono::milliseconds(15);
/// What is not urgent is sent this often.
constexpr Nanoseconds kSendAllEvery = std::chrono::seconds(5);
/// Who hears nothing for longer thinks that we are gone (the script: 25 s).
constexpr Nanoseconds kBeatEvery = std::chrono::seconds(10);
constexpr Nanoseconds kTrendLength = std::chrono::minutes(10);
constexpr std::string_view kTrendFamilies[] = {"quorumwatch_replication_lag_seconds",
                                               "quorumwatch_consumer_lag_seconds"};

/// What a worker has built.
struct Built {
  explicit Built(std::uint64_t number_) : number(number_) {}
  const std::uint64_t number;
  std::vector<status::Section> sections;
  std::vector<SeriesPtr> wanted;  ///< whose history the next build should have
  WallTime at;
  std::atomic<bool> done = false;  ///< all of it is the worker's until then
};

std::string join(const Built& built, WallTime wall) {
  auto out = status::page_head("quorumwatch", "/events?since=" + std::to_string(built.number), wall);
  for (const auto& section : built.sections) out += section.html;
  return out + status::page_tail();
}

const Round* find_round(const store::Snapshot& snapshot, const TargetId& id) {
  const auto found = std::ranges::find(
      snapshot.rounds, id, [](const RoundPtr& round) -> const TargetId& { return round->target; });
  return found == snapshot.rounds.end() ? nullptr : found->get();
}

}  // namespace

struct LivePage::Impl {
  Impl(store::Store& store_, async::WorkerPool& pool, Source source_)
      : store(store_), source(std::move(source_)), builds(pool), targets(pool) {
    // Beyond whatever an earlier process has given to pages that are still open somewhere.
    number = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::milliseconds>(clock.wall().time_since_epoch()).count());
  }

  status::View view();
  SharedBuilds::Plan plan(bool compressed);
  SharedBuilds::Plan plan_target(const TargetId& id, bool compressed);
  void release(bool all);
  status::Trends trends();
  void find_tracks();
  Task<bool> wait_until(SteadyTime then);

  SystemClock clock;
  store::Store& store;
  Source source;
  SharedBuilds builds;
  SharedBuilds targets;
  std::uint64_t number;
  std::vector<std::shared_ptr<Built>> builds_begun;  ///< and not yet released
  SteadyTime sent_all, sent;
  std::shared_ptr<PageHub> hub = std::make_shared<PageHub>();
  /// The series that the newest build wanted to draw, as the store has them until its tracks change.
  std::vector<SeriesPtr> wanted;
  std::vector<const store::Track*> tracks;
  std::uint64_t tracks_version = 0;
  /// The number by which `targets` knows a target; given once.
  std::map<TargetId, unsigned> keys;
  bool hurry = false;                  ///< since the last renewal
  asio::steady_timer* wake = nullptr;  ///< of run(), while it may be hurried
};

LivePage::LivePage(store::Store& store, async::WorkerPool& pool, Source source)
    : impl_(std::make_unique<Impl>(store, pool, std::move(source))) {}
LivePage::~LivePage() = default;

status::View LivePage::Impl::view() {
  auto out = source ? source() : status::View();
  out.snapshot = store.snapshot();
  out.trends = trends();
  out.wall = clock.wall();
  out.now = clock.steady();
  return out;
}

void LivePage::Impl::find_tracks() {
  tracks.clear();
  tracks_version = store.tracks_version();
  if (wanted.empty()) return;
  const std::unordered_set<SeriesPtr, SameSeries, SameSeries> all(wanted.begin(), wanted.end());
  for (const auto family : kTrendFamilies) {
    const store::Matcher named{.label = "__name__", .value = std::string(family)};
    for (const auto* track : store.find(std::span(&named, 1))) {
      if (all.contains(track->series())) tracks.push_back(track);
    }
  }
}

status::Trends LivePage::Impl::trends() {
  if (tracks_version != store.tracks_version()) find_tracks();
  status::Trends out;
  const auto now = clock.steady();
  for (const auto* track : tracks) {
    auto& trend = out[track->series()];
    track->visit(now - kTrendLength, now, [&trend](SteadyTime at, double value) {
      if (!store::is_stale_marker(value)) trend.push_back({.at = at, .value = value});
    });
  }
  return out;
}

SharedBuilds::Plan LivePage::Impl::plan(bool compressed) {
  auto built = std::make_shared<Built>(++number);
  builds_begun.push_back(built);
  auto taken = std::make_shared<const status::View>(view());
  const auto generation = taken->snapshot->generation;
  built->at = taken->wall;
  return {generation, [built = std::move(built), taken = std::move(taken), compressed] {
            built->sections = status::sections(*taken);
            built->wanted = status::wanted_trends(*taken->snapshot);
            built->done = true;
            auto page = join(*built, taken->wall);
            return compressed ? gzip(page) : page;
          }};
}

/// Called when a build has ended. The newest one stays listed, as it may be released in part.
void LivePage::Impl::release(bool all) {
  std::shared_ptr<Built> newest;
  for (const auto& built : builds_begun) {
    if (built->done) newest = built;
  }
  if (newest) {
    std::erase_if(builds_begun, [&](const auto& built) { return built->number < newest->number; });
  }
  if (!newest) return;
  const auto now = clock.steady();
  if (newest->wanted != wanted) {
    wanted = newest->wanted;
    find_tracks();
  }
  all = all || now - sent_all >= kSendAllEvery;
  bool tell = hub->take(newest->number, newest->sections, all, newest->at);
  if (all) sent_all = now;
  if (!tell && now - sent >= kBeatEvery) {
    hub->beat(newest->number, newest->at);
    tell = true;
  }
  if (!tell) return;
  sent = now;
  hub->wake();
}

Task<LivePage::Body> LivePage::page(bool compressed) {
  auto& impl = *impl_;
  std::function<SharedBuilds::Plan()> plan = [&impl, compressed] { return impl.plan(compressed); };
  const auto generation = impl.store.snapshot()->generation;
  auto body = co_await impl.builds.get(compressed ? 1 : 0, generation, std::move(plan));
  // What this page shows, the streams must not take for something that they have yet to send.
  impl.release(true);
  co_return body;
}

Task<void> LivePage::renew() {
  auto& impl = *impl_;
  std::function<SharedBuilds::Plan()> plan = [&impl] { return impl.plan(false); };
  const auto generation = impl.store.snapshot()->generation;
  const auto built = co_await impl.builds.get(0, generation, std::move(plan));
  impl.release(false);
}

Task<void> LivePage::run() {
  auto& impl = *impl_;
  while (true) {
    const auto renewed = impl.clock.steady();
    const auto rest = std::max(kRenewAfter, kRestForEach * static_cast<std::int64_t>(impl.hub->streams()));
    const bool rested = co_await async::sleep_until(renewed + rest);
    if (!rested) co_return;
    const bool going_on = co_await impl.wait_until(renewed + std::max(rest, kRenewEvery));
    if (!going_on) co_return;
    impl.hurry = false;
    if (impl.hub->streams() > 0) co_await renew();
  }
}

/// Or until somebody is in a hurry; false when the caller was cancelled.
Task<bool> LivePage::Impl::wait_until(SteadyTime then) {
  if (hurry) co_return true;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, then);
  // Nobody may wake a timer that is gone, however this ends.
  struct Awake {
    asio::steady_timer*& at;
    ~Awake() { at = nullptr; }
  } awake{wake};
  wake = &timer;
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const auto state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() == asio::cancellation_type::none;
}

void LivePage::hurry() {
  impl_->hurry = true;
  if (impl_->wake) impl_->wake->cancel();
}

Task<std::shared_ptr<net::ServerStream>> LivePage::open(std::string query) {
  const auto executor = co_await asio::this_coro::executor;
  if (impl_->hub->streams() >= kMostStreams) co_return nullptr;
  const Form form(query, "");
  const auto seen = parse_uint64(form.get("since")).value_or(0);
  // A page of the future is one of another process.
  co_return std::make_shared<PageHub::Stream>(impl_->hub, executor, seen > impl_->number ? 0 : seen);
}

void LivePage::close_streams() {
  impl_->hub->close_all();
}

std::size_t LivePage::streams() const {
  return impl_->hub->streams();
}

SharedBuilds::Plan LivePage::Impl::plan_target(const TargetId& id, bool compressed) {
  auto taken = std::make_shared<const status::View>(view());
  const auto generation = taken->snapshot->generation;
  return {generation, [taken = std::move(taken), id, compressed] {
            const auto* round = find_round(*taken->snapshot, id);
            if (round == nullptr) return std::string();
            auto page = status::target_page(*taken, *round);
            return compressed ? gzip(page) : page;
          }};
}

Task<LivePage::Body> LivePage::target(TargetId id, bool compressed) {
  auto& impl = *impl_;
  const auto snapshot = impl.store.snapshot();
  if (find_round(*snapshot, id) == nullptr) co_return nullptr;
  const auto known = impl.keys.emplace(id, static_cast<unsigned>(impl.keys.size())).first->second;
  std::function<SharedBuilds::Plan()> plan = [&impl, id, compressed] {
    return impl.plan_target(id, compressed);
  };
  const auto key = known * 2 + (compressed ? 1U : 0U);
  auto body = co_await impl.targets.get(key, snapshot->generation, std::move(plan));
  // It may have gone meanwhile.
  if (body->empty()) co_return nullptr;
  co_return body;
}

}  // namespace qw::exporting
