#include "daemon/net/resolver.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <optional>
#include <unordered_map>

#include "daemon/net/ares_channel.hpp"
#include "daemon/net/dns_cache.hpp"

namespace qw::net {
namespace {

using Addresses = DnsCache::Addresses;

/// An answer past its time serves when the new one takes longer than this: a slow server must not slow a
/// probe.
constexpr Nanoseconds kPatience = std::chrono::milliseconds(100);
/// While the servers do not answer, a name that still has an old answer is asked for at most this often.
constexpr Nanoseconds kRetry = std::chrono::seconds(1);
/// Names come from targets too; beyond this many at once they are refused.
constexpr std::size_t kMaxInFlight = 8192;

/// One name that is being asked for, and who waits for it.
struct LookUp {
  std::optional<Result<Addresses>> result;
  std::list<asio::steady_timer*> waiting;
};

/// One waiter, with a deadline of its own. Leaves the list however its coroutine ends.
class Waiter {
 public:
  Waiter(const asio::any_io_executor& executor, std::shared_ptr<LookUp> look_up, SteadyTime until)
      : look_up_(std::move(look_up)), timer_(executor, until) {
    at_ = look_up_->waiting.insert(look_up_->waiting.end(), &timer_);
  }
  ~Waiter() { look_up_->waiting.erase(at_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  asio::steady_timer& timer() { return timer_; }

 private:
  std::shared_ptr<LookUp> look_up_;
  asio::steady_timer timer_;
  std::list<asio::steady_timer*>::iterator at_;
};

/// The key of the cache: names are compared without case (RFC 4343).
std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

SteadyTime now() {
  return std::chrono::steady_clock::now();
}

}  // namespace

struct Resolver::Impl {
  Impl(asio::any_io_executor executor, const Options& options)
      : channel(std::make_unique<AresChannel>(std::move(executor), options.servers, options.try_timeout,
                                              options.tries)) {}

  static Task<Result<Addresses>> resolve(std::shared_ptr<Impl> self, std::string host, SteadyTime deadline);
  std::shared_ptr<LookUp> ask(const std::string& name);
  void finish(const std::string& name, Result<AresChannel::Answer> answer);

  DnsCache cache;
  std::unordered_map<std::string, std::shared_ptr<LookUp>> under_way;
  std::unique_ptr<AresChannel> channel;  // last: its end answers all that is under way
};

Resolver::Resolver(asio::any_io_executor executor, Options options)
    : impl_(std::make_shared<Impl>(std::move(executor), options)) {}

// Waiting coroutines hold the rest, but no question outlives the resolver.
Resolver::~Resolver() {
  impl_->channel.reset();
}

std::size_t Resolver::lookups_in_flight() const {
  return impl_->under_way.size();
}

std::optional<Nanoseconds> Resolver::cache_age(SteadyTime now) const {
  return impl_->cache.age(now);
}

Task<Result<Addresses>> Resolver::resolve(std::string host, SteadyTime deadline) {
  return Impl::resolve(impl_, std::move(host), deadline);
}

Task<Result<Addresses>> Resolver::Impl::resolve(std::shared_ptr<Impl> self, std::string host,
                                                SteadyTime deadline) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Addresses(1, literal);
  if (host.empty() || host.size() > 254) co_return fail(ErrorKind::unreachable, "no such host");
  const std::string name = lower(std::move(host));

  const SteadyTime start = now();
  const auto known = self->cache.find(name, start);
  if (known && known->fresh) co_return known->addresses;
  const bool dead = known && known->refresh_failed != SteadyTime();
  if (dead && start < known->refresh_failed + kRetry) co_return known->addresses;
  const auto look_up = self->ask(name);
  if (!look_up->result) {
    if (dead) co_return known->addresses;
    auto executor = co_await asio::this_coro::executor;
    Waiter waiter(executor, look_up, known ? std::min(deadline, start + kPatience) : deadline);
    auto waited = co_await waiter.timer().async_wait(asio::as_tuple(asio::use_awaitable));
    const auto& [woken] = waited;
    if (!look_up->result && woken) co_return fail(ErrorKind::canceled, "canceled");
  }
  if (look_up->result && (*look_up->result || !known)) co_return *look_up->result;
  // Only the servers' own word that there is no such name ends an old answer early.
  if (look_up->result && look_up->result->error().kind() == ErrorKind::unreachable)
    co_return *look_up->result;
  if (known) co_return known->addresses;
  co_return fail(ErrorKind::timeout, "deadline exceeded while resolving the name");
}

/// Joins the look-up that is under way, or begins one.
std::shared_ptr<LookUp> Resolver::Impl::ask(const std::string& name) {
  if (const auto at = under_way.find(name); at != under_way.end()) return at->second;
  auto look_up = std::make_shared<LookUp>();
  if (!channel) {
    look_up->result.emplace(fail(ErrorKind::canceled, "canceled"));
    return look_up;
  }
  if (under_way.size() >= kMaxInFlight) {
    look_up->result.emplace(fail(ErrorKind::internal, "too many names are being resolved"));
    return look_up;
  }
  under_way.emplace(name, look_up);
  channel->look_up(name,
                   [this, name](Result<AresChannel::Answer> answer) { finish(name, std::move(answer)); });
  return look_up;
}

void Resolver::Impl::finish(const std::string& name, Result<AresChannel::Answer> answer) {
  const auto at = under_way.find(name);
  const auto look_up = std::move(at->second);
  under_way.erase(at);
  if (answer) {
    cache.put(name, answer->addresses, answer->ttl, now());
    look_up->result.emplace(std::move(answer->addresses));
  } else {
    if (answer.error().kind() == ErrorKind::unreachable)
      cache.erase(name);
    else
      cache.refresh_failed(name, now());
    look_up->result.emplace(std::unexpected(answer.error()));
  }
  for (auto* waiter : look_up->waiting) waiter->cancel();
}

}  // namespace qw::net
