#include "daemon/schedule/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <stdexcept>

namespace qw::schedule {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

enum class Behaviour { answers, slow, hangs, ignores_deadline, throws };

/// What all fake probes of a test did.
struct Seen {
  int asking = 0;
  int most_asking = 0;
  std::map<std::string, int> asking_by_name;
  std::vector<std::string> order;
  bool overlapped = false;  ///< a target was asked twice at a time
};

/// Counts an ask for as long as its frame lives, however it ends.
class Count {
 public:
  Count(Seen& seen, std::string name) : seen_(seen), name_(std::move(name)) {
    seen_.most_asking = std::max(seen_.most_asking, ++seen_.asking);
    if (++seen_.asking_by_name[name_] > 1) seen_.overlapped = true;
    seen_.order.push_back(name_);
  }
  Count(const Count&) = delete;
  Count& operator=(const Count&) = delete;
  ~Count() {
    --seen_.asking;
    --seen_.asking_by_name[name_];
  }

 private:
  Seen& seen_;
  std::string name_;
};

class FakeProbe final : public probes::Probe {
 public:
  FakeProbe(Seen& seen, std::string name, Behaviour behaviour, Nanoseconds takes)
      : seen_(seen), name_(std::move(name)), behaviour_(behaviour), takes_(takes) {}

  Task<Result<Facts>> ask(probes::Question /*question*/, SteadyTime deadline) override {
    Count count(seen_, name_);
    switch (behaviour_) {
      case Behaviour::answers:
        break;
      case Behaviour::slow:
        co_await async::sleep_until(steady_clock::now() + takes_);
        break;
      case Behaviour::hangs:
        co_await async::sleep_until(deadline);
        break;
      case Behaviour::ignores_deadline:
        co_await async::sleep_until(deadline + seconds(60));
        break;
      case Behaviour::throws:
        throw std::runtime_error("a bug");
    }
    Facts facts;
    facts.round_trips.emplace_back().member = "m";
    co_return facts;
  }

 private:
  Seen& seen_;
  std::string name_;
  Behaviour behaviour_;
  Nanoseconds takes_;
};

class Notes final : public Observer {
 public:
  void on_start(const TargetId& id, Nanoseconds late) override {
    ++starts[id.name];
    lateness.push_back(late);
  }
  void on_missed(const TargetId& id, std::uint64_t count) override { missed[id.name] += count; }
  void on_round(RoundPtr round, SteadyTime due) override {
    dues[round->target.name].push_back(due);
    missed_before[round->target.name].push_back(missed[round->target.name]);
    rounds[round->target.name].push_back(std::move(round));
  }
  void on_removed(const TargetId& id) override { removed.push_back(id.name); }
  void on_exchanged(const TargetId& id) override { exchanged.push_back(id.name); }

