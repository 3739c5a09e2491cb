#include "daemon/round_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "probes/signals/judgement.hpp"

namespace qw {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

/// A round as a Target makes it: the real signals judge the facts.
class TableTest : public testing::Test {
 protected:
  LeadershipClaim& claim(std::string member, Claim what, std::optional<std::uint64_t> epoch = 7,
                         std::string follows = "") {
    auto& out = facts.claims.emplace_back();
    out.member = std::move(member);
    out.asked = asked();
    out.claim = what;
    out.tenure = {.lineage = "c1", .epoch = epoch, .token = ""};
    if (!follows.empty()) out.follows = std::move(follows);
    return out;
  }
  ReplicaPosition& position(std::string member, Role role, std::uint64_t at, Link link = Link::unknown) {
    auto& out = facts.positions.emplace_back();
    out.member = out.reported_by = std::move(member);
    out.asked = asked();
    out.role = role;
    out.lineage = "c1";
    out.position = at;
    out.link = link;
    return out;
  }
  void silent(std::string member, std::string reason) {
    facts.unanswered.push_back({.member = std::move(member),
                                .asked = asked(),
                                .error = Error(ErrorKind::refused, std::move(reason))});
  }
  Asked asked() {
    now += milliseconds(2);  // there is time between the questions, so that an overlap has a length
    return {.sent = now - milliseconds(1), .received = now};
  }
  std::string print(bool color = false) {
    Samples samples("etcd", "plane");
    signals::Judgement judgement;
    judgement.begin();
    judgement.observe(facts);
    for (auto& look : second_looks) {
      judgement.observe(look);
      facts.append(std::move(look));
    }
    judgement.report(now, samples);
    Round round;
    round.target = {.system = "etcd", .name = "plane"};
    round.started = SteadyTime(seconds(100));
    round.finished = now;
    round.at = WallTime(seconds(1'700'000'000));
    round.success = !facts.claims.empty() || !facts.round_trips.empty();
    round.reason = round.success ? "" : "etcd plane: no member answered: connection refused (a)";
    round.facts = facts;
    if (round.success) round.samples = samples.take();
    return print_round(round, color);
  }

  /// What was found so far was the first look, or an earlier one; `facts` is the next.
  Facts take() { return std::exchange(facts, Facts()); }

  Facts facts;
  std::vector<Facts> second_looks;
  SteadyTime now{seconds(100)};
};

TEST_F(TableTest, AHealthyClusterSaysWhoLeadsInWhichEpochAndWhoIsBehind) {
  claim("a:1", Claim::leader);
  claim("b:1", Claim::not_leader, 7, "a:1");
  position("a:1", Role::leader, 18'446'744'073'709'551'000ULL);
  position("b:1", Role::replica, 18'446'744'073'709'550'900ULL, Link::up);
  facts.round_trips.push_back(
      {.member = "b:1", .method = "http", .asked = asked(), .value = milliseconds(2), .error = {}});
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("etcd plane   2023-11-14T22:13:20Z"));
  EXPECT_THAT(text, HasSubstr("leader: a:1, epoch 7, since ?"));
  EXPECT_THAT(text, HasSubstr("18446744073709550900")) << "positions are exact";
  EXPECT_THAT(text, HasSubstr("100 B")) << text;
  EXPECT_THAT(text, HasSubstr("2.0 ms"));
  EXPECT_THAT(text, HasSubstr("up"));
  EXPECT_THAT(text, HasSubstr("? since:")) << "what is unknown has a note";
  EXPECT_THAT(text, Not(HasSubstr("SPLIT BRAIN")));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST_F(TableTest, AMemberThatIsSilentIsUnknownNotZero) {
  claim("a:1", Claim::leader);
  position("a:1", Role::leader, 100);
  silent("c:1", "connection refused");
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("c:1 did not answer: connection refused"));
  const auto at = text.find("\n  c:1");
  const auto row = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
  EXPECT_THAT(row, HasSubstr("NO"));
  EXPECT_THAT(row, HasSubstr("?"));
  EXPECT_THAT(row, Not(HasSubstr("0")));
}

TEST_F(TableTest, NodesHaveTheWayToEachAndNoColumnsOfLeaders) {
  const auto packets = [this](std::string member, std::uint64_t received) {
    PacketTrain train;
    train.member = member;
    train.method = "stamp";
    train.asked = asked();
    train.sent = 50;
    train.received = received;
    facts.trains.push_back(train);
    if (received == 0) return;
    facts.round_trips.push_back({.member = std::move(member),
                                 .method = "stamp",
                                 .asked = train.asked,
                                 .value = std::chrono::microseconds(120),
                                 .error = std::chrono::microseconds(4)});
  };
  packets("10.0.0.1", 50);
  packets("10.0.0.2", 49);
  packets("10.0.0.3", 0);
  const auto text = print();
  EXPECT_THAT(text, Not(HasSubstr("EPOCH")));
  EXPECT_THAT(text, HasSubstr("PEER"));
  EXPECT_THAT(text, HasSubstr("120 us +- 4 us"));
  EXPECT_THAT(text, HasSubstr("0 of 50"));
  EXPECT_THAT(text, HasSubstr("1 of 50"));
  EXPECT_THAT(text, HasSubstr("no answer"));
  const auto table = text.substr(text.find("PEER"));
  EXPECT_LT(table.find("10.0.0.3"), table.find("10.0.0.1")) << "those in trouble first\n" << text;
}

TEST_F(TableTest, WhenNobodyAnsweredTheReasonIsThere) {
  silent("a", "connection refused");
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("NOBODY ANSWERED"));
  EXPECT_THAT(text, HasSubstr("no member answered: connection refused (a)"));
}

TEST_F(TableTest, WhenNobodyLeadsThatIsNotHidden) {
  claim("a:1", Claim::not_leader);
  claim("b:1", Claim::not_leader).campaigning = true;
  const auto text = print();
  EXPECT_THAT(text, testing::AnyOf(HasSubstr("leader: NOBODY leads"), HasSubstr("leader: ?")));
  EXPECT_THAT(text, HasSubstr("standing for election"));
}

TEST_F(TableTest, AProvenOverlapIsASplitBrain) {
  claim("a:1", Claim::leader, 7);
  claim("b:1", Claim::leader, 8);
  auto first = take();
  first.traits.fencing = Fencing::unfenced;
  for (const auto& [member, epoch] : {std::pair("a:1", 7U), std::pair("b:1", 8U)}) {
    claim(member, Claim::leader, epoch);
    second_looks.push_back(take());
  }
  facts = std::move(first);
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("SPLIT BRAIN (unfenced): both led for at least")) << text;
  EXPECT_THAT(text, HasSubstr("leader: a:1, epoch 7"));
  EXPECT_THAT(text, HasSubstr("leader: b:1, epoch 8"));
}

