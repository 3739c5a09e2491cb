#pragma once
#include <string>

#include "config/document.hpp"
#include "config/fields.hpp"
#include "config/reader.hpp"

namespace qw::config {

/// Reads one value of the type that `field` points at; a problem at `path` when it is none.
void read_value(Reading& reading, const Node& node, const std::string& path, const FieldRef& field);

/// "expected a list, got 'x'"
std::string expected(std::string_view what, const Node& got);

}  // namespace qw::config