  std::map<std::string, int> starts;
  std::map<std::string, std::uint64_t> missed;
  std::map<std::string, std::vector<SteadyTime>> dues;
  std::map<std::string, std::vector<std::uint64_t>> missed_before;  ///< each round
  std::map<std::string, std::vector<RoundPtr>> rounds;
  std::vector<std::string> removed;
  std::vector<std::string> exchanged;
  std::vector<Nanoseconds> lateness;
};

class SchedulerTest : public testing::Test {
 protected:
  Entry entry(std::string name, Behaviour behaviour, Nanoseconds interval, Nanoseconds timeout,
              std::uint64_t fingerprint = 1, Nanoseconds takes = {}) {
    Entry out;
    out.id = {.system = "fake", .name = name};
    out.fingerprint = fingerprint;
    out.interval = interval;
    out.timeout = timeout;
    out.make = [this, name, behaviour, takes]() -> Result<std::unique_ptr<probes::Target>> {
      ++made[name];
      return std::make_unique<probes::Target>(TargetId{.system = "fake", .name = name},
                                              std::make_unique<FakeProbe>(seen, name, behaviour, takes),
                                              clock);
    };
    return out;
  }
  /// The same target whose probe is now called `probe`.
  Entry with_members(Entry of, std::uint64_t members, std::string probe) {
    of.members_fingerprint = members;
    of.make_probe = [this, probe]() -> Result<std::unique_ptr<probes::Probe>> {
      if (probe.empty()) return fail(ErrorKind::config, "no such file: x.pem");
      ++made[probe];
      return std::make_unique<FakeProbe>(seen, probe, Behaviour::answers, Nanoseconds{});
    };
    return of;
  }
  Entry failing(std::string name, std::string why) {
    auto out = entry(std::move(name), Behaviour::answers, seconds(1), seconds(1), 99);
    out.make = [why]() -> Result<std::unique_ptr<probes::Target>> { return fail(ErrorKind::config, why); };
    return out;
  }
  std::unique_ptr<Scheduler> make(std::size_t max_in_flight = Scheduler::kMaxInFlight) {
    return std::make_unique<Scheduler>(
        io.get_executor(), clock, notes,
        [this](std::string_view task, const std::string& what) {
          bugs.push_back(std::string(task) + ": " + what);
        },
        max_in_flight);
  }
  /// False when the condition did not come true in time.
  template <class Condition>
  bool run_until(Condition condition, Nanoseconds within = seconds(10)) {
    const auto limit = steady_clock::now() + within;
    while (!condition()) {
      if (steady_clock::now() > limit) return false;
      io.restart();
      io.run_one_for(milliseconds(5));
    }
    return true;
  }
  static Task<void> stop_and_note(Scheduler& scheduler, bool& stopped) {
    co_await scheduler.stop();
    stopped = true;
  }
  bool stop(Scheduler& scheduler) {
    bool stopped = false;
    async::TaskGroup group(io.get_executor(),
                           [](std::string_view, const std::string& what) { FAIL() << what; });
    group.spawn("stop", stop_and_note(scheduler, stopped));
    return run_until([&] { return stopped; });
  }

  SystemClock clock;
  Seen seen;
  Notes notes;
  std::map<std::string, int> made;
  std::vector<std::string> bugs;
  asio::io_context io{1};
};

TEST_F(SchedulerTest, MeasuresEachTargetOnItsGrid) {
  auto scheduler = make();
  ASSERT_THAT(scheduler->replace({entry("a", Behaviour::answers, milliseconds(20), milliseconds(20)),
                                  entry("b", Behaviour::answers, milliseconds(50), milliseconds(50))}),
              IsEmpty());
  EXPECT_EQ(scheduler->size(), 2U);
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 6 && notes.rounds["b"].size() >= 3; }));
  for (const auto& [name, interval] : {std::pair("a", milliseconds(20)), std::pair("b", milliseconds(50))}) {
    const auto& dues = notes.dues[name];
    for (std::size_t i = 0; i < dues.size(); ++i) {
      EXPECT_EQ((dues[i] - dues[0]) % interval, Nanoseconds(0));
      EXPECT_EQ(notes.rounds[name][i]->number, i + 1);
      EXPECT_GE(notes.rounds[name][i]->started, dues[i]);
      EXPECT_TRUE(notes.rounds[name][i]->success);
    }
  }
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, NeverRunsTwoRoundsOfATargetAndCountsExactlyWhatItMissed) {
  auto scheduler = make();
  scheduler->replace({entry("slow", Behaviour::slow, milliseconds(10), seconds(1), 1, milliseconds(25))});
  ASSERT_TRUE(run_until([&] { return notes.rounds["slow"].size() >= 6; }));
  EXPECT_FALSE(seen.overlapped);
  const auto& dues = notes.dues["slow"];
  for (std::size_t i = 1; i < dues.size(); ++i) {
    const auto grid_points = static_cast<std::uint64_t>((dues[i] - dues[0]) / milliseconds(10));
    EXPECT_EQ(grid_points, i + notes.missed_before["slow"][i]);
  }
  EXPECT_GE(notes.missed["slow"], 2 * (dues.size() - 1)) << "25 ms take up three grid points of 10 ms";
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, AHungTargetDelaysNobody) {
  auto scheduler = make();
  std::vector<Entry> entries;
  for (int i = 0; i < 20; ++i) {
    entries.push_back(
        entry("hung" + std::to_string(i), Behaviour::hangs, milliseconds(100), milliseconds(100)));
  }
  entries.push_back(entry("good", Behaviour::answers, milliseconds(20), milliseconds(20)));
  scheduler->replace(std::move(entries));
  ASSERT_TRUE(run_until([&] { return notes.rounds["good"].size() >= 20; }));
  const auto& dues = notes.dues["good"];
  EXPECT_LT(dues.back() - dues.front(), milliseconds(20 * 20 + 200));
  for (const auto& round : notes.rounds["good"])
    EXPECT_LT(round->finished - round->started, milliseconds(50));
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, APhaseIsTheSameAfterARestartAndAReload) {
  const auto grid = [](SteadyTime due) { return due.time_since_epoch() % milliseconds(30); };
  auto scheduler = make();
  scheduler->replace({entry("a", Behaviour::answers, milliseconds(30), milliseconds(30))});
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 2; }));
  const auto phase = grid(notes.dues["a"].front());
  ASSERT_TRUE(stop(*scheduler));

  notes.dues.clear();
  auto again = make();
  again->replace({entry("a", Behaviour::answers, milliseconds(30), milliseconds(30))});
  ASSERT_TRUE(run_until([&] { return notes.dues["a"].size() >= 2; }));
  again->replace({entry("a", Behaviour::answers, milliseconds(30), milliseconds(30), 2),
                  entry("b", Behaviour::answers, seconds(1), seconds(1))});
  const auto so_far = notes.dues["a"].size();
  ASSERT_TRUE(run_until([&] { return notes.dues["a"].size() >= so_far + 2; }));
  for (const auto due : notes.dues["a"]) EXPECT_EQ(grid(due), phase);
  EXPECT_TRUE(stop(*again));
}

