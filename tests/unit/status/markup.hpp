#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace qw::status {

/// What a strict reader finds in a page: it knows elements, attributes in double quotes and text, and nothing
/// that browsers forgive.
struct Markup {
  std::vector<std::string> problems;    ///< elements that are not closed, stray '<', an id that comes twice
  std::vector<std::string> tags;        ///< in order of their start
  std::vector<std::string> attributes;  ///< `name="value"`, as written
  std::string text;                     ///< without tags, entities read

  bool has_tag(std::string_view tag) const;
};
Markup read_markup(std::string_view html);

}  // namespace qw::status
