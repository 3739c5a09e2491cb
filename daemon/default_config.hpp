#pragma once
#include <string_view>

#include "config/config.hpp"

namespace qw {

/// What the daemon watches when nobody gave it a file: its own host. As text, since that is what a user would
/// begin with.
std::string_view default_config_text();

/// The same, read. It has no file name.
config::Config default_config();

}  // namespace qw
