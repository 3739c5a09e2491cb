#pragma once
#include "daemon/base/http_date.hpp"

namespace qw::wire {
using qw::parse_http_date;
}  // namespace qw::wire
