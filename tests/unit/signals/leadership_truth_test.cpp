// Random histories of a cluster whose truth is known, watched through random latencies at random phases: what
// the signals say must never contradict the truth.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "probes/signals/split_brain.hpp"
#include "probes/signals/standing.hpp"
#include "story.hpp"

namespace qw::signals {
namespace {

enum class Event { transfer, kill, pause, partition };

/// All times in milliseconds.
struct Term {
  std::string leader;
  std::uint64_t epoch;
  Event event;      ///< what ended the term before
  double from, to;  ///< it is in the leader's state
};

/// What befalls one member for a while.
struct Trouble {
  std::string member;
  double from, to;
  enum Kind { dead, paused, leaderless } kind;
};

/// The truth. Members a, b, c (and d, e); events as measured on etcd (facts/servers.md section 3).
class History {
 public:
  History(std::uint64_t seed, double shortest_term) : random_(seed) {
    members_ = seed % 3 == 0 ? std::vector<std::string>{"a", "b", "c", "d", "e"}
                             : std::vector<std::string>{"a", "b", "c"};
    terms_.push_back({"a", 7, Event::transfer, -1e9, 1e9});
    double t = 6000;  // after the first look
    for (int i = 0; i < 6; ++i) {
      t += shortest_term + below(4000);
      elect(t);
    }
    end_ = t + shortest_term + 8000;
  }

  double below(double limit) { return std::uniform_real_distribution<double>(0, limit)(random_); }
  double end() const { return end_; }
  const std::vector<std::string>& members() const { return members_; }
  const std::vector<Term>& terms() const { return terms_; }
  std::uint64_t failed() const { return failed_; }

  const Trouble* trouble(const std::string& member, double t, Trouble::Kind kind) const {
    for (const auto& one : troubles_) {
      if (one.member == member && one.kind == kind && one.from <= t && t < one.to) return &one;
    }
    return nullptr;
  }
  const Term* leads(const std::string& member, double t) const {
    for (const auto& term : terms_) {
      if (term.leader == member && term.from <= t && t < term.to) return &term;
    }
    return nullptr;
  }
  const Term& newest(double t) const {
    const Term* newest = &terms_.front();
    for (const auto& term : terms_) {
      if (term.from <= t) newest = &term;
    }
    return *newest;
  }
  const Term& term(std::uint64_t epoch) const { return *std::ranges::find(terms_, epoch, &Term::epoch); }
  /// How many lead at one instant within the window, at most.
  unsigned most_leaders(double from, double to) const {
    unsigned most = 0;
    for (const auto& one : terms_) {
      const double t = std::max(one.from, from);
      if (t > std::min(one.to, to)) continue;
      most = std::max(most, static_cast<unsigned>(std::ranges::count_if(terms_, [t](const Term& other) {
                        return other.from <= t && t <= other.to;
                      })));
    }
    return most;
  }

