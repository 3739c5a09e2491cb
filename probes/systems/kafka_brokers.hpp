#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "probes/systems/kafka_cluster.hpp"
#include "probes/systems/kafka_connection.hpp"

namespace qw::probes {

/// What every connection of a target is made from.
struct KafkaAccess {
  net::Net& net;
  const Clock& clock;
  std::shared_ptr<net::TlsContext> tls;
  std::shared_ptr<const KafkaLogin> login;

  KafkaConnection connect(net::HostPort to) const { return {net, clock, std::move(to), tls, login}; }
};

/// One broker and its connection.
struct KafkaBroker {
  KafkaBroker(KafkaAddress its_address, KafkaConnection its_connection)
      : address(std::move(its_address)), connection(std::move(its_connection)) {}
  const std::string& name() const { return address.name; }

  KafkaAddress address;
  KafkaConnection connection;
  bool announced = true;              ///< the cluster counts it among the living
  bool gone = false;                  ///< nobody misses it: it goes with the round
  bool well = true;                   ///< it answered when it was last asked
  std::uint64_t greeted = 0;          ///< the round in which it last told its groups
  std::optional<Unanswered> trouble;  ///< of this round
};

/// The brokers of a cluster. A broker that does not answer costs the time of one question, and only its own
/// share of the answers.
class KafkaBrokers {
 public:
  explicit KafkaBrokers(KafkaAccess access) : access_(std::move(access)) {}

  /// Takes over who there is. A broker that is not announced any more is kept while the cluster misses it,
  /// and those that go, go when the next round begins.
  void update(const KafkaCluster& cluster);
  void begin_round();
  KafkaBroker* find(std::int32_t id);
  /// "host:port", or "broker 7" where nobody has told its address.
  std::string name_of(std::int32_t id) const;
  std::vector<KafkaBroker*> all();
  /// Those that may be asked now, beginning with another one each round.
  std::vector<KafkaBroker*> well(std::uint64_t round);

  /// Makes sure of the connection; a trouble of the broker where that fails.
  Task<bool> open(KafkaBroker& broker, std::string_view what, SteadyTime deadline);
  /// Asks over an open connection; a trouble of the broker where that fails. `what` names what was not learnt
  /// then.
  Task<bool> converse(KafkaBroker& broker, std::string_view what, std::vector<KafkaRequest> requests,
                      KafkaTake take, SteadyTime deadline);
  /// The broker answered, but not what was asked.
  void refused(KafkaBroker& broker, std::string_view what, Asked asked, const Error& error);

  /// Who did not answer in this round.
  void add_unanswered(Facts& into) const;
  /// Which brokers answer, and whom the cluster misses.
  void add_readings(const KafkaCluster& cluster, Facts& into) const;

 private:
  void fail_broker(KafkaBroker& broker, std::string_view what, SteadyTime sent, const Error& error);

  KafkaAccess access_;
  std::vector<std::unique_ptr<KafkaBroker>> brokers_;
  std::vector<std::int32_t> missed_;
};

}  // namespace qw::probes
