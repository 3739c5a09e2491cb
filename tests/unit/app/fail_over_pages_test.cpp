// Who is paged: fail-overs and splits, as real clusters said them (tests/traces) and made ones, through the
// signals, the store and the shipped rules. 1,000 clean fail-overs page nobody for a split brain, and every
// unfenced split that outlives one interval pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "tests/systems/on_call.hpp"
#include "tests/traces/trace.hpp"
#include "tests/unit/signals/story.hpp"

namespace qw {
namespace {

using namespace std::chrono_literals;
using signals::Look;

const std::filesystem::path kSource = QW_SOURCE_DIR;
constexpr int kFailOvers = 1000, kSplits = 300;

traces::Trace recorded(const std::string& name) {
  std::ifstream in(kSource / "tests/traces" / (name + ".trace"));
  return traces::read_trace(in);
}

/// A round ends with what the signals make of it.
void end_round(signals::Judgement& judgement, SteadyTime now, test::OnCall& on_call) {
  Samples samples("system", "target");
  judgement.report(now, samples);
  auto round = std::make_shared<Round>();
  round->target = {.system = "system", .name = "target"};
  round->started = round->finished = now;
  round->success = true;
  round->samples = samples.take();
  on_call.hear(round);
}

/// Plays a recorded story to another watcher: one that looks less often, at other instants, over slower
/// lines, and does not always get an answer. What a member said was true between question and answer; with
/// more time around it the recorded words stay true.
class Replay {
 public:
  Replay(const traces::Trace& trace, std::uint64_t seed, double silence)
      : trace_(trace), random_(seed), silence_(silence) {}

  /// Every `stride`-th round.
  void play(std::size_t stride, test::OnCall& on_call) {
    signals::Judgement judgement;
    for (auto i = random_() % stride; i < trace_.rounds.size(); i += stride) {
      judgement.begin();
      auto now = trace_.rounds[i].finished;
      const auto& looks = trace_.rounds[i].looks;
      for (std::size_t look = 0; look < looks.size(); ++look) {
        auto facts = looks[look];
        disturb(facts, i == 0 ? SteadyTime() : trace_.rounds[i - 1].finished,
                look + 1 < looks.size() ? first_sent(looks[look + 1]) : now);
        judgement.observe(facts);
      }
      now = ask_again(judgement, i, stride, now);
      end_round(judgement, now, on_call);
    }
  }

 private:
  double below(double limit) { return std::uniform_real_distribution<double>(0, limit)(random_); }

  static SteadyTime first_sent(const Facts& facts) {
    auto first = SteadyTime::max();
    for (const auto& claim : facts.claims) first = std::min(first, claim.asked.sent);
    for (const auto& silent : facts.unanswered) first = std::min(first, silent.asked.sent);
    return first;
  }

  void disturb(Facts& facts, SteadyTime earliest, SteadyTime latest) {
    std::map<std::string, std::pair<Nanoseconds, Nanoseconds>> more;
    std::vector<std::string> mute;
    for (const auto& claim : facts.claims) {
      const double most = below(1) < 0.1 ? 300e6 : 8e6;
      more[claim.member] = {Nanoseconds(static_cast<std::int64_t>(below(most))),
                            Nanoseconds(static_cast<std::int64_t>(below(most)))};
      if (below(1) < silence_) mute.push_back(claim.member);
    }
    const auto stretch = [&](const std::string& speaker, Asked& asked) {
      const auto& [before, after] = more[speaker];
      asked.sent = std::min(asked.sent, std::max(asked.sent - before, earliest));
      asked.received = std::max(asked.received, std::min(asked.received + after, latest));
    };
    for (auto& claim : facts.claims) stretch(claim.member, claim.asked);
    for (auto& membership : facts.memberships) stretch(membership.member, membership.asked);
    for (auto& position : facts.positions) stretch(position.reported_by, position.asked);
    for (const auto& member : mute) {
      const auto claim = std::ranges::find(facts.claims, member, &LeadershipClaim::member);
      facts.unanswered.push_back({member, claim->asked, Error(ErrorKind::timeout, "deadline exceeded")});
      facts.claims.erase(claim);
      std::erase_if(facts.memberships, [&](const auto& one) { return one.member == member; });
      std::erase_if(facts.positions, [&](const auto& one) { return one.reported_by == member; });
    }
  }

