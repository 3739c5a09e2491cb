#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "probes/systems/postgres_facts.hpp"
#include "probes/systems/postgres_links.hpp"
#include "probes/systems/postgres_names.hpp"
#include "probes/wire/postgres_text.hpp"

namespace qw::probes {

/// What a member came to in one look.
struct PostgresOutcome {
  std::string member;
  std::string peer;  ///< the address at which it was reached; empty: it was not
  Asked asked;
  Result<PostgresSaid> said;
  bool ended_in_order = false;  ///< it did not answer because it was told to end
};

/// What the looks at one cluster add up to, and the facts that follow.
class PostgresCluster {
 public:
  explicit PostgresCluster(const std::vector<net::HostPort>& members);

  /// What is known of the past, but of the members that are none here.
  void inherit(const PostgresCluster& before);

  /// The timeline whose history is not known yet and is worth asking this primary for.
  std::optional<std::uint32_t> wants_history(const PostgresSaid& said, SteadyTime now) const;
  void learn_history(const PostgresSaid& said, SteadyTime now,
                     const Result<std::vector<wire::TimelineSwitch>>& history);

  Facts read(const std::vector<PostgresOutcome>& outcomes);

 private:
  using Timeline = std::pair<std::string, std::uint64_t>;  ///< system identifier and timeline
  struct History {
    std::vector<wire::TimelineSwitch> switches;
    std::optional<SteadyTime> failed;
  };
  struct Standby {
    std::uint64_t started = 0;
    std::uint64_t timeline = 0;
  };

  void learn(const std::vector<PostgresOutcome>& outcomes);
  void add_claim(const PostgresSaid& said, Facts& into) const;
  void add_position(const PostgresSaid& said, Facts& into) const;
  void add_senders(const PostgresSaid& said, Facts& into) const;
  void add_readings(const PostgresSaid& said, Facts& into) const;
  std::optional<Fork> fork_of(const PostgresSaid& leader) const;

  std::set<std::string> members_;
  PostgresNames names_;
  PostgresLinks links_;
  std::map<Timeline, History> histories_;
  std::map<std::string, Standby> standbys_;  ///< the timeline that each received last, by member
  std::map<std::string, Timeline> leading_;  ///< of the members that led when they last answered
};

extern const MetricFamily kPostgresReadOnly, kPostgresReplayPaused, kPostgresSynchronous, kPostgresSlotActive,
    kPostgresSlotRetained, kPostgresSlotLost, kPostgresHidden;

}  // namespace qw::probes
