// The Kafka probe while real brokers are killed, frozen and started again at random, one or several at once.
//
// QW_CHAOS_ROUNDS: how many rounds (default 60; 1000 under ASan is the acceptance run). QW_CHAOS_SEED:
// another order of events.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <future>
#include <random>

#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

#include "daemon/base/text.hpp"
#include "daemon/schedule/scheduler.hpp"
#include "tests/systems/kafka_support.hpp"
#include "tests/systems/support.hpp"

namespace qw::probes {

extern const ProbeKind kKafka;

namespace {

using namespace std::chrono_literals;

constexpr WatchedTarget::Pace kPace{.interval = 100ms, .timeout = 500ms};
// Of 1000 rounds each could leave as much behind as a message's text, and it would show.
constexpr std::size_t kMostGrowth = std::size_t{256} * 1024;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return parse_uint64(text == nullptr ? "" : text).value_or(otherwise);
}

/// Bytes of the heap that are in use.
std::size_t heap_in_use() {
#if __has_feature(address_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Breaks and mends brokers, one deed at a time, on a thread of its own: rounds go on meanwhile.
class Havoc {
 public:
  Havoc(lab::Lab& lab, std::uint64_t seed) : lab_(lab), random_(seed) {
    for (const auto& node : lab.nodes("kafka")) nodes_.push_back({node.name, State::well});
  }

  /// Called between rounds: a deed begins some rounds after the last one ended.
  void go_on() {
    if (is_busy()) return;
    if (rounds_left_ > 0) {
      --rounds_left_;
      return;
    }
    begin_deed(nodes_[pick(nodes_.size())]);
    // A broker takes seconds to come back. Now and then everybody has the time to.
    const bool all_well =
        std::ranges::all_of(nodes_, [](const Node& one) { return one.state == State::well; });
    rounds_left_ = all_well ? 20 + pick(60) : pick(8);
  }

  /// Waits for all brokers to run again; whether they do, is_whole() tells.
  void mend_all() {
    end_deed();
    for (auto& node : nodes_) {
      if (node.state == State::frozen) turn(node, State::well);
      end_deed();
      if (node.state == State::dead) turn(node, State::well);
      end_deed();
    }
  }

  std::uint64_t deeds() const { return deeds_; }

 private:
  enum class State : std::uint8_t { well, frozen, dead };
  struct Node {
    std::string name;
    State state;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  bool is_busy() { return deed_.valid() && deed_.wait_for(0s) != std::future_status::ready; }

  /// A broker that is ill gets well three times out of four. That all are ill at once happens, but seldom.
  void begin_deed(Node& node) {
    const auto ill = std::ranges::count_if(nodes_, [](const Node& one) { return one.state != State::well; });
    switch (node.state) {
      case State::well:
        if (ill == 2 && pick(4) != 0) return;
        turn(node, pick(2) == 0 ? State::dead : State::frozen);
        return;
      case State::frozen:
        turn(node, pick(4) == 0 ? State::dead : State::well);
        return;
      case State::dead:
        turn(node, State::well);
    }
  }

  void turn(Node& node, State into) {
    end_deed();
    const bool starts = node.state == State::dead;
    node.state = into;
    ++deeds_;
    deed_ = std::async(std::launch::async, [this, name = node.name, into, starts] {
      if (into == State::dead) return lab_.kill(name);
      if (into == State::frozen) return lab_.stop(name);
      return starts ? lab_.start(name) : lab_.cont(name);
    });
  }

  void end_deed() {
    if (!deed_.valid()) return;
    const auto done = deed_.get();
    EXPECT_TRUE(done) << done.error().message();
  }

  lab::Lab& lab_;
  std::mt19937_64 random_;
  std::vector<Node> nodes_;
  std::future<Result<void>> deed_;
  std::uint64_t rounds_left_ = 0;
  std::uint64_t deeds_ = 0;
};

/// The topic and the group stand still, so that whatever a round says must be what was said before it all.
class Truth {
 public:
  explicit Truth(const Round& whole) : ends_(ends_in(whole)), commits_(commits_in(whole, "shop")) {
    for (const auto& [partition, end] : ends_) lag_ += static_cast<double>(end - commits_[partition]);
  }

  void check(const Round& round) const {
    for (const auto& [partition, end] : ends_in(round)) EXPECT_EQ(end, ends_.at(partition)) << partition;
    const auto commits = commits_in(round, "shop");
    EXPECT_TRUE(commits.empty() || commits == commits_);
    const auto lag = value(round, "quorumwatch_consumer_lag_messages");
    if (lag) {
      EXPECT_GT(*lag, 0);
      EXPECT_LE(*lag, lag_);
      if (value(round, "quorumwatch_consumer_partitions_unknown") == 0) EXPECT_EQ(*lag, lag_);
    }
    EXPECT_GT(value(round, "quorumwatch_consumer_lag_seconds").value_or(1), 0);
    EXPECT_FALSE(value(round, "quorumwatch_consumer_beyond_end_messages"));
    EXPECT_EQ(value(round, "quorumwatch_consumer_lost_messages_total").value_or(0), 0);
    EXPECT_NE(value(round, "quorumwatch_split_brain", "kind", "unfenced"), 1);
  }

 private:
  std::map<int, std::int64_t> ends_;
  std::map<int, std::int64_t> commits_;
  double lag_ = 0;
};

TEST(Kafka, ChaosForManyRoundsTellsNothingFalseAndLeavesNothingBehind) {
  QW_NEED_LAB();
  QW_NEED_KAFKA();
  const auto rounds = from_environment("QW_CHAOS_ROUNDS", 60);
  const auto seed = from_environment("QW_CHAOS_SEED", 1);
  SCOPED_TRACE(fmt::format("QW_CHAOS_SEED={}", seed));
  lab::Lab lab;
  begin_kafka(lab, 3);
  WatchedTarget watched(kKafka, kafka_options_of(lab) + ", quorum_fetch_timeout: 1s", kPace);
  const Truth truth(watched.until(is_whole));
  for (int warm = 0; warm < 10; ++warm) watched.round();
  const auto heap = heap_in_use();
  const auto descriptors = open_descriptors();
  const auto coroutines = async::live_tasks();

  Havoc havoc(lab, seed);
  std::uint64_t dark = 0;
  std::uint64_t whole = 0;
  Nanoseconds longest{};
  for (std::uint64_t i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) {
    SCOPED_TRACE(fmt::format("round {}", i));
    havoc.go_on();
    const Round round = watched.round();
    longest = std::max(longest, Nanoseconds(round.finished - round.started));
    truth.check(round);
    dark += round.facts.unanswered.empty() ? 0 : 1;
    whole += is_whole(round) ? 1 : 0;
  }
  havoc.mend_all();
  truth.check(watched.until(is_whole, 60s));
  // Later than its deadline is what the daemon would cut off.
  EXPECT_LT(longest, kPace.timeout + schedule::Scheduler::kGrace);
  EXPECT_GT(havoc.deeds(), rounds / 50);
  EXPECT_GT(dark, rounds / 10);
  EXPECT_EQ(async::live_tasks(), coroutines);
  EXPECT_LE(open_descriptors(), descriptors + 2);
  EXPECT_LT(heap_in_use(), heap + kMostGrowth);
  fmt::print(
      "{} rounds, {} deeds, {} rounds with somebody silent, {} whole, longest {:.0f} ms, heap {:+.1f} KB\n",
      rounds, havoc.deeds(), dark, whole, seconds(longest) * 1000,
      (static_cast<double>(heap_in_use()) - static_cast<double>(heap)) / 1024);
}

}  // namespace
}  // namespace qw::probes
