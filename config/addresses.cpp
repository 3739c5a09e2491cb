#include "config/addresses.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/fields.hpp"
#include "config/problems.hpp"
#include "daemon/base/duration.hpp"

namespace qw::config {
namespace {

constexpr std::size_t kMostSources = 64;
constexpr std::size_t kLongestName = 253;
constexpr std::array<std::string_view, 3> kEndings{".yml", ".yaml", ".json"};

/// As Prometheus wants it: one '*' in the last part of the path, and an ending that says the format.
bool is_pattern(std::string_view text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos) return false;
  const auto star = text.find('*');
  if (star != std::string_view::npos &&
      (text.find('*', star + 1) != std::string_view::npos || text.find('/', star) != std::string_view::npos))
    return false;
  return std::ranges::find(kEndings, text.substr(dot)) != kEndings.end();
}

bool is_service(std::string_view name) {
  if (name.size() > kLongestName || name.contains("..") || name.ends_with('.')) return false;
  if (!name.contains("._tcp.") && !name.contains("._udp.")) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

Result<std::string> canonical(const AddressRule& rule, const std::string& text) {
  return rule.canonical ? rule.canonical(text) : Result<std::string>(text);
}

void check_names(Fields& fields, const AddressSources& sources) {
  for (const auto& name : sources.dns) {
    if (names_service(name)) {
      fields.check("dns", is_service(name),
                   fmt::format("{}: expected a service such as _etcd-client._tcp.example", quote(name)));
      continue;
    }
    const auto host = canonical(sources.rule, sources.rule.dns_prefix + name);
    fields.check("dns", host.has_value(),
                 host ? "" : fmt::format("{}: {}", quote(name), host.error().message()));
  }
}

}  // namespace

bool AddressSources::same_places(const AddressSources& other) const {
  return key == other.key && files == other.files && dns == other.dns && addresses == other.addresses &&
         refresh == other.refresh;
}

bool names_service(std::string_view name) {
  return name.starts_with('_');
}

void source_fields(Fields& fields, AddressSources& sources) {
  fields.optional(
      "files", &sources.files,
      "Files in the format of Prometheus' `file_sd_configs`, JSON or YAML by their ending (.json, .yml, "
      ".yaml): a list of mappings with `targets`, a list of addresses, and `labels`, which are not used. "
      "The last part of a path may have one `*`. The files are looked at every 5s.");
  fields.optional(
      "dns", &sources.dns,
      "Names that DNS is asked for: a service that begins with `_`, whose SRV records name the members and "
      "their ports, or HOST or HOST:PORT, of which each address is a member (with `tls`, their certificates "
      "must carry the addresses, or `server_name` is set). Of a StatefulSet ask for the service: its names "
      "stay when its pods get other addresses. A headless service of "
      "Kubernetes lists only pods that are ready, unless it says `publishNotReadyAddresses: true`: without "
      "it a member that is unwell would leave the list just then.");
  fields.optional("addresses", &sources.addresses, "Addresses that are there whatever is found.");
  fields.optional("refresh", &sources.refresh,
                  "Time between two questions to DNS for one name, at least 5s; an answer is kept for its "
                  "time to live.");
  for (const auto& pattern : sources.files) {
    fields.check(
        "files", is_pattern(pattern),
        fmt::format("{}: expected a file that ends in .json, .yml or .yaml, with at most one '*', in "
                    "the last part of its path",
                    quote(pattern)));
  }
  check_names(fields, sources);
  for (const auto& address : sources.addresses) {
    const auto good = canonical(sources.rule, address);
    fields.check("addresses", good.has_value(),
                 good ? "" : fmt::format("{}: {}", quote(address), good.error().message()));
  }
  const auto most = std::max(sources.files.size(), sources.dns.size());
  fields.check(sources.files.size() == most ? "files" : "dns", most <= kMostSources,
               fmt::format("has more than {} entries", kMostSources));
  fields.check("refresh", sources.refresh >= kShortestRefresh,
               fmt::format("must be at least {}", format_duration(kShortestRefresh)));
}

}  // namespace qw::config
