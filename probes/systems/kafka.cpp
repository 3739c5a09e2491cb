// Measures how far each consumer group is behind in each topic, its state, members and assignment; which
// brokers answer, which partitions lack a leader or a replica; who leads the KRaft quorum, in which epoch,
// how far its voters are behind. Asks one broker for the metadata, and each broker, at the address that it
// advertises, for the groups that it coordinates and the offsets of the partitions that it leads; each
// controller at its own address, whom it follows. Cannot see commits that are kept outside of Kafka, share
// groups, and what happens between two looks. Facts: facts/kafka.md, facts/consumer-lag.md.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "daemon/base/log.hpp"
#include "probes/probe.hpp"
#include "probes/systems/kafka_controllers.hpp"
#include "probes/systems/kafka_ends.hpp"
#include "probes/systems/kafka_groups.hpp"
#include "probes/systems/kafka_options.hpp"

namespace qw::probes {
namespace {

namespace kafka = wire::kafka;

// The parts of the time of a look by whose end its steps must be done. A broker that falls silent costs what
// is left of one step.
constexpr int kGreetPercent = 50;
constexpr int kMetadataPercent = 65;
constexpr int kLatePercent = 75;
constexpr int kGroupsPercent = 88;
/// A controller that is silent leaves half of the time to second looks.
constexpr int kControllersPercent = 50;
constexpr std::string_view kGroupsAndOffsets = "groups and offsets";

std::shared_ptr<const KafkaLogin> login_of(const KafkaOptions& options) {
  auto login = std::make_shared<KafkaLogin>();
  if (!options.sasl.enabled) return login;
  login->mechanism = options.sasl.mechanism;
  login->username = options.sasl.username;
  login->password = options.sasl.password.value;
  login->token_file = options.sasl.token_file.value;
  if (login->mechanism.starts_with("SCRAM-")) login->workers = std::make_shared<async::WorkerPool>(1);
  return login;
}

class Kafka final : public Probe {
 public:
  Kafka(const ProbeContext& context, const KafkaOptions& options, std::shared_ptr<net::TlsContext> tls)
      : clock_(context.clock),
        access_{context.net, context.clock, std::move(tls), login_of(options)},
        traits_(kafka_traits(options)),
        bootstrap_(options.bootstrap_at),
        groups_filter_(kafka_filter(options.groups)),
        cluster_(kafka_filter(options.topics)),
        brokers_(access_),
        controllers_(access_, options.controllers_at) {
    if (options.canary.enabled) canary_ = std::make_unique<KafkaCanary>(kafka_canary(options));
  }

  /// The brokers were learnt from the cluster and not from the list, so the canary may go on as it is.
  void inherit(Probe& before) override {
    auto* const other = dynamic_cast<Kafka*>(&before);
    if (!other) return;
    cluster_ = std::move(other->cluster_);
    controllers_.inherit(other->controllers_);
    canary_ = std::move(other->canary_);
    canary_news_ = other->canary_news_;
    canary_sings_ = other->canary_sings_;
  }

  Task<Result<Facts>> ask(Question question, SteadyTime deadline) override {
    Facts facts;
    facts.traits = traits_;
    if (!question.offsets.empty()) {
      co_await ask_offsets(question, facts, deadline);
      co_return facts;
    }
    const SteadyTime controllers_until =
        question.only.empty() ? part(deadline, kControllersPercent) : deadline;
    std::vector<Task<Facts>> tasks;
    if (controllers_.include(question)) tasks.push_back(controllers_.ask(question, controllers_until));
    if (question.only.empty()) tasks.push_back(ask_brokers(deadline));
    auto found = co_await async::all(std::move(tasks));
    for (auto& some : found) facts.append(std::move(some));
    if (question.only.empty()) add_own_readings(facts);
    co_return facts;
  }

 private:
  SteadyTime part(SteadyTime deadline, int percent) const {
    const SteadyTime now = clock_.steady();
    return now + (deadline - now) / 100 * percent;
  }

  Task<void> ask_offsets(const Question& question, Facts& facts, SteadyTime deadline) {
    brokers_.begin_round();
    KafkaEnds ends(cluster_, brokers_, clock_);
    co_await ends.ask_at(question.offsets, facts, deadline);
    brokers_.add_unanswered(facts);
  }