TEST_F(SchedulerTest, ReplaceKeepsUnchangedTargetsWithTheirHistory) {
  auto scheduler = make();
  scheduler->replace({entry("a", Behaviour::answers, milliseconds(10), milliseconds(10))});
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 3; }));
  EXPECT_THAT(scheduler->replace({entry("b", Behaviour::answers, milliseconds(10), milliseconds(10)),
                                  entry("a", Behaviour::answers, milliseconds(10), milliseconds(10))}),
              IsEmpty());
  const auto so_far = notes.rounds["a"].size();
  ASSERT_TRUE(
      run_until([&] { return notes.rounds["a"].size() >= so_far + 2 && notes.rounds["b"].size() >= 2; }));
  EXPECT_EQ(made["a"], 1);
  EXPECT_EQ(notes.rounds["a"].back()->number, notes.rounds["a"].size()) << "the count goes on";
  EXPECT_THAT(notes.removed, IsEmpty());
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, OtherMembersAreAskedFromTheNextRoundOnAndNothingIsForgotten) {
  auto scheduler = make();
  const auto slow = entry("a", Behaviour::slow, milliseconds(20), milliseconds(20), 1, milliseconds(10));
  scheduler->replace({slow});
  ASSERT_TRUE(run_until([&] { return seen.asking == 1 && notes.rounds["a"].size() >= 2; }));
  EXPECT_THAT(scheduler->replace({with_members(slow, 7, "other")}), IsEmpty());
  EXPECT_THAT(notes.exchanged, IsEmpty()) << "a round is under way";
  const auto so_far = notes.rounds["a"].size();
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= so_far + 3; }));
  EXPECT_EQ(made["a"], 1);
  EXPECT_EQ(made["other"], 1);
  EXPECT_THAT(notes.exchanged, ElementsAre("a"));
  EXPECT_EQ(seen.order.back(), "other");
  EXPECT_EQ(notes.rounds["a"].back()->number, notes.rounds["a"].size()) << "the count goes on";
  EXPECT_THAT(notes.removed, IsEmpty());

  scheduler->replace({with_members(slow, 7, "never")});
  EXPECT_EQ(made.count("never"), 0U) << "the members are the same";
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, AProbeThatCanNotBeMadeChangesNothing) {
  auto scheduler = make();
  const auto a = entry("a", Behaviour::answers, milliseconds(10), milliseconds(10));
  const auto b = entry("b", Behaviour::answers, milliseconds(10), milliseconds(10));
  scheduler->replace({a, b});
  const auto errors = scheduler->replace({with_members(a, 7, "other"), with_members(b, 7, "")});
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].message(), "fake b: no such file: x.pem");
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 2 && notes.rounds["b"].size() >= 2; }));
  EXPECT_THAT(notes.exchanged, IsEmpty());
  EXPECT_THAT(scheduler->replace({with_members(a, 7, "other"), b}), IsEmpty()) << "tried again";
  ASSERT_TRUE(run_until([&] { return notes.exchanged.size() == 1; }));
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, ReplaceMakesChangedTargetsAnewOnceTheOldRoundHasEnded) {
  struct Case {
    const char* what;
    Nanoseconds interval;
    Nanoseconds timeout;
    std::uint64_t fingerprint;
  };
  for (const auto& test : {Case{"fingerprint", milliseconds(20), seconds(5), 2},
                           Case{"interval", milliseconds(30), seconds(5), 1},
                           Case{"timeout", milliseconds(20), seconds(6), 1}}) {
    made.clear();
    notes.removed.clear();
    auto scheduler = make();
    scheduler->replace({entry("a", Behaviour::hangs, milliseconds(20), seconds(5))});
    ASSERT_TRUE(run_until([&] { return seen.asking == 1; }));
    notes.rounds.clear();
    scheduler->replace({entry("a", Behaviour::answers, test.interval, test.timeout, test.fingerprint)});
    ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 2; }, seconds(3))) << test.what;
    EXPECT_EQ(made["a"], 2) << test.what;
    EXPECT_EQ(notes.rounds["a"].front()->number, 1U) << "the cancelled round is not published";
    EXPECT_FALSE(seen.overlapped);
    EXPECT_THAT(notes.removed, IsEmpty()) << "it is still configured";
    EXPECT_TRUE(stop(*scheduler));
  }
}