 private:
  void elect(double t) {
    auto& old = terms_.back();
    const auto event = static_cast<Event>(random_() % 4);
    std::vector<std::string> candidates;
    for (const auto& member : members_) {
      const auto troubled = [&](const Trouble& one) { return one.member == member && one.to > t - 1000; };
      if (member != old.leader && std::ranges::none_of(troubles_, troubled)) candidates.push_back(member);
    }
    if (candidates.empty()) return;
    const auto& next = candidates[random_() % candidates.size()];
    std::uint64_t skipped = 0;
    const auto hit = [&](double from, double to, Trouble::Kind kind) {
      troubles_.push_back({old.leader, from, to, kind});
    };
    switch (event) {
      case Event::transfer:
        old.to = t - below(50);
        break;
      case Event::kill:
        old.to = t - 1000 - below(1000);
        hit(old.to, t + 500 + below(1500), Trouble::dead);
        bereave(old.leader, old.to + 1000, t);
        skipped = random_() % 3;
        break;
      case Event::pause: {
        const double wakes = t + below(1500);
        old.to = wakes + below(80);  // it believes in itself for a moment more
        hit(t - 1000 - below(600), wakes, Trouble::paused);
        bereave(old.leader, t - 300, t);
        break;
      }
      case Event::partition:
        old.to = t - 300 + below(1200);
        hit(old.to, t + 2000 + below(500), Trouble::leaderless);
        bereave(old.leader, t - 400, t);
        skipped = random_() % 2;
        break;
    }
    failed_ += skipped;
    terms_.push_back({next, old.epoch + 1 + skipped, event, t, 1e9});
  }
  void bereave(const std::string& leader, double from, double to) {
    for (const auto& member : members_) {
      if (member != leader) troubles_.push_back({member, from, to, Trouble::leaderless});
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> members_;
  std::vector<Term> terms_;
  std::vector<Trouble> troubles_;
  std::uint64_t failed_ = 0;
  double end_ = 0;
};

/// Polls a history as the daemon does, second looks included, and holds every report to the truth.
class Watch {
 public:
  Watch(History& history, double interval) : history_(history), interval_(interval) {}

  void run() {
    double t = history_.below(interval_);
    while (t < history_.end()) {
      const double ended = round(t);
      while (t < ended) t += interval_;
    }
  }
  const Story& story() const { return story_; }
  unsigned proofs() const { return proofs_; }

 private:
  double round(double start) {
    story_.judgement().begin();
    roster_.begin();
    double now = look(start, history_.members());
    for (int looks = 1; looks < 8; ++looks) {
      const auto doubts = story_.judgement().ask_again();
      if (doubts.empty()) break;
      now = look(now + history_.below(2), {doubts.front()});
    }
    now += 0.5;
    story_.report(at(now));
    split_brain_.judge(roster_, etcd(), replication_, at(now));
    check(start, now);
    return now;
  }

  double look(double sent, const std::vector<std::string>& members) {
    Look look(sent, sent);
    double end = sent;
    for (const auto& member : members) end = std::max(end, ask(look, member, sent));
    look.facts().traits = etcd();
    story_.judgement().observe(look.facts());
    for (const auto& claim : look.facts().claims) roster_.hear(claim, etcd().failure_detection);
    for (const auto& silent : look.facts().unanswered) roster_.miss(silent);
    return end;
  }

  double ask(Look& look, const std::string& member, double sent) {
    constexpr double kTimeout = 2000;
    const bool slow = history_.below(1) < 0.1;
    double heard = sent + 0.1 + history_.below(slow ? 300 : 8);
    if (const auto* pause = history_.trouble(member, heard, Trouble::paused)) heard = pause->to;
    const double received = heard + 0.1 + history_.below(slow ? 300 : 8);
    if (history_.trouble(member, heard, Trouble::dead) || received > sent + kTimeout) {
      look.during(sent, sent + kTimeout).silent(member);
      return sent + kTimeout;
    }
    look.during(sent, received);
    const auto& newest = history_.newest(heard);
    if (const auto* term = history_.leads(member, heard)) {
      look.leads(member, term->epoch);
    } else if (history_.trouble(member, heard, Trouble::leaderless) || newest.to <= heard) {
      look.has_no_leader(member, newest.epoch);
    } else {
      look.follows(member, newest.leader, newest.epoch);
    }
    return received;
  }

  void check(double start, double now) {
    EXPECT_LE(story_.value("leaders").value_or(0), history_.most_leaders(start, now)) << "at " << now;
    const auto* overlap = split_brain_.latest();
    if (!overlap) return;
    const auto* older = roster_.find(overlap->older)->find_reign(overlap->older_reign);
    const auto* newer = roster_.find(overlap->newer)->find_reign(overlap->newer_reign);
    if (!older || !newer) return;
    const auto& a = history_.term(*older->tenure.epoch);
    const auto& b = history_.term(*newer->tenure.epoch);
    const double truth = (std::min({a.to, b.to, now}) - std::max(a.from, b.from)) / 1000;
    EXPECT_GE(truth, 0) << "there was none";
    EXPECT_GE(truth + 1e-9, seconds(overlap->at_least)) << "at " << now;
    if (overlap->at_most) EXPECT_LE(truth - 1e-9, seconds(*overlap->at_most)) << "at " << now;
    ++proofs_;
  }

  History& history_;
  double interval_;
  Story story_{etcd()};
  Roster roster_;
  SplitBrain split_brain_;
  Replication replication_;
  unsigned proofs_ = 0;
};

// As many histories as QW_SEEDS says; the deep run takes thousands.
std::uint64_t seeds() {
  const char* text = std::getenv("QW_SEEDS");
  return text ? std::strtoull(text, nullptr, 10) : 200;
}
constexpr double kIntervals[] = {200, 500, 1000, 2500, 5000};

TEST(LeadershipTruth, NoFalseProofBoundsThatHoldAndEveryElectionOnce) {
  unsigned proofs = 0;
  double planned = 0, transfers = 0;
  for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
    const double interval = kIntervals[seed % std::size(kIntervals)];
    History history(seed, interval + 6000);
    Watch watch(history, interval);
    watch.run();
    const auto& story = watch.story();
    const auto elections =
        story.elections("planned") + story.elections("unplanned") + story.elections("unknown");
    ASSERT_EQ(elections, static_cast<double>(history.terms().size() - 1)) << "seed " << seed;
    ASSERT_EQ(story.elections("failed"), static_cast<double>(history.failed())) << "seed " << seed;
    ASSERT_EQ(story.value("leader_epoch_regressions_total"), 0) << "seed " << seed;
    const auto told = std::ranges::count(history.terms(), Event::transfer, &Term::event) - 1;
    ASSERT_LE(story.elections("planned"), static_cast<double>(told))
        << "seed " << seed << ": a failure was called planned";
    if (interval < 1000) planned += story.elections("planned"), transfers += static_cast<double>(told);
    proofs += watch.proofs();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(proofs, seeds() / 10) << "a test that proves nothing tests nothing";
  EXPECT_GT(planned, 0.6 * transfers) << "the others had a slow answer or a leaderless moment in between";
  RecordProperty("proofs", std::to_string(proofs));
  RecordProperty("planned_share", std::to_string(planned / transfers));
}

TEST(LeadershipTruth, ShortTermsAreNeverCountedBeyondTheEpochs) {
  for (std::uint64_t seed = 0; seed < seeds(); ++seed) {
    History history(seed, 300);
    Watch watch(history, kIntervals[seed % std::size(kIntervals)]);
    watch.run();
    const auto& story = watch.story();
    const auto elections =
        story.elections("planned") + story.elections("unplanned") + story.elections("unknown");
    ASSERT_LE(elections, static_cast<double>(history.terms().size() - 1)) << "seed " << seed;
    ASSERT_EQ(elections + story.elections("failed"), static_cast<double>(history.terms().back().epoch - 7))
        << "seed " << seed;
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace qw::signals