  /// Brokers that did not answer last time are tried beside all that, so that nobody waits for them.
  Task<Facts> ask_brokers(SteadyTime deadline) {
    cluster_.begin_round();
    brokers_.begin_round();
    const auto all = brokers_.all();
    const bool all_ill = std::ranges::none_of(all, &KafkaBroker::well);
    for (auto* broker : all) broker->well = broker->well || all_ill;
    Facts facts;
    std::vector<Task<bool>> tasks;
    tasks.push_back(ask_well(facts, deadline));
    const SteadyTime ill_until = part(deadline, kGreetPercent);
    for (auto* broker : all) {
      if (!broker->well) tasks.push_back(brokers_.open(*broker, kGroupsAndOffsets, ill_until));
    }
    co_await async::all(std::move(tasks));
    brokers_.add_unanswered(facts);
    if (canary_) {
      // Not in the first look: `check` makes the target and `once` asks a single time, and neither is to
      // write.
      if (!canary_sings_ && cluster_.round() > 1) canary_->start();
      canary_sings_ = canary_sings_ || cluster_.round() > 1;
      tell_of_canary();
    }
    co_return facts;
  }

  /// What we know ourselves, and would know of a cluster that is gone too: it must not pass for an answer
  /// (design.md, truth rule 1). The canary counts on meanwhile.
  void add_own_readings(Facts& facts) {
    // Who tells something has a round trip, but for a bootstrap address and for a broker that has just come
    // back.
    const bool answered = !facts.round_trips.empty() || cluster_.is_fresh() ||
                          std::ranges::any_of(brokers_.all(), &KafkaBroker::well);
    if (!answered) return;
    brokers_.add_readings(cluster_, facts);
    if (!canary_) return;
    for (auto& reading : canary_->readings()) facts.readings.push_back(std::move(reading));
  }

  /// A reading has no words, and without them nobody knows what to mend.
  void tell_of_canary() {
    const auto news = canary_news_.take(canary_->said(), clock_.steady());
    if (!news) return;
    const std::string bootstrap = bootstrap_.empty() ? "" : bootstrap_.front().print();
    if (news->empty()) {
      log::info("the kafka canary produces and consumes again", {{"bootstrap", bootstrap}});
    } else {
      log::warning("the kafka canary can not produce and consume",
                   {{"bootstrap", bootstrap}, {"reason", *news}});
    }
  }

  /// Metadata, groups, commits, then ends: in this order no lag is ever below 0.
  Task<bool> ask_well(Facts& facts, SteadyTime deadline) {
    const SteadyTime metadata_until = part(deadline, kMetadataPercent);
    const SteadyTime late_until = part(deadline, kLatePercent);
    const SteadyTime groups_until = part(deadline, kGroupsPercent);
    KafkaGroups groups(groups_filter_, cluster_, brokers_);
    co_await greet_all(groups, facts, part(deadline, kGreetPercent), true);
    co_await find_metadata(facts, metadata_until);
    // Who was learnt only now, and who has come back.
    co_await greet_all(groups, facts, late_until, false);
    co_await groups.ask(adviser(), groups_until);
    KafkaEnds ends(cluster_, brokers_, clock_);
    const std::size_t moved = co_await ends.ask(adviser(), deadline);
    auto* const other = adviser();
    if (moved > 0 && other) {
      const bool told = co_await ask_metadata(*other, deadline);
      if (told) co_await ends.ask_moved(deadline);
    }
    groups.move_to(facts);
    cluster_.add_logs(facts);
    if (cluster_.is_fresh()) {
      cluster_.add_readings(facts, [this](std::int32_t id) { return brokers_.name_of(id); });
      tell_of_topics();
    }
    co_return true;
  }

  /// Kafka hides what its user may not describe: a cluster without partitions may be well, or a missing
  /// right.
  void tell_of_topics() {
    const bool none = cluster_.has_no_topic();
    if (none && !no_topic_) {
      log::warning("kafka shows no topic: there is none, or the user may describe none",
                   {{"bootstrap", bootstrap_.empty() ? "" : bootstrap_.front().print()}});
    }
    no_topic_ = none;
  }

  /// Any broker that answers and is connected; another one each round.
  KafkaBroker* adviser() {
    for (auto* broker : brokers_.well(cluster_.round())) {
      if (broker->connection.is_open()) return broker;
    }
    return nullptr;
  }

  Task<void> greet_all(KafkaGroups& groups, Facts& facts, SteadyTime deadline, bool first_tells_metadata) {
    std::vector<Task<bool>> tasks;
    bool with_metadata = first_tells_metadata;
    for (auto* broker : brokers_.well(cluster_.round())) {
      if (broker->greeted == cluster_.round()) continue;
      tasks.push_back(greet(*broker, with_metadata, groups, facts, deadline));
      with_metadata = false;
    }
    co_await async::all(std::move(tasks));
  }

