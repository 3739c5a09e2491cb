#include "probes/signals/consumer_lag.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "probes/signals/consumer_samples.hpp"
#include "probes/signals/partition_choice.hpp"

namespace qw::signals {
namespace {

// A look of so many questions is one request a leader; so many a round are far from a burden to anybody.
constexpr std::size_t kQuestionsOfLook = 500;
constexpr std::size_t kQuestionsOfRound = 4000;
// Lags of seconds come and go, and who has one has many: only a few are dated better than looks can.
constexpr std::size_t kYoungOfLook = 50;
// Nobody answers such questions, as it seems.
constexpr Nanoseconds kPause = std::chrono::seconds(15);

// Names come from the network.
constexpr std::size_t kMostGroups = 200'000;
// Groups of a coordinator that does not answer are remembered for so long.
constexpr Nanoseconds kRemembered = std::chrono::hours(1);

/// A message that could be dated better.
struct Pending {
  Group* group;
  Consumer* consumer;
  Place* place;
  PartitionState* log;
  bool young;
};

struct Hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

}  // namespace

struct ConsumerLag::State {
  ConsumerDetail detail;
  PartitionLogs logs;
  std::unordered_map<std::string, std::unique_ptr<Group>, Hash, std::equal_to<>> groups;
  std::uint32_t round = 0;
  std::uint32_t look = 0;
  bool told = false;        ///< of groups and topics, in this round
  bool incomplete = false;  ///< somebody was silent then
  SteadyTime now;           ///< the newest look at a group
  SteadyTime paused_until;
  SteadyTime hour;  ///< in which statuses are noted as held
  std::vector<Pending> pending;
  std::vector<OffsetQuestion> questions;
  std::vector<PartitionState*> asked;  ///< whom the questions are for
  std::size_t questions_asked = 0;

