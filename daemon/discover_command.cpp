#include "daemon/discover_command.hpp"

#include <fmt/format.h>

#include <ostream>

#include "daemon/discover/finding.hpp"
#include "daemon/discover/host_reader.hpp"
#include "daemon/discover/write.hpp"

namespace qw {

int discover_command(const Flags& flags, std::ostream& out, std::ostream& err) {
  constexpr int kBadUsage = 2;
  const auto view = discover::read_host(flags.root);
  if (view.processes.empty()) {
    err << fmt::format("quorumwatch: no process is to be seen under {}/proc\n",
                       flags.root == "/" ? "" : flags.root);
    return kBadUsage;
  }
  discover::HostFiles files(flags.root);
  out << discover::write(view, discover::find_all(view, files));
  out.flush();
  return out ? 0 : 1;
}

}  // namespace qw
