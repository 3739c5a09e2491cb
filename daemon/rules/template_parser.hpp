#pragma once
#include <expected>
#include <string_view>

#include "daemon/rules/template.hpp"
#include "daemon/rules/template_tree.hpp"

namespace qw::rules {

inline constexpr std::size_t kMaxTemplate = 64U << 10U;
/// Deeper nesting of blocks or parentheses is refused: the expansion recurses as deep.
inline constexpr int kMaxTemplateDepth = 50;

std::expected<TemplateTree, TemplateError> parse_template(std::string_view text);

}  // namespace qw::rules
