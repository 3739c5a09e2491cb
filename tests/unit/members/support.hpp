#pragma once
#include <any>
#include <array>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/net/address.hpp"

/// A system that has members and nothing else, at most three of them.
namespace qw::members::test {

using Texts = std::vector<std::string>;

inline config::AddressRule toy_rule() {
  return {.canonical = [](const std::string& text) -> Result<std::string> {
    const auto address = net::HostPort::parse(text, 7);
    if (!address) return std::unexpected(address.error());
    return address->print();
  }};
}

inline std::any read_toy(config::Fields& fields) {
  std::string system, name;
  fields.required("system", &system, "");
  fields.required("name", &name, "");
  Texts members;
  fields.addresses("members", &members, toy_rule(), "");
  fields.check("members", members.size() <= 3, "has more than 3 addresses");
  fields.note_port(static_cast<std::uint16_t>(members.size() + 1));
  return members;
}

/// One target, "toy pond", with these members.
inline config::Loaded load(const std::string& members, const std::string& file = "qw.yml") {
  static const std::array<config::Kind, 1> kKinds{
      {{.system = "toy", .summary = "", .read = [](config::Fields& fields) { return read_toy(fields); }}}};
  return config::load_text("targets:\n  - {system: toy, name: pond, members: " + members + "}\n", file,
                           kKinds);
}

inline config::AddressSources sources(const Texts& files, const Texts& dns = {}) {
  config::AddressSources out;
  out.key = "members";
  out.files = files;
  out.dns = dns;
  out.rule = toy_rule();
  return out;
}

}  // namespace qw::members::test
