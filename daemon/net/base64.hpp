#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace qw::net {

/// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);
/// Nothing unless `text` is base64 from end to end, padding included.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace qw::net
