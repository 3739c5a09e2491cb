#include "daemon/base/version.hpp"

namespace qw {

std::string_view version() {
  return QW_VERSION;
}

std::string_view revision() {
  return QW_REVISION;
}

}  // namespace qw
