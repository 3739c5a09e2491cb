#include "daemon/status/row_list.hpp"

#include <fmt/format.h>

namespace qw::status {

void RowList::finish(Html& html, std::size_t total, std::string_view where) const {
  if (total <= rows_) return;
  html.leaf("p", {{"class", "more"}}, fmt::format("and {} more{}", total - rows_, where));
}

}  // namespace qw::status
