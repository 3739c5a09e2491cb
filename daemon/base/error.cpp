#include "daemon/base/error.hpp"

namespace qw {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::timeout:
      return "timeout";
    case ErrorKind::refused:
      return "refused";
    case ErrorKind::unreachable:
      return "unreachable";
    case ErrorKind::protocol:
      return "protocol";
    case ErrorKind::rejected:
      return "rejected";
    case ErrorKind::too_large:
      return "too_large";
    case ErrorKind::canceled:
      return "canceled";
    case ErrorKind::config:
      return "config";
    case ErrorKind::internal:
      return "internal";
  }
  return "internal";
}

}  // namespace qw
