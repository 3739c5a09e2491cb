#include "daemon/export/shared_builds.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

namespace qw::exporting {
namespace {

/// Pages that may be in the hands of slow readers before they are shared.
constexpr std::size_t kMaxAlive = 8;
constexpr auto kSharedFor = std::chrono::seconds(1);

}  // namespace

struct SharedBuilds::Build {
  Build(const asio::any_io_executor& executor, std::uint64_t number_, std::uint64_t generation_)
      : number(number_), generation(generation_), ended(executor, asio::steady_timer::time_point::max()) {}
  std::uint64_t number;
  std::uint64_t generation;
  std::string page;  // the worker's until it has ended
  Body body;
  std::exception_ptr thrown;
  asio::steady_timer ended;  // cancelled when it has
};

Task<SharedBuilds::Body> SharedBuilds::get(unsigned key, std::uint64_t generation,
                                           std::function<Plan()> plan) {
  auto& slot = slots_[key];
  if (auto body = newest_if_too_many(slot)) co_return body;
  // The first build that will show what there is to see now.
  const bool running_will_do = slot.running && slot.running->generation == generation;
  const auto wanted = running_will_do ? slot.running->number : slot.builds + 1;
  while (slot.running) {
    const auto running = slot.running;
    co_await running->ended.async_wait(asio::as_tuple(asio::use_awaitable));
    if (running->number < wanted) continue;
    if (running->thrown) std::rethrow_exception(running->thrown);
    if (running->body) co_return running->body;
    // We were cancelled before it ended.
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  auto body = co_await build(slot, plan());
  co_return body;
}

SharedBuilds::Body SharedBuilds::newest_if_too_many(const Slot& slot) {
  std::erase_if(alive_, [](const auto& page) { return page.expired(); });
  if (alive_.size() < kMaxAlive || SystemClock().steady() - slot.newest_at > kSharedFor) return nullptr;
  return slot.newest.lock();
}

Task<SharedBuilds::Body> SharedBuilds::build(Slot& slot, Plan plan) {
  auto executor = co_await asio::this_coro::executor;
  auto running = std::make_shared<Build>(executor, ++slot.builds, plan.generation);
  slot.running = running;
  try {
    co_await pool_.run([running, job = std::move(plan.job)] { running->page = job(); });
    running->body = std::make_shared<const std::string>(std::move(running->page));
    alive_.push_back(running->body);
    slot.newest = running->body;
    slot.newest_at = SystemClock().steady();
  } catch (...) {
    running->thrown = std::current_exception();
  }
  slot.running = nullptr;
  running->ended.cancel();
  if (running->thrown) std::rethrow_exception(running->thrown);
  co_return running->body;
}

}  // namespace qw::exporting
