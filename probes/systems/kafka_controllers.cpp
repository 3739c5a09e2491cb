#include "probes/systems/kafka_controllers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"
#include "probes/wire/kafka_cluster.hpp"

namespace qw::probes {

namespace kafka = wire::kafka;

struct KafkaControllers::Said {
  const Controller* controller = nullptr;
  std::optional<Unanswered> trouble;
  std::optional<kafka::DescribeQuorumReply> quorum;
  Asked quorum_asked;
  std::optional<kafka::QuorumView> view;
};

KafkaControllers::KafkaControllers(const KafkaAccess& access, const std::vector<net::HostPort>& members)
    : clock_(access.clock) {
  for (const auto& member : members)
    controllers_.push_back(std::make_unique<Controller>(member.print(), access.connect(member)));
}

void KafkaControllers::inherit(const KafkaControllers& before) {
  for (const auto& [id, name] : before.names_) {
    const bool stays = std::ranges::any_of(controllers_, [&](const auto& one) { return one->name == name; });
    if (stays) names_.emplace(id, name);
  }
}

bool KafkaControllers::include(const Question& question) const {
  return std::ranges::any_of(
      controllers_, [&question](const auto& controller) { return question.includes(controller->name); });
}

Task<Facts> KafkaControllers::ask(Question question, SteadyTime deadline) {
  const bool second_look = !question.only.empty();
  std::vector<Task<Said>> tasks;
  for (const auto& controller : controllers_) {
    if (question.includes(controller->name)) tasks.push_back(ask_one(*controller, second_look, deadline));
  }
  auto all_said = co_await async::all(std::move(tasks));
  for (const auto& said : all_said) {
    // Whoever leads goes by the leader's id.
    if (said.quorum && said.quorum->error == kafka::ErrorCode::none)
      learn(said.quorum->leader, said.controller->name);
  }
  Facts facts;
  for (const auto& said : all_said) add_facts(said, facts);
  co_return facts;
}

/// Both questions in one write: what one of them says, the other one confirms.
Task<KafkaControllers::Said> KafkaControllers::ask_one(Controller& controller, bool second_look,
                                                       SteadyTime deadline) {
  Said said;
  said.controller = &controller;
  const SteadyTime since = clock_.steady();
  const bool is_new = !controller.connection.is_open();
  auto done = co_await controller.connection.open(deadline);
  if (done && !second_look && (is_new || controller.cluster_id.empty()))
    done = co_await ask_cluster(controller, deadline);
  if (done && !controller.connection.version(kafka::Api::describe_quorum))
    done = fail(ErrorKind::protocol, "no controller of a KRaft quorum: it knows no DescribeQuorum");
  if (done) {
    std::vector<KafkaRequest> requests;
    requests.push_back(controller.connection.prepare(kafka::DescribeQuorumRequest()));
    if (controller.connection.version(kafka::Api::fetch))
      requests.push_back(controller.connection.prepare(kafka::QuorumViewRequest()));
    const KafkaTake take = [&said](std::size_t i, const KafkaReply& reply) -> Result<void> {
      if (i == 0) {
        auto read = kafka::DescribeQuorumReply::read(reply.body, reply.version);
        if (!read) return std::unexpected(read.error());
        said.quorum = std::move(*read);
        said.quorum_asked = reply.asked;
      } else {
        auto read = kafka::QuorumView::read(reply.body, reply.version);
        if (!read) return std::unexpected(read.error());
        said.view = *read;
      }
      return {};
    };
    done = co_await controller.connection.exchange(std::move(requests), take, deadline);
  }
  if (!done) {
    // A claim whose second half is missing is no claim: the connection that broke may be all that went wrong.
    said.quorum.reset();
    said.view.reset();
    said.trouble = Unanswered{controller.name, {since, clock_.steady()}, done.error()};
  }
  co_return said;
}

/// Who goes by which id, and which cluster this is. Controllers before 3.7 can not tell (KIP-919); then the
/// ids are learnt as their owners lead.
Task<Result<void>> KafkaControllers::ask_cluster(Controller& controller, SteadyTime deadline) {
  if (!controller.connection.version(kafka::Api::describe_cluster)) co_return Result<void>();
  std::vector<KafkaRequest> requests;
  requests.push_back(controller.connection.prepare(kafka::DescribeClusterRequest()));
  const KafkaTake take = [this, &controller](std::size_t, const KafkaReply& reply) -> Result<void> {
    const auto read = kafka::DescribeClusterReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    if (read->error != kafka::ErrorCode::none) return {};
    controller.cluster_id = sanitize(read->cluster_id);
    for (const auto& node : read->nodes) {
      if (node.port <= 0 || node.port > 65535) continue;
      const auto port = static_cast<std::uint16_t>(node.port);
      const std::string address = net::HostPort{std::string(node.host), port}.print();
      for (const auto& known : controllers_) {
        if (known->name == address || known->connection.peer() == address) learn(node.id, known->name);
      }
    }
    return {};
  };
  co_return co_await controller.connection.exchange(std::move(requests), take, deadline);
}

void KafkaControllers::learn(std::int32_t id, std::string_view name) {
  if (id < 0) return;
  std::erase_if(names_, [name](const auto& known) { return known.second == name; });
  names_[id] = name;
}

std::string KafkaControllers::name_of(std::int32_t id) const {
  const auto known = names_.find(id);
  return known == names_.end() ? fmt::format("controller {}", id) : known->second;
}

void KafkaControllers::add_facts(const Said& said, Facts& into) const {
  if (said.trouble) {
    into.unanswered.push_back(*said.trouble);
    return;
  }
  const std::string& name = said.controller->name;
  LeadershipClaim claim;
  claim.member = name;
  claim.tenure.lineage = said.controller->cluster_id;
  if (said.quorum->error == kafka::ErrorCode::none) {
    claim.asked = said.quorum_asked;
    claim.claim = Claim::leader;
    claim.follows = name;
    if (said.quorum->leader_epoch >= 0)
      claim.tenure.epoch = static_cast<std::uint64_t>(said.quorum->leader_epoch);
    add_quorum(said, into);
  } else if (said.quorum->error != kafka::ErrorCode::not_leader_or_follower) {
    into.unanswered.push_back(
        {name, said.quorum_asked,
         Error(ErrorKind::rejected, "DescribeQuorum: " + kafka::describe(said.quorum->error))});
    return;
  } else if (!said.view || (said.view->error != kafka::ErrorCode::none &&
                            said.view->error != kafka::ErrorCode::not_leader_or_follower &&
                            said.view->error != kafka::ErrorCode::fenced_leader_epoch)) {
    // It does not lead, and does not say who does: that takes ClusterAction.
    claim.asked = said.quorum_asked;
    claim.claim = Claim::not_leader;
    claim.names_leader = false;
  } else {
    // That it does not lead is of the first answer: it may have been elected before the second one.
    claim.asked = said.quorum_asked;
    claim.claim = Claim::not_leader;
    // One that has resigned names itself until somebody else is elected (3.9.2), and leads no more.
    const bool itself = said.view->leader && name_of(*said.view->leader) == name;
    if (said.view->leader && !itself) claim.follows = name_of(*said.view->leader);
    if (said.view->error == kafka::ErrorCode::none) claim.tenure.epoch = kafka::QuorumViewRequest::kOldEpoch;
    if (said.view->epoch && *said.view->epoch >= 0)
      claim.tenure.epoch = static_cast<std::uint64_t>(*said.view->epoch);
  }
  into.round_trips.push_back({.member = name,
                              .method = "kafka",
                              .asked = said.quorum_asked,
                              .value = said.quorum_asked.received - said.quorum_asked.sent,
                              .error = std::nullopt});
  into.claims.push_back(std::move(claim));
}

/// What the leader says of the voters. Observers are brokers, which hold no vote and never lead.
void KafkaControllers::add_quorum(const Said& said, Facts& into) const {
  const std::string& name = said.controller->name;
  const std::string& lineage = said.controller->cluster_id;
  into.memberships.push_back({.member = name,
                              .asked = said.quorum_asked,
                              .lineage = lineage,
                              .voters = static_cast<unsigned>(said.quorum->voters.size()),
                              .learners = 0});
  for (const auto& voter : said.quorum->voters) {
    if (voter.log_end < 0) continue;
    ReplicaPosition position;
    position.member = name_of(voter.id);
    position.reported_by = name;
    position.asked = said.quorum_asked;
    position.role = voter.id == said.quorum->leader ? Role::leader : Role::replica;
    position.lineage = lineage;
    position.position = static_cast<std::uint64_t>(voter.log_end);
    position.unit = PositionUnit::entries;
    into.positions.push_back(std::move(position));
  }
}

}  // namespace qw::probes