TEST_F(TableTest, TwoLeadersThatNobodyFollowedUpAreAClaimOnly) {
  claim("a:1", Claim::leader, 7);
  claim("b:1", Claim::leader, 8);
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("not provably at the same instant"));
  EXPECT_THAT(text, Not(HasSubstr("SPLIT BRAIN")));
}

TEST_F(TableTest, TwoLeadersWithinTheTimeOfAFailOverAreSaidToBeSo) {
  claim("a:1", Claim::leader, 7);
  claim("b:1", Claim::leader, 8);
  auto first = take();
  first.traits = {.fencing = Fencing::unfenced, .failure_detection = seconds(1), .settling = seconds(30)};
  claim("a:1", Claim::leader, 7);
  second_looks.push_back(take());
  facts = std::move(first);
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("2 members led at the same instant"));
  EXPECT_THAT(text, Not(HasSubstr("SPLIT BRAIN")));
}

TEST_F(TableTest, TextFromATargetCannotSpeakToTheTerminal) {
  claim("a\x1b[2J:1", Claim::leader).follows = "x\r\ny";
  silent("b", "bad \x1b]0;title\x07 reply");
  const auto text = print();
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\r")));
}

TEST_F(TableTest, ColoursAreOnlyThereWhenAskedFor) {
  claim("a:1", Claim::leader);
  EXPECT_THAT(print(true), HasSubstr("\x1b[32ma:1\x1b[0m"));
}

TEST_F(TableTest, ConsumersAreListedTheWorstFirstWithTheReason) {
  claim("a:1", Claim::leader);
  TopicLog topic{.topic = "payments", .identity = "1", .retention = {}, .partitions = {}};
  topic.partitions.push_back(
      {.partition = 0, .end = 500, .stable_end = {}, .start = 100, .asked_end = asked()});
  const auto group = [&](std::string name, std::uint64_t committed) {
    facts.groups.push_back({.name = std::move(name),
                            .asked = asked(),
                            .coordinator = "a:1",
                            .state = ConsumerState::empty,
                            .members = 0,
                            .generation = {},
                            .topics = {{.topic = "payments", .commits = {{0, committed}}, .assigned = {}}}});
  };
  group("billing", 500);
  group("audit", 40);
  facts.topics.push_back(std::move(topic));
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("audit"));
  EXPECT_LT(text.find("audit"), text.find("billing"));
  EXPECT_THAT(text, HasSubstr("60 messages were deleted before it read them: retention has overtaken it"));
  EXPECT_THAT(text, HasSubstr("400"));
  EXPECT_THAT(text, HasSubstr("it has read everything"));
}

TEST_F(TableTest, AClockHasItsBoundItsSourceAndItsState) {
  const auto shows = [&](std::string member, milliseconds ahead, milliseconds round_trip) {
    claim(member, Claim::not_leader);
    const WallTime wall(seconds(1'700'000'000));
    facts.clocks.push_back({.member = std::move(member),
                            .source = "ntp",
                            .asked = {.sent = now, .received = now + round_trip},
                            .local_sent = wall,
                            .local_received = wall + round_trip,
                            .remote = wall + ahead + round_trip / 2,
                            .resolution = {}});
    now += round_trip;
  };
  shows("a:1", milliseconds(3), milliseconds(2));
  shows("b:1", milliseconds(-4), milliseconds(2));
  shows("c:1", milliseconds(9000), milliseconds(2));
  shows("d:1", milliseconds(0), milliseconds(1400));
  const auto text = print();
  EXPECT_THAT(text, HasSubstr("+3.0 ms +- 1.1 ms by ntp, in sync"));
  EXPECT_THAT(text, HasSubstr("-4.0 ms +- 1.1 ms by ntp, in sync"));
  EXPECT_THAT(text, HasSubstr("+9.00 s +- 1.1 ms by ntp, SKEWED"));
  EXPECT_THAT(text, HasSubstr("+- 700.1 ms by ntp, ?"));
  EXPECT_THAT(text, HasSubstr("the clock of c:1 is proved to be out of step with the others"));
  EXPECT_THAT(text, Not(HasSubstr("OUR OWN CLOCK")));
}

TEST_F(TableTest, AClaimAboutAClockIsShownAsOne) {
  claim("a:1", Claim::not_leader);
  ClockState told{};
  told.member = "a:1";
  told.source = "chrony";
  told.offset = -milliseconds(250);
  told.bound = std::chrono::microseconds(2);
  facts.clock_states.push_back(told);
  EXPECT_THAT(print(), HasSubstr("-250.0 ms +- 2 us from true time, as it says"));
}

}  // namespace
}  // namespace qw
