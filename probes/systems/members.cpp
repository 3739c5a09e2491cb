#include "probes/members.hpp"

#include <fmt/format.h>

#include "daemon/base/text.hpp"

namespace qw::probes {
namespace {

constexpr std::size_t kMaxMembers = 64;

}  // namespace

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
