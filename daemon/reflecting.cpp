#include "daemon/reflecting.hpp"

#include "probes/network/clock_bound.hpp"

namespace qw {
namespace {

Result<net::Endpoint> endpoint_of(const std::string& place) {
  boost::system::error_code error;
  // An IPv6 address alone needs no brackets here.
  const auto alone = asio::ip::make_address(place, error);
  if (!error) return net::Endpoint(alone, wire::kStampPort);
  const auto parsed = net::HostPort::parse(place, wire::kStampPort);
  if (!parsed) return std::unexpected(parsed.error());
  const auto address = asio::ip::make_address(parsed->host, error);
  if (error) return fail(ErrorKind::config, place + ": not an IP address");
  return net::Endpoint(address, parsed->port);
}

}  // namespace

Result<std::unique_ptr<probes::Reflector>> open_reflector(asio::any_io_executor executor,
                                                          const config::ReflectorOptions& options) {
  if (options.listen.empty()) return nullptr;
  probes::ReflectorOptions how;
  for (const auto& place : options.listen) {
    auto endpoint = endpoint_of(place);
    if (!endpoint) return std::unexpected(endpoint.error());
    how.listen.push_back(*endpoint);
  }
  how.packets_per_second = static_cast<double>(options.packets_per_second);
  how.packets_per_second_and_source = static_cast<double>(options.packets_per_second_and_source);
  return probes::Reflector::open(std::move(executor), how, probes::own_clock_bound);
}

exporting::Reflections reflections_of(const probes::Reflector::Stats& stats) {
  exporting::Reflections out{.reflected = stats.reflected, .refused = {}, .sessions = stats.sessions};
  for (std::size_t i = 0; i < stats.refused.size(); ++i) {
    out.refused.emplace_back(probes::name(static_cast<probes::Refusal>(i)), stats.refused[i]);
  }
  return out;
}

}  // namespace qw
