#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.hpp"
#include "config/tls.hpp"
#include "daemon/async/task.hpp"
#include "daemon/base/time.hpp"
#include "daemon/model/facts.hpp"
#include "daemon/net/stream.hpp"

/// What a probe is. Adding a system: probes/README.md.
namespace qw::probes {

/// Whom to ask.
struct Question {
  Question() = default;
  explicit Question(std::vector<std::string> members) : only(std::move(members)) {}
  explicit Question(std::vector<OffsetQuestion> asked) : offsets(std::move(asked)) {}
  explicit Question(std::vector<TrainQuestion> asked) : trains(std::move(asked)) {}
  /// Member names as they stand in the facts; empty: all members.
  std::vector<std::string> only;
  /// Where this is not empty, nothing else is asked: the leader of each partition named here is asked for the
  /// offset at an instant, and only `offsets` (and `unanswered`) of the facts are filled.
  std::vector<OffsetQuestion> offsets;
  /// Where this is not empty, nothing else is asked: these packets are sent, and only `round_trips`,
  /// `trains`, `clocks` (and `unanswered`) of the facts are filled.
  std::vector<TrainQuestion> trains;

  bool includes(std::string_view member) const {
    return only.empty() || std::ranges::find(only, member) != only.end();
  }
};

/// Asks one target. It keeps connections, knows the protocol and judges nothing.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Asks every member in question at the same time, each itself, and returns what they said by `deadline`.
  /// Never called twice at a time. A member that can not be asked is a fact (`unanswered`), not an error; an
  /// error means that nobody could be asked for a reason that is ours.
  virtual Task<Result<Facts>> ask(Question question, SteadyTime deadline) = 0;
  /// Called before the first ask() of a probe that takes the place of `before`, of the same kind, because the
  /// target's list of members changed: what that one knows and nobody can ask for again goes over.
  virtual void inherit(Probe& before) { static_cast<void>(before); }
};

/// Which configured system is asked at a TCP port.
using PortSystems = std::map<std::uint16_t, std::string>;

/// When this daemon's own reflector last answered a packet from an address; nothing: never, or there is none.
using LastHeard = std::function<std::optional<SteadyTime>(const asio::ip::address&)>;

/// What every probe may use; all of it outlives the probe.
struct ProbeContext {
  net::Net& net;
  const Clock& clock;
  const PortSystems* port_systems = nullptr;  ///< changes with the configuration; null: not known
  LastHeard last_heard = {};                  ///< empty: not known

  /// What `tls:` of a target asks for; null where it is not there. Errors name the file.
  static Result<std::shared_ptr<net::TlsContext>> tls(const config::TlsOptions& options);
};

using ProbeMaker = std::function<Result<std::unique_ptr<Probe>>(const ProbeContext&)>;

/// A kind of target, one line in registry.cpp.
struct ProbeKind {
  std::string_view system;    ///< the word in the configuration and in the label: "etcd"
  std::string_view summary;   ///< one line
  std::string_view measures;  ///< the three sentences that open its file, printed by `quorumwatch probes`
  std::string_view asks;      ///< protocol and permission needed
  std::string_view cannot_see;
  std::span<const MetricFamily* const> metrics;  ///< families of its own, besides those of the signals
  /// Declares the kind's configuration keys and returns how to make the probe from what was read. Also called
  /// with a describing Fields to print the reference; then the maker is thrown away.
  ProbeMaker (*read)(config::Fields&);
  /// Waits for threads that outlive the kind's probes, at most so long; whether they have ended. They must
  /// not run while static objects go. Null: it has none.
  bool (*threads_ended)(Nanoseconds patience) = nullptr;
};

/// All kinds, in alphabetical order (registry.cpp).
std::span<const ProbeKind* const> probe_kinds();

}  // namespace qw::probes
