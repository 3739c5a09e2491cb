// What the answers about consumer groups mean (kafka_groups.hpp).
#include <algorithm>

#include "daemon/base/text.hpp"
#include "probes/systems/kafka_groups.hpp"

namespace qw::probes {

namespace kafka = wire::kafka;

namespace {

/// Up to so many topics a list is searched faster than hashed.
constexpr std::size_t kFewTopics = 8;

Error error_of(kafka::ErrorCode code) {
  return {ErrorKind::rejected, kafka::describe(code)};
}

GroupTopic& topic_of(ConsumerGroup& group, std::string_view name) {
  const auto found = std::ranges::find(group.topics, name, &GroupTopic::topic);
  if (found != group.topics.end()) return *found;
  return group.topics.emplace_back(GroupTopic{.topic = std::string(name), .commits = {}, .assigned = {}});
}

void sort_assigned(ConsumerGroup& group) {
  for (auto& topic : group.topics) {
    std::ranges::sort(topic.assigned);
    const auto rest = std::ranges::unique(topic.assigned);
    topic.assigned.erase(rest.begin(), rest.end());
  }
}

void sort_commits(std::vector<Commit>& commits) {
  if (!std::ranges::is_sorted(commits, {}, &Commit::partition))
    std::ranges::sort(commits, {}, &Commit::partition);
  const auto rest = std::ranges::unique(commits, {}, &Commit::partition);
  commits.erase(rest.begin(), rest.end());
}

}  // namespace

ConsumerState consumer_state(kafka::GroupState state) {
  switch (state) {
    case kafka::GroupState::preparing_rebalance:
    case kafka::GroupState::completing_rebalance:
    case kafka::GroupState::assigning:
    case kafka::GroupState::reconciling:
      return ConsumerState::rebalancing;
    case kafka::GroupState::stable:
      return ConsumerState::stable;
    case kafka::GroupState::empty:
      return ConsumerState::empty;
    case kafka::GroupState::dead:
      return ConsumerState::dead;
    case kafka::GroupState::unknown:
      break;
  }
  return ConsumerState::unknown;
}

KafkaGroups::Group* KafkaGroups::Share::find(std::string_view name) {
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : &groups[found->second];
}

Result<void> KafkaGroups::take(Share& share, const Batch& batch, const KafkaReply& reply) {
  if (batch.api == kafka::Api::offset_fetch) return take_commits(share, batch, reply);
  return batch.api == kafka::Api::describe_groups ? take_classic(share, reply) : take_modern(share, reply);
}

Result<void> KafkaGroups::take_classic(Share& share, const KafkaReply& reply) {
  const auto read = kafka::DescribeGroupsReply::read(reply.body, reply.version);
  if (!read) return std::unexpected(read.error());
  for (const auto& said : read->groups) {
    auto* const group = share.find(said.name);
    if (!group) continue;
    if (said.error == kafka::ErrorCode::group_id_not_found) group->fact.state = ConsumerState::dead;
    if (said.error != kafka::ErrorCode::none) continue;
    group->fact.state = consumer_state(said.state);
    const auto members = read->members(said);
    group->fact.members = static_cast<std::uint32_t>(members.size());
    std::uint64_t generation = 0;
    for (const auto& member : members) {
      // A sum, since the order of the members means nothing.
      generation += stable_hash(member.id) * 31 + stable_hash(member.assignment);
      if (said.protocol_type != "consumer" && !said.protocol_type.empty()) continue;
      const auto assignment = kafka::read_assignment(member.assignment);
      // It is another client's: one that makes no sense leaves the member without partitions.
      if (!assignment) continue;
      for (const auto& topic : assignment->topics)
        assign(group->fact, topic.topic, assignment->partitions(topic));
    }
    if (said.state == kafka::GroupState::stable) group->fact.generation = generation;
    sort_assigned(group->fact);
  }
  return {};
}

Result<void> KafkaGroups::take_modern(Share& share, const KafkaReply& reply) {
  const auto read = kafka::ConsumerGroupDescribeReply::read(reply.body, reply.version);
  if (!read) return std::unexpected(read.error());
  for (const auto& said : read->groups) {
    auto* const group = share.find(said.name);
    if (!group || said.error != kafka::ErrorCode::none) continue;
    group->modern = true;
    group->fact.state = consumer_state(said.state);
    const auto members = read->members(said);
    group->fact.members = static_cast<std::uint32_t>(members.size());
    // It grows by one with each new assignment, which the members then reach one after the other.
    if (said.assignment_epoch >= 0)
      group->fact.generation = static_cast<std::uint64_t>(said.assignment_epoch);
    for (const auto& member : members) {
      for (const auto& topic : read->topics(member))
        assign(group->fact, topic.topic, read->partitions(topic));
    }
    sort_assigned(group->fact);
  }
  return {};
}

void KafkaGroups::assign(ConsumerGroup& group, std::string_view topic,
                         std::span<const std::int32_t> partitions) {
  auto* const known = cluster_.find(topic);
  if (!known) return;
  cluster_.want(*known);
  auto& assigned = topic_of(group, sanitize(topic, kMostNameBytes)).assigned;
  assigned.insert(assigned.end(), partitions.begin(), partitions.end());
}

Result<void> KafkaGroups::take_commits(Share& share, const Batch& batch, const KafkaReply& reply) {
  const auto read = kafka::OffsetFetchReply::read(reply.body, reply.version);
  if (!read) return std::unexpected(read.error());
  const bool batched = reply.version >= kafka::OffsetFetchRequest::kFirstBatched;
  for (const auto& said : read->groups) {
    auto* const group = batched ? share.find(said.name) : &share.groups[batch.only];
    if (!group) continue;
    if (said.error == kafka::ErrorCode::not_coordinator) {
      group->moved = true;
    } else if (said.error != kafka::ErrorCode::none) {
      brokers_.refused(*share.broker, kWhatCommits, reply.asked, error_of(said.error));
    } else {
      group->fact.asked = reply.asked;
      group->committed = true;
      add_commits(*group, *read, said);
    }
  }
  return {};
}

void KafkaGroups::add_commits(Group& group, const kafka::OffsetFetchReply& reply,
                              const kafka::OffsetFetchReply::Group& said) {
  auto& topics = group.fact.topics;
  const std::size_t assigned = topics.size();
  std::unordered_map<std::string, std::size_t> by_name;
  for (std::size_t i = 0; assigned > kFewTopics && i < assigned; ++i) by_name.emplace(topics[i].topic, i);
  for (const auto& one : reply.topics(said)) {
    auto* const known = cluster_.find(one.name);
    if (!known && !cluster_.wants(one.name)) continue;
    std::vector<Commit> commits;
    const auto all = reply.commits(one);
    commits.reserve(all.size());
    for (const auto& commit : all) {
      if (commit.offset < 0 || commit.error != kafka::ErrorCode::none) continue;
      commits.push_back({commit.partition, static_cast<std::uint64_t>(commit.offset)});
      note_commit(known, commit.partition, static_cast<std::uint64_t>(commit.offset));
    }
    if (commits.empty()) continue;
    sort_commits(commits);
    std::string name = sanitize(one.name, kMostNameBytes);
    std::size_t place = topics.size();
    if (assigned > kFewTopics) {
      const auto found = by_name.find(name);
      if (found != by_name.end()) place = found->second;
    } else {
      for (std::size_t i = 0; i < assigned; ++i) {
        if (topics[i].topic == name) place = i;
      }
    }
    if (place == topics.size()) topics.push_back({.topic = std::move(name), .commits = {}, .assigned = {}});
    topics[place].commits = std::move(commits);
  }
}

void KafkaGroups::note_commit(KafkaTopic* topic, std::int32_t partition, std::uint64_t committed) {
  if (!topic) return;
  cluster_.want(*topic);
  if (partition < 0 || static_cast<std::size_t>(partition) >= topic->partitions.size()) return;
  auto& known = topic->partitions[static_cast<std::size_t>(partition)];
  const bool first = known.committed_round != cluster_.round();
  known.committed_round = cluster_.round();
  known.least_committed = first ? committed : std::min(known.least_committed, committed);
}

}  // namespace qw::probes