  /// The small question first: its answer is the round trip.
  Task<bool> greet(KafkaBroker& broker, bool with_metadata, KafkaGroups& groups, Facts& facts,
                   SteadyTime deadline) {
    broker.greeted = cluster_.round();
    const bool open = co_await brokers_.open(broker, kGroupsAndOffsets, deadline);
    if (!open) co_return false;
    auto& connection = broker.connection;
    enum class Asks : std::uint8_t { round_trip, metadata, groups, controller };
    std::vector<KafkaRequest> requests;
    std::vector<Asks> asks;
    const auto add = [&](Asks what, const auto& request) {
      requests.push_back(connection.prepare(request));
      asks.push_back(what);
    };
    add(Asks::round_trip, kafka::ApiVersionsRequest());
    if (with_metadata) add(Asks::metadata, kafka::MetadataRequest());
    add(Asks::groups, kafka::ListGroupsRequest());
    if (names_controller(connection)) add(Asks::controller, no_topics());
    const KafkaTake take = [&](std::size_t i, const KafkaReply& reply) -> Result<void> {
      switch (asks[i]) {
        case Asks::round_trip:
          return take_round_trip(broker, reply, facts);
        case Asks::metadata:
          return take_metadata(reply);
        case Asks::groups:
          return take_groups(broker, reply, groups);
        case Asks::controller:
          return take_controller(broker, reply, facts);
      }
      return {};
    };
    co_return co_await brokers_.converse(broker, kGroupsAndOffsets, std::move(requests), take, deadline);
  }

  static kafka::MetadataRequest no_topics() {
    kafka::MetadataRequest request;
    request.topics.emplace();
    return request;
  }

  /// Brokers of a ZooKeeper-mode cluster say whom they follow. Those of a KRaft cluster name anybody
  /// (facts/kafka.md, trap 4), and know DescribeQuorum.
  bool names_controller(const KafkaConnection& connection) const {
    return controllers_.empty() && !connection.version(kafka::Api::describe_quorum);
  }

  Result<void> take_round_trip(const KafkaBroker& broker, const KafkaReply& reply, Facts& facts) const {
    facts.round_trips.push_back({.member = broker.name(),
                                 .method = "kafka",
                                 .asked = reply.asked,
                                 .value = reply.asked.received - reply.asked.sent,
                                 .error = std::nullopt});
    return {};
  }

  Result<void> take_groups(KafkaBroker& broker, const KafkaReply& reply, KafkaGroups& groups) {
    const auto read = kafka::ListGroupsReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    if (read->error != kafka::ErrorCode::none) {
      const Error error(ErrorKind::rejected, kafka::describe(read->error));
      brokers_.refused(broker, "list of its groups", reply.asked, error);
    }
    // Some of them may be there while others are still being loaded.
    groups.take_list(broker, *read);
    return {};
  }

  Result<void> take_metadata(const KafkaReply& reply) {
    const auto read = kafka::MetadataReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    cluster_.update(*read);
    brokers_.update(cluster_);
    return {};
  }

  Result<void> take_controller(const KafkaBroker& broker, const KafkaReply& reply, Facts& facts) const {
    const auto read = kafka::MetadataReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    LeadershipClaim claim;
    claim.member = broker.name();
    claim.asked = reply.asked;
    claim.claim = read->controller == broker.address.id ? Claim::leader : Claim::not_leader;
    for (const auto& other : read->brokers) {
      const bool named = other.id == read->controller && other.port > 0 && other.port <= 65535;
      const auto port = static_cast<std::uint16_t>(named ? other.port : 0);
      if (named) claim.follows = net::HostPort{std::string(other.host), port}.print();
    }
    claim.tenure.lineage = read->cluster_id;
    claim.votes = false;
    facts.claims.push_back(std::move(claim));
    return {};
  }

  Task<bool> ask_metadata(KafkaBroker& broker, SteadyTime deadline) {
    std::vector<KafkaRequest> requests;
    requests.push_back(broker.connection.prepare(kafka::MetadataRequest()));
    const KafkaTake take = [this](std::size_t, const KafkaReply& reply) -> Result<void> {
      return take_metadata(reply);
    };
    co_return co_await brokers_.converse(broker, "metadata", std::move(requests), take, deadline);
  }

