// Consumers of a real cluster that fare badly in every way there is, side by side: what is said of each.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "daemon/model/consumers.hpp"
#include "tests/lab/lab.hpp"
#include "tests/systems/support.hpp"

namespace qw::probes {

extern const ProbeKind kKafka;

namespace {

using namespace std::chrono_literals;

/// The default interval.
constexpr WatchedTarget::Pace kPace{.interval = 5s, .timeout = 2s};

class Consumers {
 public:
  explicit Consumers(lab::Lab& lab) : lab_(lab) {
    for (const auto& endpoint : lab.endpoints("kafka"))
      bootstrap_ += (bootstrap_.empty() ? "" : ",") + endpoint;
  }

  /// What the lab's client says at once.
  std::string client(const std::string& words) const {
    return shell(fmt::format("{} --bootstrap {} {} 2>&1", kClient, bootstrap_, words));
  }
  /// A client that goes on until the end of the lab.
  void start(const std::string& name, const std::vector<std::string>& words) const {
    std::vector<std::string> command{"run", name, "--", kClient, "--bootstrap", bootstrap_, "--quiet"};
    command.insert(command.end(), words.begin(), words.end());
    const auto started = lab_.run(command);
    ASSERT_TRUE(started) << started.error().message();
  }
  void produce(const std::string& topic) const { start("p-" + topic, {"produce", topic, "--rate", "20"}); }
  /// The group has the name of its topic.
  void consume(const std::string& topic, const std::vector<std::string>& how = {}) const {
    std::vector<std::string> words{"consume", topic, "--group", topic};
    words.insert(words.end(), how.begin(), how.end());
    start("c-" + topic, words);
  }
  std::string flag(const std::string& name) const { return lab_.directory() / ("flag-" + name); }
  void raise(const std::string& name) const { std::ofstream(flag(name)) << "\n"; }

 private:
  static constexpr const char* kClient = QW_SOURCE_DIR "/tests/lab/kafka-client";
  lab::Lab& lab_;
  std::string bootstrap_;
};

/// Status of each group; none where it has no series.
std::map<std::string, ConsumerRow> rows_of(const Round& round) {
  std::map<std::string, ConsumerRow> rows;
  for (auto& row : consumers_of(round.samples)) rows[row.group] = row;
  return rows;
}

std::string text_of(const Round& round) {
  std::string text = reasons_in(round) + "\n";
  for (const auto& [group, row] : rows_of(round)) {
    text += fmt::format("{}: {}, lag {}, {} s: {}\n", group, name(row.status), row.messages.value_or(-1),
                        row.seconds.value_or(-1), describe(row));
  }
  return text;
}

TEST(KafkaConsumers, EveryTroubleIsToldFromTheOthersWithinTwoIntervals) {
  QW_NEED_LAB();
  QW_NEED_KAFKA();
  lab::Lab lab;
  const auto up = lab.up({"kafka", "--fast"});
  ASSERT_TRUE(up) << up.error().message();
  const Consumers consumers(lab);
  consumers.client("topic create idle stall dead slow shuffle open again reset --partitions 1 --copies 1");
  consumers.client("topic create loss --partitions 1 --copies 1 --set segment.ms=1000");
  consumers.client("produce idle --rate 1000 --count 50");
  consumers.client("produce reset --rate 1000 --count 200");
  consumers.client("produce loss --rate 1000 --count 200");
  consumers.client("commit --group reset reset/0=200");
  consumers.client("commit --group loss loss/0=10");
  for (const auto* topic : {"stall", "dead", "slow", "shuffle", "again", "loss"}) consumers.produce(topic);
  consumers.start("p-open", {"produce", "open", "--rate", "20", "--transactional", "open", "--timeout", "60",
                             "--hold-while", consumers.flag("open")});
  consumers.consume("idle");
  consumers.consume("stall", {"--stall-while", consumers.flag("stall")});
  consumers.consume("dead");
  consumers.consume("slow", {"--slow", "0.5"});
  consumers.consume("shuffle", {"--members", "2", "--rejoin-while", consumers.flag("shuffle")});
  consumers.consume("open");
  consumers.consume("again");

  std::string bootstrap;
  for (const auto& endpoint : lab.endpoints("kafka")) bootstrap += (bootstrap.empty() ? "" : ", ") + endpoint;
  WatchedTarget target(kKafka, fmt::format("bootstrap: [{}]", bootstrap), kPace);
  const std::set<std::string> healthy{"idle", "stall", "dead", "shuffle", "open", "again", "reset"};
  const auto before = target.until(
      [&](const Round& round) {
        auto rows = rows_of(round);
        return std::ranges::all_of(healthy, [&](const auto& group) {
          return rows.contains(group) && rows[group].status == ConsumerStatus::ok;
        });
      },
      40s);
  SCOPED_TRACE("before:\n" + text_of(before));
  target.round();

  consumers.raise("stall");
  consumers.raise("shuffle");
  consumers.raise("open");
  ASSERT_TRUE(lab.kill("c-dead"));
  consumers.client("commit --group reset reset/0=20");
  consumers.client("topic set loss retention.ms=1000 segment.ms=1000");
  consumers.client("topic delete again");
  consumers.client("topic create again --partitions 1 --copies 1");

  const std::map<std::string, ConsumerStatus> expected{{"idle", ConsumerStatus::ok},
                                                       {"stall", ConsumerStatus::stalled},
                                                       {"dead", ConsumerStatus::stopped},
                                                       {"slow", ConsumerStatus::slow},
                                                       {"shuffle", ConsumerStatus::rebalancing},
                                                       {"open", ConsumerStatus::blocked},
                                                       {"again", ConsumerStatus::recreated},
                                                       {"reset", ConsumerStatus::rewound},
                                                       {"loss", ConsumerStatus::lossy}};
  std::set<std::string> told;
  std::string seen;
  // The first look finds them as they are; two intervals later each must have been told.
  for (int look = 0; look < 3; ++look) {
    const auto round = target.round();
    seen += fmt::format("look {}:\n{}", look, text_of(round));
    auto rows = rows_of(round);
    for (const auto& [group, status] : expected) {
      if (rows.contains(group) && rows[group].status == status) told.insert(group);
    }
    EXPECT_TRUE(rows.contains("idle") && rows["idle"].status == ConsumerStatus::ok) << "it is merely idle";
    for (const auto& [group, row] : rows) {
      EXPECT_GE(row.messages.value_or(0), 0) << group;
      EXPECT_GE(row.seconds.value_or(0), 0) << group;
    }
  }
  for (const auto& [group, status] : expected)
    EXPECT_TRUE(told.contains(group)) << group << " is not told\n" << seen;
}

}  // namespace
}  // namespace qw::probes