  /// Whom this watcher wants to ask again says what it said in the next recorded rounds.
  SteadyTime ask_again(signals::Judgement& judgement, std::size_t round, std::size_t stride, SteadyTime now) {
    for (auto next = round + 1; next < std::min(round + stride, trace_.rounds.size()); ++next) {
      const auto doubts = judgement.ask_again();
      if (doubts.empty()) break;
      const auto& recorded = trace_.rounds[next].looks.front();
      const auto claim = std::ranges::find(recorded.claims, doubts.front(), &LeadershipClaim::member);
      Facts facts;
      facts.traits = recorded.traits;
      if (claim == recorded.claims.end()) {
        facts.unanswered.push_back({doubts.front(),
                                    {.sent = now, .received = trace_.rounds[next].finished},
                                    Error(ErrorKind::timeout, "deadline exceeded")});
      } else {
        facts.claims.push_back(*claim);
        for (const auto& position : recorded.positions) {
          if (position.reported_by == claim->member) facts.positions.push_back(position);
        }
      }
      judgement.observe(facts);
      now = trace_.rounds[next].finished;
    }
    return now;
  }

  const traces::Trace& trace_;
  std::mt19937_64 random_;
  double silence_;
};

TEST(FailOverPages, AThousandCleanFailOversPageNobodyForASplitBrain) {
  const std::vector<traces::Trace> clean{recorded("redis_forced_fail_over"), recorded("etcd_partition")};
  for (int i = 0; i < kFailOvers; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    test::OnCall on_call;
    Replay(clean[seed % 2], seed, 0.02).play(1 + seed / 2 % 10, on_call);
    ASSERT_FALSE(on_call.paged_for_a_split()) << "fail-over " << i;
  }
}

TEST(FailOverPages, EveryRecordedUnfencedSplitPages) {
  // Both last for many of the longest intervals that are played here: seconds of a split, 1 s at most.
  const std::vector<traces::Trace> splits{recorded("redis_isolated_primary"),
                                          recorded("etcd_force_new_cluster")};
  for (int i = 0; i < kSplits; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    test::OnCall on_call;
    Replay(splits[seed % 2], seed, 0).play(1 + seed / 2 % 5, on_call);
    ASSERT_TRUE(on_call.paged("QuorumwatchSplitBrain")) << "split " << i;
  }
}

/// A Redis primary that is cut off, a replica that is promoted, and a write that the old one takes; all at
/// random instants.
class MadeSplit {
 public:
  explicit MadeSplit(std::uint64_t seed) : random_(seed) {
    interval_ = 200 + below(4800);
    promoted_ = 3 * interval_ + below(interval_);
    written_ = promoted_ + below(8000);
    // Longer than what is promised by a little more than a look takes.
    healed_ = written_ + interval_ + 50 + below(2 * interval_);
  }

  void play(test::OnCall& on_call) {
    signals::Judgement judgement;
    for (double t = below(interval_); t < healed_ + 3 * interval_; t += interval_) {
      judgement.begin();
      double now = t;
      for (int looks = 0; looks < 6; ++looks) {
        const auto doubts = looks == 0 ? std::vector<std::string>{"r1", "r2"} : judgement.ask_again();
        if (doubts.empty()) break;
        now = look(judgement, looks == 0 ? doubts : std::vector{doubts.front()}, now);
      }
      end_round(judgement, signals::at(now + 0.5), on_call);
    }
  }

 private:
  double below(double limit) { return std::uniform_real_distribution<double>(0, limit)(random_); }

  double look(signals::Judgement& judgement, const std::vector<std::string>& members, double sent) {
    Look look(sent, sent);
    double end = sent;
    for (const auto& member : members) {
      const double heard = sent + 0.1 + below(4), received = heard + 0.1 + below(4);
      look.during(sent, received);
      const bool old = member == "r1";
      const auto written = static_cast<std::uint64_t>(heard < written_ ? 0 : 54 + (heard - written_) / 10);
      if (old && heard < healed_) {
        look.leads("r1", {}, "run1/x").stands("r1", Role::leader, "x", 148 + written);
      } else if (old) {
        look.follows("r1", "r2").stands("r1", Role::replica, "y", 500);
      } else if (heard < promoted_) {
        look.follows("r2", "r1").stands("r2", Role::replica, "x", 148);
      } else {
        look.leads("r2", {}, "run2/y").stands("r2", Role::leader, "y", 500).forked("x", 148);
      }
      end = std::max(end, received);
    }
    look.facts().traits = signals::redis();
    judgement.observe(look.facts());
    return end;
  }

  std::mt19937_64 random_;
  double interval_ = 0, promoted_ = 0, written_ = 0, healed_ = 0;
};

TEST(FailOverPages, EverySplitThatOutlivesOneIntervalPages) {
  for (int i = 0; i < kFailOvers; ++i) {
    test::OnCall on_call;
    MadeSplit(static_cast<std::uint64_t>(i)).play(on_call);
    ASSERT_TRUE(on_call.paged("QuorumwatchSplitBrain")) << "split " << i;
  }
}

}  // namespace
}  // namespace qw