TEST_F(SchedulerTest, ARemovedTargetIsToldOnlyAfterItsRoundEnded) {
  auto scheduler = make();
  scheduler->replace({entry("hung", Behaviour::hangs, milliseconds(10), seconds(30)),
                      entry("idle", Behaviour::answers, std::chrono::hours(1), seconds(1))});
  ASSERT_TRUE(run_until([&] { return seen.asking == 1; }));
  scheduler->replace({});
  EXPECT_EQ(scheduler->size(), 0U);
  EXPECT_THAT(notes.removed, IsEmpty()) << "its round has not ended yet";
  ASSERT_TRUE(run_until([&] { return notes.removed.size() == 2; }, seconds(2)));
  EXPECT_EQ(seen.asking, 0);
  EXPECT_THAT(notes.removed, testing::UnorderedElementsAre("hung", "idle"));
  EXPECT_THAT(notes.rounds["hung"], IsEmpty());
  EXPECT_EQ(scheduler->in_flight(), 0U);
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, ManyReplacementsAtOnceEndInTheLastOne) {
  auto scheduler = make();
  scheduler->replace({entry("a", Behaviour::hangs, milliseconds(10), seconds(30), 0),
                      entry("b", Behaviour::hangs, milliseconds(10), seconds(30), 0)});
  ASSERT_TRUE(run_until([&] { return seen.asking == 2; }));
  for (std::uint64_t i = 1; i <= 50; ++i) {
    scheduler->replace({entry("a", Behaviour::answers, milliseconds(10), seconds(1), i)});
    scheduler->replace({});
  }
  scheduler->replace({entry("a", Behaviour::answers, milliseconds(10), seconds(1), 100)});
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 3 && !notes.removed.empty(); }));
  EXPECT_THAT(notes.removed, ElementsAre("b"));
  EXPECT_FALSE(seen.overlapped);
  EXPECT_EQ(scheduler->size(), 1U);
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, WhenOneTargetCannotBeMadeTheOldScheduleGoesOnUntouched) {
  auto scheduler = make();
  scheduler->replace({entry("a", Behaviour::answers, milliseconds(10), milliseconds(10))});
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= 2; }));
  const auto errors =
      scheduler->replace({entry("new", Behaviour::answers, milliseconds(10), milliseconds(10)),
                          failing("x", "no such file: x.pem"), failing("y", "no such file: y.pem")});
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].message(), "fake x: no such file: x.pem");
  EXPECT_EQ(errors[1].message(), "fake y: no such file: y.pem");
  EXPECT_EQ(scheduler->size(), 1U);
  const auto so_far = notes.rounds["a"].size();
  ASSERT_TRUE(run_until([&] { return notes.rounds["a"].size() >= so_far + 3; }));
  EXPECT_EQ(notes.rounds["a"].back()->number, notes.rounds["a"].size());
  EXPECT_EQ(notes.starts.count("new"), 0U);
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, TwoTargetsOfOneNameAreRefused) {
  auto scheduler = make();
  const auto errors = scheduler->replace({entry("a", Behaviour::answers, seconds(1), seconds(1)),
                                          entry("a", Behaviour::answers, seconds(1), seconds(1), 2)});
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].message(), HasSubstr("two targets"));
  EXPECT_EQ(scheduler->size(), 0U);
}

