#include "probes/systems/kafka_groups.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/text.hpp"
#include "probes/wire/kafka_coordinator.hpp"

namespace qw::probes {

namespace kafka = wire::kafka;

namespace {

// A reply to so many groups is decoded within a millisecond, and the broker serves others in between.
constexpr std::size_t kCommitsAtOnce = 200;
constexpr std::size_t kDescribedAtOnce = 500;
constexpr std::size_t kMostGroups = 200'000;

bool is_consumer_group(const kafka::ListGroupsReply::Group& group) {
  const bool other_type = group.type == kafka::GroupType::share || group.type == kafka::GroupType::streams;
  // No protocol type: only commits, no member ever.
  return !other_type && (group.protocol_type.empty() || group.protocol_type == "consumer");
}

}  // namespace

KafkaGroups::Share& KafkaGroups::share_of(KafkaBroker& broker) {
  for (const auto& share : shares_) {
    if (share->broker == &broker) return *share;
  }
  return *shares_.emplace_back(std::make_unique<Share>(broker));
}

void KafkaGroups::take_list(KafkaBroker& broker, const kafka::ListGroupsReply& reply) {
  auto& share = share_of(broker);
  for (const auto& listed : reply.groups) {
    if (!is_consumer_group(listed) || !filter_.wants(listed.name)) continue;
    if (share.groups.size() >= kMostGroups) break;
    auto& group = share.groups.emplace_back();
    group.raw_name = listed.name;
    group.modern = listed.type == kafka::GroupType::consumer;
    group.fact.name = sanitize(listed.name, kMostNameBytes);
    group.fact.state = consumer_state(listed.state);
    group.fact.coordinator = broker.name();
  }
}

void KafkaGroups::index(Share& share) {
  share.by_name.clear();
  share.by_name.reserve(share.groups.size());
  for (std::size_t i = 0; i < share.groups.size(); ++i) share.by_name.emplace(share.groups[i].raw_name, i);
}

Task<void> KafkaGroups::ask(KafkaBroker* adviser, SteadyTime deadline) {
  co_await settle_duplicates(adviser, deadline);
  std::vector<Task<bool>> tasks;
  for (const auto& share : shares_) tasks.push_back(ask_share(*share, deadline));
  co_await async::all(std::move(tasks));
  co_await follow_moved(adviser, deadline);
}

/// After a fail-over two brokers list the same group for a while (facts/kafka.md, trap 11).
Task<void> KafkaGroups::settle_duplicates(KafkaBroker* adviser, SteadyTime deadline) {
  std::unordered_map<std::string_view, const Share*> first;
  std::vector<std::string_view> twice;
  for (const auto& share : shares_) {
    for (const auto& group : share->groups) {
      const auto placed = first.emplace(group.raw_name, share.get());
      if (!placed.second) twice.push_back(group.raw_name);
    }
  }
  if (twice.empty()) co_return;
  std::unordered_map<std::string, std::int32_t> named;
  if (adviser) named = co_await find_coordinators(*adviser, twice, deadline);
  std::vector<std::string> doubled(twice.begin(), twice.end());
  std::ranges::sort(doubled);
  std::unordered_map<std::string, const Share*> kept;  // by the name, once somebody's group stays
  for (const auto& share : shares_) {
    std::erase_if(share->groups, [&](const Group& group) {
      if (!std::ranges::binary_search(doubled, group.raw_name)) return false;
      const auto found = named.find(group.raw_name);
      // Where nobody can tell, the first one stays: its answer will say whether it was right.
      if (found == named.end() || brokers_.find(found->second) == nullptr)
        return !kept.emplace(group.raw_name, share.get()).second;
      return found->second != share->broker->address.id;
    });
  }
}

/// Coordinators by group; those that could not be told are left out.
Task<std::unordered_map<std::string, std::int32_t>> KafkaGroups::find_coordinators(
    KafkaBroker& adviser, std::vector<std::string_view> groups, SteadyTime deadline) {
  std::unordered_map<std::string, std::int32_t> found;
  const auto version = adviser.connection.version(kafka::Api::find_coordinator);
  if (!version || !adviser.connection.is_open()) co_return found;
  const std::size_t at_once = *version >= kafka::FindCoordinatorRequest::kFirstBatched ? groups.size() : 1;
  std::vector<KafkaRequest> requests;
  for (std::size_t i = 0; i < groups.size(); i += at_once) {
    kafka::FindCoordinatorRequest request;
    request.groups.assign(groups.begin() + static_cast<std::ptrdiff_t>(i),
                          groups.begin() + static_cast<std::ptrdiff_t>(i + at_once));
    requests.push_back(adviser.connection.prepare(request));
  }
  const KafkaTake take = [&found, &groups](std::size_t i, const KafkaReply& reply) -> Result<void> {
    auto read = kafka::FindCoordinatorReply::read(reply.body, reply.version);
    if (!read) return std::unexpected(read.error());
    for (const auto& one : read->coordinators) {
      const auto group = one.group.empty() ? groups[i] : one.group;
      if (one.error == kafka::ErrorCode::none) found[std::string(group)] = one.broker;
    }
    return {};
  };
  co_await brokers_.converse(adviser, "coordinators of groups", std::move(requests), take, deadline);
  co_return found;
}

/// Groups that went to another coordinator between two of our questions are asked for there, once.
Task<void> KafkaGroups::follow_moved(KafkaBroker* adviser, SteadyTime deadline) {
  std::vector<Group> moved;
  for (const auto& share : shares_) {
    for (auto& group : share->groups) {
      if (group.moved) moved.push_back(std::move(group));
    }
    std::erase_if(share->groups, [](const Group& group) { return group.moved; });
    share->by_name.clear();
  }
  if (moved.empty() || !adviser || !adviser->well) co_return;
  std::vector<std::string_view> names;
  for (const auto& group : moved) names.push_back(group.raw_name);
  auto coordinators = co_await find_coordinators(*adviser, std::move(names), deadline);
  std::vector<std::unique_ptr<Share>> second;
  for (auto& group : moved) {
    const auto found = coordinators.find(group.raw_name);
    auto* const broker = found == coordinators.end() ? nullptr : brokers_.find(found->second);
    if (!broker || !broker->well || !broker->connection.is_open()) continue;
    auto share = std::ranges::find_if(second, [broker](const auto& one) { return one->broker == broker; });
    if (share == second.end()) share = second.insert(second.end(), std::make_unique<Share>(*broker));
    group.moved = false;
    group.fact.coordinator = broker->name();
    (*share)->groups.push_back(std::move(group));
  }
  std::vector<Task<bool>> tasks;
  for (const auto& share : second) tasks.push_back(ask_share(*share, deadline));
  co_await async::all(std::move(tasks));
  for (auto& share : second) shares_.push_back(std::move(share));
}

/// States and members first, commits last: the younger the commits, the smaller the lag that they show.
Task<bool> KafkaGroups::ask_share(Share& share, SteadyTime deadline) {
  auto& connection = share.broker->connection;
  if (share.groups.empty() || !share.broker->well || !connection.is_open()) co_return false;
  index(share);
  const bool knows_modern = connection.version(kafka::Api::consumer_group_describe).has_value();
  std::vector<KafkaRequest> requests;
  std::vector<Batch> batches;
  const auto add = [&](const auto& request, Batch batch) {
    requests.push_back(connection.prepare(request));
    batches.push_back(batch);
  };
  kafka::DescribeGroupsRequest classic;
  kafka::ConsumerGroupDescribeRequest modern;
  for (const auto& group : share.groups) {
    const bool is_modern = group.modern && knows_modern;
    auto& names = is_modern ? modern.groups : classic.groups;
    names.push_back(group.raw_name);
    if (names.size() < kDescribedAtOnce) continue;
    if (is_modern) {
      add(modern, {kafka::Api::consumer_group_describe});
    } else {
      add(classic, {kafka::Api::describe_groups});
    }
    names.clear();
  }
  if (!classic.groups.empty()) add(classic, {kafka::Api::describe_groups});
  if (!modern.groups.empty()) add(modern, {kafka::Api::consumer_group_describe});
  const auto version = connection.version(kafka::Api::offset_fetch);
  const std::size_t at_once =
      version.value_or(0) >= kafka::OffsetFetchRequest::kFirstBatched ? kCommitsAtOnce : 1;
  for (std::size_t i = 0; i < share.groups.size(); i += at_once) {
    kafka::OffsetFetchRequest fetch;
    for (std::size_t j = i; j < std::min(i + at_once, share.groups.size()); ++j)
      fetch.groups.push_back(share.groups[j].raw_name);
    add(fetch, {kafka::Api::offset_fetch, i});
  }
  const KafkaTake take = [this, &share, &batches](std::size_t i, const KafkaReply& reply) -> Result<void> {
    return this->take(share, batches[i], reply);
  };
  const bool done =
      co_await brokers_.converse(*share.broker, kWhatCommits, std::move(requests), take, deadline);
  if (!done || !knows_modern) co_return done;
  // A living group of the new protocol is dead to the old question, where ListGroups does not tell the types.
  std::vector<std::string_view> dead;
  for (const auto& group : share.groups) {
    if (!group.modern && group.fact.state == ConsumerState::dead) dead.push_back(group.raw_name);
  }
  if (dead.empty()) co_return true;
  co_return co_await ask_modern(share, std::move(dead), deadline);
}

Task<bool> KafkaGroups::ask_modern(Share& share, std::vector<std::string_view> names, SteadyTime deadline) {
  std::vector<KafkaRequest> requests;
  const kafka::ConsumerGroupDescribeRequest request{std::move(names)};
  requests.push_back(share.broker->connection.prepare(request));
  const KafkaTake take = [this, &share](std::size_t, const KafkaReply& reply) -> Result<void> {
    return take_modern(share, reply);
  };
  co_return co_await brokers_.converse(*share.broker, "states of its groups", std::move(requests), take,
                                       deadline);
}

void KafkaGroups::move_to(Facts& into) {
  for (const auto& share : shares_) {
    for (auto& group : share->groups) {
      if (group.committed) into.groups.push_back(std::move(group.fact));
    }
  }
}

}  // namespace qw::probes
