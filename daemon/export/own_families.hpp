#pragma once
#include <prometheus/metric_family.h>

#include <string>
#include <string_view>

#include "daemon/export/page.hpp"

namespace qw::exporting {

/// `text` with backslashes and line breaks escaped, in a label's value quotes too.
void append_escaped(std::string& out, std::string_view text, bool quotes);
/// "counter", "gauge" ... as the format calls it.
std::string_view type_name(prometheus::MetricType type, PageFormat format);
/// The lines of one of the daemon's own families, without its head.
std::string write_own(const prometheus::MetricFamily& family, PageFormat format);

}  // namespace qw::exporting
