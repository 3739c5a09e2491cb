#include "probes/clock_profile.hpp"

#include <fmt/format.h>

#include <vector>

#include "probes/signals/clock_profiles.hpp"

namespace qw::probes {

void clock_profile_field(config::Fields& fields, std::string& profile) {
  std::vector<std::string_view> names;
  for (const auto& one : signals::clock_profiles()) names.push_back(one.name);
  fields.optional("clock_profile", config::Choice{&profile, std::move(names)},
                  fmt::format("Whom a wrong clock hurts; a warning and a critical limit each: {}.",
                              signals::describe_clock_profiles()));
}

}  // namespace qw::probes
