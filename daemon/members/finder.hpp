#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/async/worker.hpp"
#include "daemon/members/file_list.hpp"
#include "daemon/members/name_list.hpp"
#include "daemon/model/round.hpp"

namespace qw::members {

/// One list of addresses of a target.
struct Key {
  explicit Key(const config::AddressSources& sources_)
      : sources(sources_), files(sources_), names(sources_) {}

  config::AddressSources sources;
  FileList files;
  NameList names;
  Look in_files;  ///< of the last look
};

/// A target whose members are found, and what is known of them.
struct Target {
  TargetId id;
  std::function<config::FoundPlan(const config::Found&)> read_with;
  std::vector<Key> keys;
  std::optional<config::Found> found;  ///< what it has now; nothing: nobody has looked yet
  std::vector<std::string> problems;   ///< of the last look: why that may not be all
};
using Targets = std::vector<Target>;

/// The targets of a configuration whose members are found. What `before` knows of the same lists goes over.
Targets targets_of(const config::Config& config, const Targets& before);

/// All that looking takes; it outlives every look.
struct Tools {
  const Clock& clock;
  net::Resolver& resolver;
  async::WorkerPool& pool;
};

/// Looks at all files on a worker, and asks DNS for the names that are due, by `deadline`.
Task<void> look(Tools tools, std::shared_ptr<Targets> targets, SteadyTime deadline);

/// What the last look found, by key: in order, each address once, fixed ones among them.
config::Found sum_up(const Target& target);
/// Why that may not be all, in order, each once.
std::vector<std::string> problems_of(const Target& target);
/// Of all keys.
std::size_t count(const config::Found& found);
std::uint64_t fingerprint(const config::Found& found);

/// The target with these addresses, read again on a worker.
Task<config::FoundPlan> plan_with(async::WorkerPool& pool,
                                  std::function<config::FoundPlan(const config::Found&)> read,
                                  config::Found found);

/// What `quorumwatch check` says of the files, without a network. `notes`: files that are not there yet.
struct Checked {
  std::vector<std::string> problems;
  std::vector<std::string> notes;
};
Checked check_files(const config::Config& config);

}  // namespace qw::members
