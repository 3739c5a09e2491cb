#include "daemon/journal/event.hpp"

#include <array>
#include <span>

namespace qw::journal {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, kKinds> kKindNames = {
    "daemon",   "target",     "election", "split_brain", "quorum",  "replication",
    "consumer", "round_trip", "clock",    "alert",       "delivery"};
constexpr std::array<std::string_view, 3> kChangeNames = {"began", "ended", "happened"};
constexpr std::array<std::string_view, 3> kSeverityNames = {"info", "warning", "critical"};

template <class Value>
std::optional<Value> find(std::span<const std::string_view> names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Value>(i);
  }
  return std::nullopt;
}

}  // namespace

std::string_view name(Kind kind) {
  return kKindNames.at(static_cast<std::size_t>(kind));
}
std::optional<Kind> kind(std::string_view name) {
  return find<Kind>(kKindNames, name);
}
std::string_view name(Change change) {
  return kChangeNames.at(static_cast<std::size_t>(change));
}
std::optional<Change> change(std::string_view name) {
  return find<Change>(kChangeNames, name);
}
std::string_view name(Severity severity) {
  return kSeverityNames.at(static_cast<std::size_t>(severity));
}
std::optional<Severity> severity(std::string_view name) {
  return find<Severity>(kSeverityNames, name);
}

}  // namespace qw::journal
