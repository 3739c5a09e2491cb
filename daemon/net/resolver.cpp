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

using Addresses = AresChannel::Addresses;
using Services = AresChannel::Services;

/// An answer past its time serves when the new one takes longer than this: a slow server must not slow a
/// probe.
constexpr Nanoseconds kPatience = std::chrono::milliseconds(100);
/// While the servers do not answer, a name that still has an old answer is asked for at most this often.
constexpr Nanoseconds kRetry = std::chrono::seconds(1);
/// Names come from targets too; beyond this many at once they are refused.
constexpr std::size_t kMaxInFlight = 8192;
constexpr std::size_t kMaxName = 254;

/// A name that is being asked for, and who waits for it.
struct Waiting {
  std::list<asio::steady_timer*> timers;
};

template <class Value>
struct LookUp : Waiting {
  std::optional<Result<Value>> result;
};

/// One waiter, with a deadline of its own. Leaves the list however its coroutine ends.
class Waiter {
 public:
  Waiter(const asio::any_io_executor& executor, std::shared_ptr<Waiting> waiting, SteadyTime until)
      : waiting_(std::move(waiting)), timer_(executor, until) {
    at_ = waiting_->timers.insert(waiting_->timers.end(), &timer_);
  }
  ~Waiter() { waiting_->timers.erase(at_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  asio::steady_timer& timer() { return timer_; }

 private:
  std::shared_ptr<Waiting> waiting_;
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

/// All names of one kind of record: what they resolved to, and which are being asked for.
template <class Value>
struct Names {
  AnswerCache<Value> cache;
  std::unordered_map<std::string, std::shared_ptr<LookUp<Value>>> under_way;
};

}  // namespace

struct Resolver::Impl {
  Impl(asio::any_io_executor executor, const Options& options)
      : channel(std::make_unique<AresChannel>(std::move(executor), options.servers, options.try_timeout,
                                              options.tries)) {}

  static Task<Result<Addresses>> resolve_host(std::shared_ptr<Impl> self, std::string host,
                                              SteadyTime deadline);
  static Task<Result<Services>> resolve_service(std::shared_ptr<Impl> self, std::string name,
                                                SteadyTime deadline);
  template <class Value>
  using NamesOf = Names<Value> Impl::*;
  template <class Value>
  static Task<Result<Value>> resolve(std::shared_ptr<Impl> self, NamesOf<Value> kind, std::string name,
                                     SteadyTime deadline);
  template <class Value>
  std::shared_ptr<LookUp<Value>> ask(Names<Value>& names, const std::string& name);
  template <class Value>
  static void finish(Names<Value>& names, const std::string& name, Result<AresChannel::Answer<Value>> answer);

  Names<Addresses> hosts;
  Names<Services> services;
  std::unique_ptr<AresChannel> channel;  // last: its end answers all that is under way
};

Resolver::Resolver(asio::any_io_executor executor, Options options)
    : impl_(std::make_shared<Impl>(std::move(executor), options)) {}

// Waiting coroutines hold the rest, but no question outlives the resolver.
Resolver::~Resolver() {
  impl_->channel.reset();
}

std::size_t Resolver::lookups_in_flight() const {
  return impl_->hosts.under_way.size() + impl_->services.under_way.size();
}

std::optional<Nanoseconds> Resolver::cache_age(SteadyTime now) const {
  return std::max(impl_->hosts.cache.age(now), impl_->services.cache.age(now));
}

Task<Result<Addresses>> Resolver::resolve(std::string host, SteadyTime deadline) {
  return Impl::resolve_host(impl_, std::move(host), deadline);
}

Task<Result<Services>> Resolver::resolve_service(std::string name, SteadyTime deadline) {
  return Impl::resolve_service(impl_, std::move(name), deadline);
}

Task<Result<Addresses>> Resolver::Impl::resolve_host(std::shared_ptr<Impl> self, std::string host,
                                                     SteadyTime deadline) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Addresses(1, literal);
  if (host.empty() || host.size() > kMaxName) co_return fail(ErrorKind::unreachable, "no such host");
  auto addresses = co_await resolve(self, &Impl::hosts, lower(std::move(host)), deadline);
  co_return addresses;
}

Task<Result<Services>> Resolver::Impl::resolve_service(std::shared_ptr<Impl> self, std::string name,
                                                       SteadyTime deadline) {
  if (name.empty() || name.size() > kMaxName) co_return fail(ErrorKind::unreachable, "no such service");
  auto services = co_await resolve(self, &Impl::services, lower(std::move(name)), deadline);
  co_return services;
}

template <class Value>
Task<Result<Value>> Resolver::Impl::resolve(std::shared_ptr<Impl> self, NamesOf<Value> kind, std::string name,
                                            SteadyTime deadline) {
  auto& names = (*self).*kind;
  const SteadyTime start = now();
  const auto known = names.cache.find(name, start);
  if (known && known->fresh) co_return known->value;
  const bool dead = known && known->refresh_failed != SteadyTime();
  if (dead && start < known->refresh_failed + kRetry) co_return known->value;
  const auto look_up = self->ask(names, name);
  if (!look_up->result) {
    if (dead) co_return known->value;
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
  if (known) co_return known->value;
  co_return fail(ErrorKind::timeout, "deadline exceeded while resolving the name");
}

/// Joins the look-up that is under way, or begins one.
template <class Value>
std::shared_ptr<LookUp<Value>> Resolver::Impl::ask(Names<Value>& names, const std::string& name) {
  if (const auto at = names.under_way.find(name); at != names.under_way.end()) return at->second;
  auto look_up = std::make_shared<LookUp<Value>>();
  if (!channel) {
    look_up->result.emplace(fail(ErrorKind::canceled, "canceled"));
    return look_up;
  }
  if (hosts.under_way.size() + services.under_way.size() >= kMaxInFlight) {
    look_up->result.emplace(fail(ErrorKind::internal, "too many names are being resolved"));
    return look_up;
  }
  names.under_way.emplace(name, look_up);
  channel->look_up(name, AresChannel::Done<Value>([&names, name](Result<AresChannel::Answer<Value>> answer) {
                     finish(names, name, std::move(answer));
                   }));
  return look_up;
}

template <class Value>
void Resolver::Impl::finish(Names<Value>& names, const std::string& name,
                            Result<AresChannel::Answer<Value>> answer) {
  const auto at = names.under_way.find(name);
  const auto look_up = std::move(at->second);
  names.under_way.erase(at);
  if (answer) {
    names.cache.put(name, answer->value, answer->ttl, now());
    look_up->result.emplace(std::move(answer->value));
  } else {
    if (answer.error().kind() == ErrorKind::unreachable)
      names.cache.erase(name);
    else
      names.cache.refresh_failed(name, now());
    look_up->result.emplace(std::unexpected(answer.error()));
  }
  for (auto* waiter : look_up->timers) waiter->cancel();
}

}  // namespace qw::net