  /// Where the broker that was asked with the greeting has not told the metadata: the other ones, then the
  /// bootstrap addresses.
  Task<void> find_metadata(Facts& facts, SteadyTime deadline) {
    for (auto* broker : brokers_.well(cluster_.round())) {
      if (cluster_.is_fresh()) co_return;
      const SteadyTime share = part(deadline, 50);
      if (broker->connection.is_open()) co_await ask_metadata(*broker, share);
    }
    std::vector<Unanswered> troubles;
    for (std::size_t i = 0; i < bootstrap_.size() && !cluster_.is_fresh(); ++i) {
      const std::size_t left = bootstrap_.size() - i;
      const SteadyTime share = part(deadline, left == 1 ? 100 : 50);
      co_await ask_bootstrap(bootstrap_[i], troubles, share);
    }
    // One that is known as a broker by now speaks for itself.
    for (auto& trouble : troubles) {
      const bool known = std::ranges::any_of(
          brokers_.all(), [&trouble](const KafkaBroker* broker) { return broker->name() == trouble.member; });
      if (!known) facts.unanswered.push_back(std::move(trouble));
    }
  }

  /// Over a connection of its own: the address may be one that no broker advertises.
  Task<void> ask_bootstrap(const net::HostPort& address, std::vector<Unanswered>& troubles,
                           SteadyTime deadline) {
    const SteadyTime since = clock_.steady();
    KafkaConnection connection = access_.connect(address);
    auto done = co_await connection.open(deadline);
    if (done) {
      std::vector<KafkaRequest> requests;
      requests.push_back(connection.prepare(kafka::MetadataRequest()));
      const KafkaTake take = [this](std::size_t, const KafkaReply& reply) -> Result<void> {
        return take_metadata(reply);
      };
      done = co_await connection.exchange(std::move(requests), take, deadline);
    }
    if (!done)
      troubles.push_back({address.print(), {since, clock_.steady()}, done.error().within("metadata")});
  }

  const Clock& clock_;
  KafkaAccess access_;
  Traits traits_;
  std::vector<net::HostPort> bootstrap_;
  NameFilter groups_filter_;
  KafkaCluster cluster_;
  KafkaBrokers brokers_;
  KafkaControllers controllers_;
  std::unique_ptr<KafkaCanary> canary_;
  KafkaCanaryNews canary_news_;
  bool canary_sings_ = false;
  bool no_topic_ = false;  ///< the last metadata named none
};

ProbeMaker read(config::Fields& fields) {
  KafkaOptions options;
  kafka_fields(fields, options);
  return [options](const ProbeContext& context) -> Result<std::unique_ptr<Probe>> {
    auto tls = context.tls(options.tls);
    if (!tls) return std::unexpected(tls.error());
    return std::make_unique<Kafka>(context, options, std::move(*tls));
  };
}

std::span<const MetricFamily* const> families() {
  static const auto all = [] {
    std::vector<const MetricFamily*> found{&kKafkaBrokers,     &kKafkaBrokerUp,   &kKafkaBrokerLeaders,
                                           &kKafkaPartitions,  &kKafkaLeaderless, &kKafkaUnderReplicated,
                                           &kKafkaNotPreferred};
    const auto canary = kafka_canary_families();
    found.insert(found.end(), canary.begin(), canary.end());
    return found;
  }();
  return all;
}

}  // namespace

extern const ProbeKind kKafka;
const ProbeKind kKafka{
    .system = "kafka",
    .summary = "Kafka 2.4 to 4.x: consumer groups, brokers, and the KRaft quorum.",
    .measures =
        "How far each consumer group is behind in each topic, its state, members and assignment; which "
        "brokers answer, "
        "which partitions lack a leader or a replica; who leads the KRaft quorum and how far its voters are "
        "behind.",
    .asks =
        "Metadata, ListGroups, DescribeGroups, OffsetFetch, ListOffsets and DescribeConfigs of the brokers "
        "(ACL: Describe "
        "on the cluster, on topics and on groups; DescribeConfigs on topics adds the retention); "
        "DescribeQuorum and an "
        "empty Fetch of each controller (ACL: Describe and ClusterAction on the cluster).",
    .cannot_see =
        "Commits that are kept outside of Kafka, share groups, and what happens between two looks. Topics "
        "and "
        "groups that its user may not describe: Kafka hides them without a word, and the rest looks healthy "
        "(quorumwatch_kafka_partitions says how much is seen). Of a cluster in ZooKeeper mode: the epoch of "
        "the controller. The canary alone can not log in by SCRAM to "
        "Kafka 4 with a librdkafka as old as Debian 12's (2.0.2): quorumwatch_kafka_canary_up is 0 then, and "
        "the log says why.",
    .metrics = families(),
    .read = &read,
    .threads_ended = &wait_for_kafka_canaries,
};

}  // namespace qw::probes
