#include "daemon/discover/host_view.hpp"

#include <fmt/format.h>

namespace qw::discover {

std::string describe(const Process& process) {
  std::string out = fmt::format("pid {}", process.pid);
  if (!process.unit.empty()) out += fmt::format(" ({})", process.unit);
  if (process.network.empty())
    out += ", in a network namespace that could not be read";
  else if (!process.own_network)
    out += ", in another network namespace";
  return out;
}

}  // namespace qw::discover