  void take_up(const Facts& facts);
  void take_up(const ConsumerGroup& told);
  void forget_groups();
  void date_all();
  void date_places(Group& group, Consumer& consumer);
  bool date(const Pending& pending, std::size_t* near = nullptr);
  void take_answers(const std::vector<OffsetAt>& answers);
  void plan_questions();
  void judge_all();
};

ConsumerLag::ConsumerLag() : state_(std::make_unique<State>()) {}
ConsumerLag::~ConsumerLag() = default;
ConsumerLag::ConsumerLag(ConsumerLag&&) noexcept = default;
ConsumerLag& ConsumerLag::operator=(ConsumerLag&&) noexcept = default;

void ConsumerLag::begin() {
  auto& state = *state_;
  ++state.round;
  state.told = false;
  state.pending.clear();
  state.questions.clear();
  state.asked.clear();
  state.questions_asked = 0;
  state.logs.forget(state.round - 1, state.now);
}

void ConsumerLag::observe(const Facts& facts) {
  auto& state = *state_;
  ++state.look;
  if (!facts.offsets.empty() || !state.questions.empty()) state.take_answers(facts.offsets);
  if (!state.told) state.take_up(facts);
}

std::vector<OffsetQuestion> ConsumerLag::ask_offsets() const {
  return state_->questions;
}

void ConsumerLag::State::take_up(const Facts& facts) {
  if (facts.groups.empty() && facts.topics.empty() && facts.unanswered.empty()) return;
  told = true;
  incomplete = !facts.unanswered.empty();
  detail = facts.traits.consumers;
  for (const auto& topic : facts.topics) logs.observe(topic, round);
  for (const auto& group : facts.groups) take_up(group);
  forget_groups();
  date_all();
  plan_questions();
}

// Two members may tell of one group while it moves from one to the other: the one that knows it counts.
void ConsumerLag::State::take_up(const ConsumerGroup& told_group) {
  auto found = groups.find(told_group.name);
  if (found == groups.end()) {
    if (groups.size() >= kMostGroups) return;
    found = groups.emplace(told_group.name, std::make_unique<Group>()).first;
    found->second->name = told_group.name;
  }
  auto& group = *found->second;
  if (group.round == round && (group.state != ConsumerState::dead || told_group.state == ConsumerState::dead))
    return;
  follow(group, told_group, logs, round, detail.window);
  now = std::max(now, told_group.asked.received);
}

void ConsumerLag::State::forget_groups() {
  std::erase_if(groups, [this](const auto& entry) {
    const auto& group = *entry.second;
    return group.round != round && (!incomplete || now - group.asked.received > kRemembered);
  });
}

// Topic by topic, so that what is read is near.
void ConsumerLag::State::date_all() {
  std::vector<std::pair<Group*, Consumer*>> all;
  all.reserve(groups.size());
  for (auto& [name, group] : groups) {
    if (group->round != round) continue;
    for (auto& consumer : group->consumers) all.emplace_back(group.get(), &consumer);
  }
  std::ranges::sort(all, {}, [](const auto& one) { return one.second->log; });
  for (const auto& [group, consumer] : all) date_places(*group, *consumer);
}

void ConsumerLag::State::date_places(Group& group, Consumer& consumer) {
  if (!consumer.log) return;
  const auto first = pending.size();
  auto surely = SteadyTime::max();  // the worst lag of all began before this
  std::size_t near = 0;
  for (auto& place : consumer.places) {
    if (place.lag == 0) {
      place.dated = false;
      continue;
    }
    auto* log = consumer.log->find(place.partition);
    if (!log) continue;
    const Pending one{.group = &group,
                      .consumer = &consumer,
                      .place = &place,
                      .log = log,
                      .young = group.asked.received - place.moved < detail.window};
    // What lies between two looks of ours stays there.
    const bool again = !place.dated || place.dated_by == DatedBy::at_least || log->disturbed;
    if (again && !date(one, &near)) continue;
    if (!place.dated) continue;
    surely = std::min(surely, place.latest);
    const auto age = group.looked() - place.latest;
    if (place.dated_by == DatedBy::at_least || place.latest - place.earliest > 2 * tolerance(age)) {
      pending.push_back(one);
      pending.back().young = place.dated_by != DatedBy::at_least && age < detail.window;
    }
  }
  // Only what may be the worst is worth a question.
  const auto mine = pending.begin() + static_cast<std::ptrdiff_t>(first);
  pending.erase(
      std::remove_if(mine, pending.end(), [&](const Pending& one) { return one.place->earliest > surely; }),
      pending.end());
}

bool ConsumerLag::State::date(const Pending& one, std::size_t* near) {
  auto& place = *one.place;
  place.oldest_unread = place.position(*one.log);
  const auto dated = signals::date(one.log->history, one.log->truths.get(), logs.tie(),
                                   place.position(*one.log), one.group->looked(), look, near);
  place.dated = dated.has_value();
  if (!dated) return false;
  place.earliest = dated->earliest;
  place.latest = dated->latest;
  place.about = dated->about;
  place.dated_by = dated->by;
  return true;
}

// Who was asked and said nothing is not asked again in this round.
void ConsumerLag::State::take_answers(const std::vector<OffsetAt>& answers) {
  std::vector<PartitionState*> answered;
  answered.reserve(answers.size());
  for (const auto& answer : answers) {
    if (auto* log = logs.observe(answer, look)) answered.push_back(log);
  }
  std::ranges::sort(answered);
  std::ranges::sort(asked);
  if (answered.empty() && !asked.empty()) paused_until = now + kPause;
  std::erase_if(pending, [&](const Pending& one) {
    if (!std::ranges::binary_search(answered, one.log)) return std::ranges::binary_search(asked, one.log);
    return !date(one);
  });
  plan_questions();
}

// One question a partition and look: its answer is for all groups.
void ConsumerLag::State::plan_questions() {
  questions.clear();
  asked.clear();
  if (now < paused_until || pending.empty()) return;
  std::size_t young = 0;
  const Consumer* last_young = nullptr;
  const auto most =
      std::min(kQuestionsOfLook, kQuestionsOfRound - std::min(kQuestionsOfRound, questions_asked));
  const auto start = (round * kQuestionsOfLook) % pending.size();  // another one begins in the next round
  std::vector<bool> done(pending.size());
  for (std::size_t i = 0; i < pending.size() && questions.size() < most; ++i) {
    const auto index = (start + i) % pending.size();
    const auto& one = pending[index];
    if (one.log->asked == look || !one.log->has_end || one.log->round != round) continue;
    if (one.young && (young >= kYoungOfLook || one.consumer == last_young)) continue;
    const auto at = next_question(one.log->history, one.log->truths.get(), logs.tie(),
                                  one.place->position(*one.log), one.group->looked(), look);
    if (!at) {
      done[index] = true;
      continue;
    }
    one.log->asked = look;
    if (one.young) {
      ++young;
      last_young = one.consumer;
    }
    questions.push_back({.topic = one.consumer->topic, .partition = one.log->partition, .at = *at});
    asked.push_back(one.log);
  }
  questions_asked += questions.size();
  std::size_t index = 0;
  std::erase_if(pending, [&](const Pending&) { return done[index++]; });
}

void ConsumerLag::State::judge_all() {
  const bool new_hour = now - hour >= std::chrono::hours(1);
  if (new_hour) hour = now;
  for (auto& [name, group] : groups) {
    for (auto& consumer : group->consumers) {
      if (group->round == round) {
        judge(*group, consumer, detail.window, round);
        choose_partitions(*group, consumer, detail);
      } else {
        consumer.status = ConsumerStatus::unknown;
      }
      if (new_hour) consumer.held_before = std::exchange(consumer.held, std::uint16_t{0});
      consumer.held |= static_cast<std::uint16_t>(1U << static_cast<unsigned>(consumer.status));
    }
  }
}

void ConsumerLag::report(SteadyTime /*now*/, Samples& out) {
  auto& state = *state_;
  // In the first rounds of a large target these are most of all there is: not to be kept besides the samples.
  state.pending = std::vector<Pending>();
  state.questions = std::vector<OffsetQuestion>();
  state.asked = std::vector<PartitionState*>();
  if (!state.told || state.groups.empty()) return;
  state.judge_all();
  std::vector<ConsumerReport> reports;
  reports.reserve(state.groups.size());
  for (auto& [name, group] : state.groups) {
    const bool told = group->round == state.round;
    for (auto& consumer : group->consumers) {
      reports.push_back({.group = group.get(), .consumer = &consumer, .sum = {}, .told = told});
      if (told) reports.back().sum = summarize(*group, consumer, state.round);
    }
  }
  write_consumers(reports, state.detail, state.round, out);
  if (state.detail.kafka_lag_exporter_names) {
    write_kafka_lag_exporter(reports, state.logs, state.detail, state.round, out);
  }
}

std::span<const MetricFamily* const> ConsumerLag::families() {
  static const auto all = [] {
    std::vector<const MetricFamily*> families;
    for (const auto part : {consumer_families(), kafka_lag_exporter_families()}) {
      families.insert(families.end(), part.begin(), part.end());
    }
    return families;
  }();
  return all;
}

}  // namespace qw::signals
