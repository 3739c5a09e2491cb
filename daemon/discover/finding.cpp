#include "daemon/discover/finding.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"

namespace qw::discover {

Entry tls_entry(HostFiles& files, const Process& process, const std::string& ca_file,
                const std::string& whose) {
  Entry out{.key = "tls", .is_mapping = true};
  const auto path = absolute(process.folder, ca_file);
  if (path.empty()) {
    out.notes.push_back(
        "It speaks TLS. Who signed its certificate is not in its files: name ca_file, unless this system "
        "trusts them.");
  } else if (is_valid_utf8(path) && files.is_same_here(process, path)) {
    out.notes.push_back(fmt::format(
        "It speaks TLS. These are the authorities that it checks others by ({}); mostly they signed its own "
        "certificate too.",
        whose));
    out.mapping.emplace_back("ca_file", path);
  } else {
    out.notes.push_back(
        fmt::format("It speaks TLS. {} names {}, which can not be read here: name ca_file, unless this "
                    "system trusts them.",
                    whose, path));
  }
  return out;
}

void add_password(const std::string& prefix, const std::string& file, const std::string& who, Finding& to) {
  const auto note = fmt::format(
      "{} for a password: put it into a file (probes/ACCOUNTS.md has an account with the least rights).",
      who);
  to.entries.push_back(
      {.key = prefix + "username", .notes = {note}, .text = "quorumwatch", .is_example = true});
  to.entries.push_back({.key = prefix + "password_file", .text = file, .is_example = true});
}

void add_item(std::vector<Item>& to, Item item) {
  if (std::ranges::none_of(to, [&](const auto& one) { return one.text == item.text; }))
    to.push_back(std::move(item));
}

std::string could_not(const std::string& path, const Error& error) {
  return fmt::format("{} could not be read: {}", path, error.message());
}

std::string program_of(const Process& process) {
  const auto& first = process.args.front();
  return first.substr(first.rfind('/') + 1);
}

std::vector<Finding> find_all(const HostView& view, HostFiles& files) {
  std::vector<Finding> out;
  for (auto* find : {find_etcd, find_redis, find_postgres, find_kafka, find_clocks}) {
    auto found = find(view, files);
    std::ranges::move(found, std::back_inserter(out));
  }
  return out;
}

}  // namespace qw::discover
