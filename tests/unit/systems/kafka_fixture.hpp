#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <any>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "daemon/async/task.hpp"
#include "daemon/net/resolver.hpp"
#include "probes/probe.hpp"
#include "tests/unit/systems/scripted_kafka.hpp"

namespace qw::probes {

extern const ProbeKind kKafka;

/// A Kafka probe as the daemon makes it, scripted brokers 1, 2, ... and a loop to run them on.
class KafkaFixture : public ::testing::Test {
 protected:
  using Scripted = qw::testing::ScriptedKafka;

  void TearDown() override {
    probe_.reset();
    for (auto& [id, broker] : brokers_) run(stop(*broker));
    tasks_.cancel();
    io_.restart();
    io_.run();
  }

  /// A broker that is alive.
  Scripted& broker(std::int32_t id) {
    auto& made = brokers_[id];
    if (!made) {
      made = std::make_unique<Scripted>(io_, cluster_, id);
      cluster_.alive[id] = made.get();
    }
    return *made;
  }
  /// A topic whose partition i is led by `leaders[i]`, from 10 to 100.
  qw::testing::ScriptedTopic& topic(const std::string& name, const std::vector<std::int32_t>& leaders) {
    auto& made = cluster_.topics[name];
    for (const auto leader : leaders) {
      auto& partition = made.partitions.emplace_back();
      partition.leader = leader;
      partition.replicas = partition.in_sync = {leader};
      partition.start = 10;
      partition.end = 100;
    }
    return made;
  }
  /// A group of one member that has committed `offset` in partition 0.
  qw::testing::ScriptedGroup& group(Scripted& coordinator, const std::string& name, const std::string& topic,
                                    std::int64_t offset) {
    auto& made = coordinator.groups[name];
    made.members = {{"member", {{topic, {0}}}}};
    made.commits[topic][0] = offset;
    cluster_.coordinators[name] = coordinator.id();
    return made;
  }

  /// Problems of a configuration; makes the probe when there is none.
  std::vector<std::string> configure(const std::string& options) {
    const config::Kind table{.system = kKafka.system, .summary = "", .read = [](config::Fields& fields) {
                               return std::any(kKafka.read(fields));
                             }};
    auto loaded = config::load_text("targets: [{system: kafka, name: lab, " + options + "}]", "/tmp/lab.yml",
                                    std::span(&table, 1));
    std::vector<std::string> problems;
    for (const auto& problem : loaded.problems) problems.push_back(problem.path + ": " + problem.text);
    if (!problems.empty()) return problems;
    auto made = std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan)(ProbeContext{net_, clock_});
    EXPECT_TRUE(made) << made.error().message();
    if (made) probe_ = std::move(*made);
    return problems;
  }
  /// The probe that begins at broker 1.
  void watch(const std::string& options = "") {
    const auto problems =
        configure("bootstrap: [" + broker(1).address() + "]" + (options.empty() ? "" : ", ") + options);
    EXPECT_EQ(problems, std::vector<std::string>{});
  }

  /// One look.
  Facts ask(Nanoseconds within = std::chrono::seconds(5), Question question = {}) {
    auto facts = run(probe_->ask(std::move(question), clock_.steady() + within));
    EXPECT_TRUE(facts);
    return facts ? std::move(*facts) : Facts{};
  }

  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    tasks_.spawn("test", into(std::move(task), result));
    while (!result) {
      io_.restart();
      io_.run_one();
    }
    return std::move(*result);
  }

  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
  qw::testing::ScriptedCluster cluster_;
  std::map<std::int32_t, std::unique_ptr<Scripted>> brokers_;
  std::unique_ptr<Probe> probe_;
  async::TaskGroup tasks_{io_.get_executor(), [](std::string_view task, const std::string& what) {
                            ADD_FAILURE() << task << ": " << what;
                          }};

 private:
  template <class T>
  static Task<void> into(Task<T> task, std::optional<T>& result) {
    result.emplace(co_await std::move(task));
  }
  static Task<bool> stop(Scripted& broker) {
    co_await broker.stop();
    co_return true;
  }
};

template <class T, class Key, class Value>
const T* find_in(const std::vector<T>& all, Key key, const Value& value) {
  const auto found = std::ranges::find(all, value, key);
  return found == all.end() ? nullptr : &*found;
}

inline const ConsumerGroup* group_in(const Facts& facts, std::string_view name) {
  return find_in(facts.groups, &ConsumerGroup::name, name);
}

inline const Unanswered* silent_in(const Facts& facts, std::string_view member) {
  return find_in(facts.unanswered, &Unanswered::member, member);
}

/// Null: nothing is told of it.
inline const PartitionLog* log_in(const Facts& facts, std::string_view topic, std::int32_t partition) {
  const auto* found = find_in(facts.topics, &TopicLog::topic, topic);
  return found ? find_in(found->partitions, &PartitionLog::partition, partition) : nullptr;
}

inline std::optional<double> reading_in(const Facts& facts, std::string_view family,
                                        std::string_view member = {}) {
  for (const auto& reading : facts.readings) {
    if (reading.family->name != family) continue;
    if (member.empty() || reading.labels.at(0).second == member) return reading.value;
  }
  return std::nullopt;
}

/// Of the only topic and partition.
inline std::optional<std::uint64_t> committed_in(const Facts& facts, std::string_view group) {
  const auto* found = group_in(facts, group);
  if (!found || found->topics.size() != 1 || found->topics[0].commits.size() != 1) return std::nullopt;
  return found->topics[0].commits[0].committed;
}

}  // namespace qw::probes
