#include "daemon/members/name_list.hpp"

#include <fmt/format.h>

#include "config/problems.hpp"
#include "daemon/members/sd_file.hpp"
#include "daemon/net/address.hpp"

namespace qw::members {
namespace {

/// HostPort::parse wants a port; this one is no port that anybody would give.
constexpr std::uint16_t kNoPort = 65535;

using Texts = Result<std::vector<std::string>>;

Task<Texts> find_service(net::Resolver& resolver, std::string name, SteadyTime deadline) {
  auto services = co_await resolver.resolve_service(std::move(name), deadline);
  if (!services) co_return std::unexpected(services.error());
  std::vector<std::string> out;
  for (const auto& service : *services) out.push_back(net::HostPort(service.host, service.port).print());
  co_return out;
}

/// Without a port where the name has none, so that the system's own holds.
Task<Texts> find_host(net::Resolver& resolver, std::string text, SteadyTime deadline) {
  auto name = net::HostPort::parse(text, kNoPort);
  if (!name) co_return std::unexpected(name.error());
  const bool bare = name->port == kNoPort && !text.ends_with(fmt::format(":{}", kNoPort));
  auto addresses = co_await resolver.resolve(std::move(name->host), deadline);
  if (!addresses) co_return std::unexpected(addresses.error());
  std::vector<std::string> out;
  for (const auto& address : *addresses) {
    const auto host = address.to_string();
    if (!bare) {
      out.push_back(net::HostPort(host, name->port).print());
    } else {
      out.push_back(address.is_v6() ? fmt::format("[{}]", host) : host);
    }
  }
  co_return out;
}

/// All of them in their canonical form, or the first that is none.
Texts canonical(const config::AddressRule& rule, std::vector<std::string> texts) {
  if (texts.size() > kMaxAddresses)
    return fail(ErrorKind::too_large, fmt::format("has more than {} addresses", kMaxAddresses));
  for (auto& text : texts) {
    text = rule.dns_prefix + text;
    if (!rule.canonical) continue;
    auto good = rule.canonical(text);
    if (!good) return std::unexpected(good.error().within(config::quote(text)));
    text = std::move(*good);
  }
  return texts;
}

}  // namespace

NameList::NameList(const config::AddressSources& sources) : rule_(sources.rule), refresh_(sources.refresh) {
  for (const auto& name : sources.dns) names_.push_back({.text = name, .addresses = {}, .problem = {}});
}

Task<NameList> NameList::look(NameList list, net::Resolver& resolver, SteadyTime now, SteadyTime deadline) {
  std::vector<Task<Texts>> tasks;
  for (const auto& name : list.names_) {
    tasks.push_back(config::names_service(name.text) ? find_service(resolver, name.text, deadline)
                                                     : find_host(resolver, name.text, deadline));
  }
  auto answers = co_await async::all(std::move(tasks));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    auto& name = list.names_[i];
    auto good = answers[i] ? canonical(list.rule_, std::move(*answers[i])) : std::move(answers[i]);
    name.problem = good ? "" : fmt::format("{}: {}", name.text, good.error().message());
    if (good) name.addresses = std::move(*good);
  }
  list.next_ = now + list.refresh_;
  co_return list;
}

Look NameList::found() const {
  Look out;
  for (const auto& name : names_) {
    out.addresses.insert(out.addresses.end(), name.addresses.begin(), name.addresses.end());
    if (!name.problem.empty()) out.problems.push_back(name.problem);
  }
  return out;
}

}  // namespace qw::members
