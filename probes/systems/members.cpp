#include "probes/members.hpp"

#include <fmt/format.h>

#include "daemon/base/text.hpp"

namespace qw::probes {
namespace {

constexpr std::size_t kMaxMembers = 64;

}  // namespace

config::AddressRule address_rule(std::uint16_t default_port, bool required) {
  return {.required = required, .canonical = [default_port](const std::string& text) -> Result<std::string> {
            const auto address = net::HostPort::parse(text, default_port);
            if (!address) return std::unexpected(address.error());
            return address->print();
          }};
}

std::vector<net::HostPort> read_members(config::Fields& fields, const MemberKey& key,
                                        const std::vector<std::string>& texts,
                                        std::set<net::HostPort>& seen) {
  std::vector<net::HostPort> members;
  for (const std::string& text : texts) {
    auto member = net::HostPort::parse(text, key.default_port);
    if (!member) {
      fields.check(key.key, false, fmt::format("'{}': {}", sanitize(text), member.error().message()));
      continue;
    }
    const bool is_new = seen.insert(*member).second;
    fields.check(key.key, is_new, fmt::format("{} is there twice", member->print()));
    fields.note_port(member->port);
    if (is_new) members.push_back(std::move(*member));
  }
  fields.check(key.key, texts.size() <= kMaxMembers, fmt::format("has more than {} addresses", kMaxMembers));
  return members;
}

}  // namespace qw::probes