TEST_F(SchedulerTest, AProbeThatIgnoresItsDeadlineIsEndedAndReported) {
  auto scheduler = make();
  scheduler->replace({entry("deaf", Behaviour::ignores_deadline, milliseconds(20), milliseconds(20))});
  ASSERT_TRUE(run_until([&] { return notes.rounds["deaf"].size() >= 2; }, seconds(5)));
  for (const auto& round : notes.rounds["deaf"]) {
    EXPECT_FALSE(round->success);
    EXPECT_THAT(round->reason, HasSubstr("fake deaf: internal error"));
    EXPECT_EQ(round->samples.size(), 1U);
    EXPECT_LT(round->finished - round->started, milliseconds(20) + Scheduler::kGrace + milliseconds(200));
  }
  EXPECT_EQ(notes.rounds["deaf"][1]->number, 2U);
  EXPECT_GE(notes.missed["deaf"], 5U);
  EXPECT_THAT(bugs, IsEmpty());
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, AnExceptionOfAProbeIsABug) {
  auto scheduler = make();
  scheduler->replace({entry("bad", Behaviour::throws, milliseconds(10), milliseconds(10)),
                      entry("good", Behaviour::answers, milliseconds(10), milliseconds(10))});
  ASSERT_TRUE(run_until([&] { return !bugs.empty(); }));
  EXPECT_THAT(bugs, ElementsAre("target fake bad: a bug"));
  EXPECT_TRUE(run_until([&] { return scheduler->in_flight() == 0; })) << "its slot is free again";
  scheduler->replace({entry("good", Behaviour::answers, milliseconds(10), milliseconds(10))});
  EXPECT_THAT(notes.removed, ElementsAre("bad"));
  EXPECT_TRUE(stop(*scheduler));
}

TEST_F(SchedulerTest, NoMoreRoundsRunAtATimeThanAllowedAndNobodyIsOvertaken) {
  auto scheduler = make(2);
  std::vector<Entry> entries;
  for (int i = 0; i < 10; ++i) {
    entries.push_back(
        entry("t" + std::to_string(i), Behaviour::slow, milliseconds(40), seconds(1), 1, milliseconds(20)));
  }
  scheduler->replace(std::move(entries));
  ASSERT_TRUE(run_until([&] { return seen.order.size() >= 60; }));
  EXPECT_EQ(seen.most_asking, 2);
  EXPECT_FALSE(seen.overlapped);
  // First come first served under overload: everybody has had about the same number of rounds.
  std::map<std::string, int> turns;
  for (const auto& name : seen.order) ++turns[name];
  EXPECT_EQ(turns.size(), 10U);
  for (const auto& [name, count] : turns) EXPECT_GE(count, 4) << name;
  EXPECT_TRUE(stop(*scheduler));
  EXPECT_EQ(scheduler->in_flight(), 0U);
}

