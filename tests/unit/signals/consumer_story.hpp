#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/model/consumers.hpp"
#include "probes/signals/consumer_lag.hpp"
#include "story.hpp"

/// A small language for consumers: logs that messages come to, groups that read them, and looks at both. The
/// logs are real enough to be asked for offsets at an instant. Times are milliseconds since the story began.
///
///     ConsumerStory story;
///     story.write("t", 0, 100);            // at the present instant
///     story.group("g").commit("t", 0, 40);
///     story.look();
///     EXPECT_EQ(story.value("consumer_lag_messages{consumer_group=g,topic=t}"), 60);
namespace qw::signals {

/// Wall clock of the story: at(0) is this.
inline constexpr WallTime kStoryBegan{std::chrono::seconds(1'700'000'000)};

struct StoryLog {
  struct Batch {
    std::uint64_t first;
    double came;            ///< to the log
    std::int64_t stamped;   ///< ms, wall
    std::int64_t youngest;  ///< stamp up to this one
  };
  std::deque<Batch> batches;
  std::uint64_t end = 0, start = 0;
  std::optional<std::uint64_t> stable_end;
  bool answers = true, leaderless = false;

  /// The first batch that is there still and is stamped so.
  std::deque<Batch>::const_iterator first_at_or_after(WallTime t) const {
    const auto oldest = std::ranges::upper_bound(batches, start, {}, &Batch::first);
    auto batch = oldest == batches.begin() ? oldest : std::prev(oldest);
    const auto wanted = std::chrono::ceil<std::chrono::milliseconds>(t.time_since_epoch()).count();
    // Where all before it are gone, the youngest of them is no guide.
    if (start == 0) batch = std::ranges::lower_bound(batches, wanted, {}, &Batch::youngest);
    while (batch != batches.end() && batch->stamped < wanted) ++batch;
    return batch;
  }
  /// When the message at `offset` came.
  double came(std::uint64_t offset) const {
    const auto beyond = std::ranges::upper_bound(batches, offset, {}, &Batch::first);
    return std::prev(beyond)->came;
  }
};

struct StoryTopic {
  std::map<std::int32_t, StoryLog> partitions;
  std::string identity = "id-1";
  std::optional<Nanoseconds> retention;
};

struct StoryGroup {
  std::string name;
  ConsumerState state = ConsumerState::stable;
  std::optional<std::uint32_t> members = 1;
  std::optional<std::uint64_t> generation = 1;
  std::map<std::string, std::map<std::int32_t, std::uint64_t>> commits;
  std::map<std::string, std::vector<std::int32_t>> assigned;
  bool answers = true, exists = true;

  StoryGroup& commit(const std::string& topic, std::int32_t partition, std::uint64_t offset) {
    commits[topic][partition] = offset;
    return *this;
  }
  StoryGroup& leave() {
    state = ConsumerState::empty;
    members = 0;
    assigned.clear();
    generation = 0;
    return *this;
  }
};

class ConsumerStory {
 public:
  double now = 0;
  double latency = 2;      ///< of an answer
  double stamp_error = 0;  ///< by which producers' clocks are ahead
  ConsumerDetail detail;
  bool answers_questions = true;
  std::map<std::string, StoryTopic> topics;
  std::map<std::string, StoryGroup> groups;

  StoryLog& log(const std::string& topic, std::int32_t partition = 0) {
    return topics[topic].partitions[partition];
  }
  StoryGroup& group(const std::string& name) {
    auto& group = groups[name];
    group.name = name;
    return group;
  }
  void write(const std::string& topic, std::int32_t partition, std::uint64_t messages) {
    if (messages == 0) return;
    auto& to = log(topic, partition);
    const auto stamped = stamp(now + stamp_error);
    const auto youngest = to.batches.empty() ? stamped : std::max(stamped, to.batches.back().youngest);
    to.batches.push_back({.first = to.end, .came = now, .stamped = stamped, .youngest = youngest});
    to.end += messages;
  }

  /// One round: commits, then ends, then what the signals want to know besides.
  void look() {
    signal_.begin();
    signal_.observe(facts());
    looks_ = 0;
    questions_ = 0;
    for (; looks_ < 16; ++looks_) {
      const auto wanted = signal_.ask_offsets();
      if (wanted.empty()) break;
      questions_ += wanted.size();
      signal_.observe(answer(wanted));
    }
    report();
  }
  /// Milliseconds pass.
  void pass(double milliseconds) { now += milliseconds; }
  /// The monitor starts anew and knows nothing.
  void restart() { signal_ = ConsumerLag(); }

  std::optional<double> value(const std::string& series) const {
    const auto found = values().find(series);
    return found != values().end() ? std::optional(found->second) : std::nullopt;
  }
  /// The sample of a group and topic, with one more label where that is given.
  const Sample* find(std::string_view family, std::string_view group, std::string_view topic,
                     std::string_view label = {}, std::string_view text = {}) const {
    for (const auto& sample : taken_) {
      const auto& labels = sample.series->labels;
      if (!sample.series->family->name.ends_with(family) || labels.get("topic") != topic) continue;
      if (labels.get("consumer_group") != group || !labels.get("partition").empty()) continue;
      if (label.empty() || labels.get(label) == text) return &sample;
    }
    return nullptr;
  }
  std::optional<double> of(std::string_view name, const std::string& group = "g",
                           const std::string& topic = "t") const {
    const auto* sample = find("quorumwatch_consumer_" + std::string(name), group, topic);
    return sample ? std::optional(sample->value) : std::nullopt;
  }
  std::string status(const std::string& group = "g", const std::string& topic = "t") const {
    std::string found = "none";
    for (const auto& sample : taken_) {
      const auto& labels = sample.series->labels;
      if (sample.series->family->name != "quorumwatch_consumer_status" || sample.value != 1) continue;
      if (labels.get("consumer_group") != group || labels.get("topic") != topic) continue;
      found = found == "none" ? std::string(labels.get("status")) : "two";
    }
    return found;
  }
  struct Error {
    std::string method;
    double seconds;
  };
  std::optional<Error> error(const std::string& group = "g", const std::string& topic = "t") const {
    const auto* sample = find("quorumwatch_consumer_lag_error_seconds", group, topic);
    if (!sample) return std::nullopt;
    return Error{std::string(sample->series->labels.get("method")), sample->value};
  }
  /// All of the last round, by name and labels; also checks that none is there twice.
  const std::map<std::string, double>& values() const {
    if (values_.empty()) list();
    return values_;
  }
  bool repeated() const { return values(), repeated_; }
  int looks() const { return looks_; }
  std::size_t questions() const { return questions_; }
  /// The last samples, for tables.
  const std::vector<Sample>& samples() const { return taken_; }

 private:
  static std::int64_t stamp(double t) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(kStoryBegan.time_since_epoch()).count() +
           static_cast<std::int64_t>(t);
  }
  static WallTime wall(std::int64_t milliseconds) {
    return WallTime(std::chrono::milliseconds(milliseconds));
  }

  Facts facts() const {
    Facts facts;
    facts.traits.consumers = detail;
    bool silent = false;
    for (const auto& [name, group] : groups) {
      if (!group.exists) continue;
      if (group.answers) {
        facts.groups.push_back(tell(group));
      } else {
        silent = true;
      }
    }
    for (const auto& [name, topic] : topics) facts.topics.push_back(tell(name, topic));
    for (const auto& topic : facts.topics) {
      for (const auto& partition : topic.partitions) silent |= !partition.end && !partition.leaderless;
    }
    if (silent)
      facts.unanswered.push_back({"b1", asked(now, now), qw::Error(ErrorKind::timeout, "deadline exceeded")});
    return facts;
  }
  ConsumerGroup tell(const StoryGroup& group) const {
    ConsumerGroup told{.name = group.name,
                       .asked = asked(now, now + latency),
                       .coordinator = "b1",
                       .state = group.state,
                       .members = group.members,
                       .generation = group.generation,
                       .topics = {}};
    auto topics_of = group.commits;
    for (const auto& [topic, partitions] : group.assigned) topics_of[topic];
    for (const auto& [topic, commits] : topics_of) {
      GroupTopic of{.topic = topic, .commits = {}, .assigned = {}};
      for (const auto& [partition, offset] : commits) of.commits.push_back({partition, offset});
      if (const auto it = group.assigned.find(topic); it != group.assigned.end()) of.assigned = it->second;
      told.topics.push_back(std::move(of));
    }
    return told;
  }
  TopicLog tell(const std::string& name, const StoryTopic& topic) const {
    TopicLog told{.topic = name, .identity = topic.identity, .retention = topic.retention, .partitions = {}};
    for (const auto& [partition, log] : topic.partitions) {
      PartitionLog of{.partition = partition,
                      .leaderless = log.leaderless,
                      .end = {},
                      .stable_end = {},
                      .start = {},
                      .asked_end = asked(now + latency, now + 2 * latency)};
      if (log.answers && !log.leaderless) {
        of.end = log.end;
        of.stable_end = log.stable_end;
        of.start = log.start;
      }
      told.partitions.push_back(std::move(of));
    }
    return told;
  }
  Facts answer(const std::vector<OffsetQuestion>& wanted) const {
    Facts facts;
    facts.traits.consumers = detail;
    if (!answers_questions) return facts;
    for (const auto& question : wanted) {
      const auto& log = topics.at(question.topic).partitions.at(question.partition);
      if (!log.answers) continue;
      OffsetAt answer{.question = question,
                      .asked = asked(now + 2 * latency, now + 3 * latency),
                      .asked_wall = kStoryBegan + (at(now + 2 * latency) - at(0)),
                      .offset = {},
                      .timestamp = {}};
      const auto batch = log.first_at_or_after(question.at);
      if (batch != log.batches.end()) {
        answer.offset = std::max(batch->first, log.start);
        answer.timestamp = wall(batch->stamped);
      }
      facts.offsets.push_back(std::move(answer));
    }
    return facts;
  }
  void report() {
    values_.clear();
    signal_.report(at(now + 4 * latency), samples_);
    taken_ = samples_.take();
  }
  void list() const {
    for (const auto& sample : taken_) {
      auto name = sample.series->family->name;
      constexpr std::string_view kPrefix = "quorumwatch_";
      if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
      std::string key(name);
      char separator = '{';
      for (const auto& [label, text] : sample.series->labels) {
        if (label == "system" || label == "target") continue;
        key.append(1, separator).append(label).append(1, '=').append(text);
        separator = ',';
      }
      if (separator == ',') key += '}';
      repeated_ |= !values_.emplace(std::move(key), sample.value).second;
    }
  }

  ConsumerLag signal_;
  Samples samples_{"kafka", "events"};
  std::vector<Sample> taken_;
  mutable std::map<std::string, double> values_;
  mutable bool repeated_ = false;
  int looks_ = 0;
  std::size_t questions_ = 0;
};

}  // namespace qw::signals
