#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/status/view.hpp"

namespace qw::status {

/// The policy that the pages keep: nothing inline, nothing from elsewhere.
inline constexpr std::string_view kPolicy =
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Section {
  std::string id;
  std::string html;  ///< a <div> with this id, whatever is in it
};

/// The page at "/" in its parts, which change at different times. Their order is the page's.
std::vector<Section> sections(const View& view);

/// What comes before and after the sections. `live`: where the script listens for changes.
std::string page_head(std::string_view title, std::string_view live, WallTime now);
std::string page_tail();

/// The page of one target: its last facts and samples, and its timeline. `round` is of the view's snapshot.
std::string target_page(const View& view, const Round& round);

/// What is served at /status.css and /status.js, and what the pages ask for so that no old one is used.
std::string_view style_sheet();
std::string_view script();
/// The same for /status.svg, which browsers put beside the title.
std::string_view icon();
std::string style_sheet_url();
std::string script_url();

}  // namespace qw::status