TEST_F(SchedulerTest, StopEndsAHundredHungRoundsAtOnce) {
  auto scheduler = make(50);  // half of them wait for a slot
  std::vector<Entry> entries;
  for (int i = 0; i < 100; ++i)
    entries.push_back(entry("h" + std::to_string(i), Behaviour::hangs, milliseconds(20), seconds(60)));
  entries.push_back(entry("deaf", Behaviour::ignores_deadline, milliseconds(20), seconds(60)));
  scheduler->replace(std::move(entries));
  ASSERT_TRUE(run_until([&] { return seen.asking == 50; }));
  const auto start = steady_clock::now();
  ASSERT_TRUE(stop(*scheduler));
  EXPECT_LT(steady_clock::now() - start, seconds(2));
  EXPECT_EQ(seen.asking, 0);
  EXPECT_EQ(scheduler->in_flight(), 0U);
  EXPECT_THAT(notes.rounds, IsEmpty());
  EXPECT_THAT(bugs, IsEmpty());
  EXPECT_EQ(scheduler->replace({entry("late", Behaviour::answers, seconds(1), seconds(1))}).size(), 1U);
}

TEST_F(SchedulerTest, TheSchedulerMayGoBeforeTheLoop) {
  for (const bool run_on : {false, true}) {
    auto scheduler = make(1);
    scheduler->replace({entry("a", Behaviour::hangs, milliseconds(10), seconds(60)),
                        entry("b", Behaviour::hangs, milliseconds(10), seconds(60)),
                        entry("c", Behaviour::answers, std::chrono::hours(1), seconds(1))});
    ASSERT_TRUE(run_until([&] { return seen.asking == 1; }));
    scheduler.reset();
    if (run_on) EXPECT_TRUE(run_until([&] { return seen.asking == 0; }));
  }
}

double percentile(std::vector<Nanoseconds> values, double part) {
  std::ranges::sort(values);
  return qw::seconds(values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))]);
}

Task<void> bare_timer(Nanoseconds interval, SteadyTime due, std::vector<Nanoseconds>& lateness) {
  while (true) {
    const bool awake = co_await async::sleep_until(due);
    if (!awake) co_return;
    lateness.push_back(steady_clock::now() - due);
    due += interval;
  }
}

/// The short form of tests/bench/lateness_bench.cpp: both run on the same loop at the same time, so that a
/// busy machine hurts both.
TEST_F(SchedulerTest, AThousandTargetsWithAThirdHungStartOnTimeBesideBareTimers) {
  auto scheduler = make();
  std::vector<Entry> entries;
  for (int i = 0; i < 1000; ++i) {
    entries.push_back(entry("t" + std::to_string(i), i % 10 < 3 ? Behaviour::hangs : Behaviour::answers,
                            seconds(1), milliseconds(500)));
  }
  std::vector<Nanoseconds> control;
  async::TaskGroup timers(io.get_executor(),
                          [](std::string_view, const std::string&) {});  // cancellation at the end
  for (int i = 0; i < 100; ++i)
    timers.spawn("timer",
                 bare_timer(seconds(1),
                            first_due(steady_clock::now(), seconds(1), static_cast<std::uint64_t>(i) * 7919),
                            control));
  scheduler->replace(std::move(entries));
  ASSERT_TRUE(run_until([&] { return notes.lateness.size() >= 3000; }, seconds(30)));
  ASSERT_GE(control.size(), 200U);
  EXPECT_LE(percentile(notes.lateness, 0.99), percentile(control, 0.99) * 3 + 0.005);
  std::uint64_t missed = 0;
  for (const auto& [name, count] : notes.missed) missed += count;
  EXPECT_EQ(missed, 0U);
  timers.cancel();
  EXPECT_TRUE(stop(*scheduler));
  EXPECT_TRUE(run_until([&] { return timers.size() == 0; }));
}

}  // namespace
}  // namespace qw::schedule
