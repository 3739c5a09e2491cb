#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "probes/probe.hpp"
#include "probes/systems/kafka_brokers.hpp"
#include "probes/wire/kafka_quorum.hpp"

namespace qw::probes {

/// The controllers of a KRaft quorum, each asked itself: the one that leads describes the quorum, every other
/// one tells whom it follows, and in which epoch.
class KafkaControllers {
 public:
  KafkaControllers(const KafkaAccess& access, const std::vector<net::HostPort>& members);

  /// Who goes by which id, for one that does not answer just now.
  void inherit(const KafkaControllers& before);
  bool empty() const { return controllers_.empty(); }
  bool include(const Question& question) const;
  /// Claims, positions and memberships of those in question.
  Task<Facts> ask(Question question, SteadyTime deadline);

 private:
  struct Controller {
    Controller(std::string its_name, KafkaConnection its_connection)
        : name(std::move(its_name)), connection(std::move(its_connection)) {}
    std::string name;  ///< as configured
    KafkaConnection connection;
    std::string cluster_id;  ///< as it said itself
  };
  /// What one controller said.
  struct Said;

  Task<Said> ask_one(Controller& controller, bool second_look, SteadyTime deadline);
  Task<Result<void>> ask_cluster(Controller& controller, SteadyTime deadline);
  void learn(std::int32_t id, std::string_view name);
  bool knows(std::int32_t id) const { return names_.contains(id); }
  std::string name_of(std::int32_t id) const;
  void add_facts(const Said& said, Facts& into) const;
  void add_quorum(const Said& said, Facts& into) const;

  const Clock& clock_;
  std::vector<std::unique_ptr<Controller>> controllers_;
  std::map<std::int32_t, std::string> names_;  ///< configured ones, by the id that they go by
};

}  // namespace qw::probes
