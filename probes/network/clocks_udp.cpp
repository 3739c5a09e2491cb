#include "probes/network/clocks_udp.hpp"

#include <random>

namespace qw::probes {
namespace {

constexpr int kTries = 3;

/// What another try may mend: a lost packet, or a stamp that was spoilt on this machine.
bool may_pass(ErrorKind kind) {
  return kind == ErrorKind::timeout || kind == ErrorKind::internal;
}

}  // namespace

Task<Result<net::UdpAnswer>> ask_clock(const ProbeContext& context, const net::HostPort& at,
                                       net::UdpQuestion question, SteadyTime deadline) {
  auto addresses = co_await context.net.resolver().resolve(at.host, deadline);
  if (!addresses) co_return std::unexpected(addresses.error());
  question.to = net::Endpoint(addresses->front(), at.port);
  for (int left = kTries; left > 1; --left) {
    const auto now = context.clock.steady();
    auto answer = co_await net::ask_udp(context.net.executor(), question, now + (deadline - now) / left);
    if (answer || !may_pass(answer.error().kind())) co_return answer;
  }
  auto answer = co_await net::ask_udp(context.net.executor(), std::move(question), deadline);
  co_return answer;
}

std::uint64_t make_nonce() {
  std::random_device random;
  return std::uint64_t{random()} << 32U | random();
}

}  // namespace qw::probes
