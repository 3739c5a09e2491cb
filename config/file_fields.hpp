#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "config/fields.hpp"

/// The keys that the configuration file has whatever the systems: one list for the reader and for the
/// reference.
namespace qw::config {

inline constexpr std::string_view kDefaultsDoc = "What holds for every target that does not say otherwise.";
inline constexpr std::string_view kTargetsDoc =
    "What is watched: a list of mappings, one a target. `[]` watches nothing.";
inline constexpr Nanoseconds kShortestInterval = std::chrono::milliseconds(100);
inline constexpr Nanoseconds kShortestTimeout = std::chrono::milliseconds(1);

struct CommonFields {
  std::string system;
  std::string name;
  std::optional<Nanoseconds> interval;
  std::optional<Nanoseconds> timeout;
  std::string placement = "every_node";
};
inline constexpr std::string_view kOneNode = "one_node";

void defaults_fields(Fields& fields, CommonFields& common);
void target_fields(Fields& fields, CommonFields& common);
/// 1 to 128 of [a-zA-Z0-9_.:-]
bool is_target_name(std::string_view name);

}  // namespace qw::config
