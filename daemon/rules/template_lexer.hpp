#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/rules/template.hpp"

namespace qw::rules {

/// A token of Go's text/template.
struct TemplateToken {
  enum class Kind : std::uint8_t {
    end_of_text,
    text,
    left,   ///< {{
    right,  ///< }}
    space,
    word,      ///< a function's name or a keyword
    field,     ///< .name
    variable,  ///< $name or $
    dot,
    number,
    character,  ///< 'a'
    string,     ///< "..."
    raw_string,
    pipe,
    declare,  ///< :=
    assign,   ///< =
    open,     ///< (
    close,    ///< )
    other,    ///< a character that stands for itself, as ','
  } kind = Kind::end_of_text;
  std::size_t position = 0;
  std::string_view text;
};

/// All tokens of a text, with the blanks that trim markers remove and comments left out. Throws
/// TemplateError.
std::vector<TemplateToken> lex_template(std::string_view text);

}  // namespace qw::rules
