#pragma once
#include "daemon/net/udp.hpp"
#include "probes/probe.hpp"

namespace qw::probes {

/// Asks one question by UDP, at the first address of the host. As packets get lost, it is asked again when no
/// answer has come in a part of the time; each time from a port of its own, so that a late answer is never
/// taken for that to the later question. `question.to` is filled here. `at` must outlive the task.
Task<Result<net::UdpAnswer>> ask_clock(const ProbeContext& context, const net::HostPort& at,
                                       net::UdpQuestion question, SteadyTime deadline);

/// Nobody can guess it, so nobody who does not see the question can answer it.
std::uint64_t make_nonce();

}  // namespace qw::probes
