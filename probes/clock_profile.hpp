#pragma once
#include <string>

#include "config/fields.hpp"

namespace qw::probes {

/// The key `clock_profile` of every kind whose members show their clocks: by which limits they are judged
/// (probes/signals/clock_profiles.hpp). `profile` has the default.
void clock_profile_field(config::Fields& fields, std::string& profile);

}  // namespace qw::probes
