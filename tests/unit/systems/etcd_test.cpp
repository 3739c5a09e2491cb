// The etcd probe against servers that answer as real ones did (tests/fuzz/corpus/etcd_reply), and as bad ones
// might.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <any>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>

#include "config/config.hpp"
#include "probes/probe.hpp"
#include "tests/unit/systems/scripted_http.hpp"

namespace qw::probes {

extern const ProbeKind kEtcd;

namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScriptedHttp;
using testing::ScriptedReply;
using testing::ScriptedRequest;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::string_view kVars = "GET /debug/vars";
constexpr std::string_view kStatus = "POST /v3/maintenance/status";
constexpr std::string_view kMembers = "POST /v3/cluster/member/list";
constexpr std::string_view kLogin = "POST /v3/auth/authenticate";
constexpr std::string_view kLineage = "d400300872284ec2";  // 15276262748873838274

std::string recorded(std::string_view name) {
  const std::string path = fmt::format("{}/tests/fuzz/corpus/etcd_reply/{}.json", QW_SOURCE_DIR, name);
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string changed(std::string text, std::string_view what, std::string_view into) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), into);
}

/// The replies of one member by request; what is not there is 404, as in etcd.
using Replies = std::map<std::string, ScriptedReply, std::less<>>;

Replies member(std::string_view name) {
  Replies replies;
  replies[std::string(kVars)].body = recorded(fmt::format("vars_{}", name));
  replies[std::string(kStatus)].body = recorded(fmt::format("status_{}", name));
  replies[std::string(kMembers)].body = recorded(fmt::format("members_{}", name));
  return replies;
}

ScriptedReply& at(Replies& replies, std::string_view line) {
  return replies[std::string(line)];
}

ScriptedHttp::Script always(Replies replies) {
  return [replies = std::move(replies)](const ScriptedRequest& request) {
    const auto found = replies.find(request.line);
    if (found != replies.end()) return found->second;
    ScriptedReply missing;
    missing.status = 404;
    missing.body = "404 page not found\n";
    return missing;
  };
}

/// A probe made from configuration text, as the daemon makes it.
Result<ProbeMaker> configure(const std::string& options, std::vector<config::Problem>* problems = nullptr) {
  const config::Kind kind{.system = "etcd", .summary = "", .read = [](config::Fields& fields) {
                            return std::any(kEtcd.read(fields));
                          }};
  auto loaded = config::load_text("targets: [{system: etcd, name: t, " + options + "}]", "test.yml",
                                  std::span(&kind, 1));
  if (problems != nullptr) *problems = loaded.problems;
  if (!loaded.problems.empty()) return fail(ErrorKind::config, loaded.problems[0].print());
  return std::any_cast<ProbeMaker>(loaded.config.targets.at(0).plan);
}

class EtcdProbe : public ::testing::Test {
 protected:
  ScriptedHttp& serve(ScriptedHttp::Script script) {
    servers_.push_back(std::make_unique<ScriptedHttp>(io_, std::move(script)));
    return *servers_.back();
  }

  /// The recorded cluster: leader, follower, both scripts replaceable.
  void serve_pair() {
    serve(always(member("leader")));
    serve(always(member("follower")));
  }

  /// The next probe has other members; the tasks of these still end in TearDown.
  void retire_servers() {
    std::ranges::move(servers_, std::back_inserter(retired_));
    servers_.clear();
  }

  std::string name(std::size_t index) const { return servers_.at(index)->address(); }

  void make(const std::string& more = "") {
    std::string list;
    for (const auto& server : servers_) list += (list.empty() ? "" : ", ") + server->address();
    auto maker = configure("members: [" + list + "]" + (more.empty() ? "" : ", " + more));
    ASSERT_TRUE(maker) << maker.error().message();
    auto made = (*maker)(ProbeContext{.net = net_, .clock = clock_});
    ASSERT_TRUE(made) << made.error().message();
    probe_ = std::move(*made);
  }

  Facts ask(std::vector<std::string> only = {}, Nanoseconds limit = 5s) {
    Facts facts;
    async::TaskGroup group(io_.get_executor(),
                           [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    group.spawn("ask", ask_into(Question(std::move(only)), clock_.steady() + limit, facts));
    io_.restart();
    while (group.size() > 0 && io_.run_one() > 0) {
    }
    return facts;
  }

  void TearDown() override {
    probe_.reset();
    async::TaskGroup group(io_.get_executor(),
                           [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    retire_servers();
    for (const auto& server : retired_) group.spawn("stop", server->stop());
    io_.restart();
    while (group.size() > 0 && io_.run_one() > 0) {
    }
  }

  asio::io_context io_{1};
  SystemClock clock_;
  net::Resolver resolver_{io_.get_executor(), {}};
  net::Net net_{io_.get_executor(), resolver_};
  std::vector<std::unique_ptr<ScriptedHttp>> servers_;
  std::vector<std::unique_ptr<ScriptedHttp>> retired_;
  std::unique_ptr<Probe> probe_;

 private:
  Task<void> ask_into(Question question, SteadyTime deadline, Facts& into) {
    auto facts = co_await probe_->ask(std::move(question), deadline);
    EXPECT_TRUE(facts) << (facts ? "" : facts.error().message());
    if (facts) into = std::move(*facts);
  }
};

TEST_F(EtcdProbe, TellsLeaderAndFollowerWithTheTrueTerm) {
  serve_pair();
  make();
  const Facts facts = ask();
  EXPECT_THAT(facts.unanswered, IsEmpty());
  ASSERT_THAT(facts.claims, SizeIs(2));
  const auto& leader = facts.claims[0];
  EXPECT_EQ(leader.member, name(0));
  EXPECT_EQ(leader.claim, Claim::leader);
  EXPECT_EQ(leader.tenure, (Tenure{.lineage = std::string(kLineage), .epoch = 2, .token = ""}));
  EXPECT_EQ(leader.follows, name(0));
  EXPECT_TRUE(leader.votes && leader.may_lead);
  EXPECT_FALSE(leader.campaigning || leader.handing_over);
  const auto& follower = facts.claims[1];
  EXPECT_EQ(follower.claim, Claim::not_leader);
  EXPECT_EQ(follower.tenure, leader.tenure);
  EXPECT_EQ(follower.follows, name(0));
  EXPECT_EQ(facts.traits.fencing, Fencing::fenced);
}

TEST_F(EtcdProbe, TakesPositionsFromEachMemberAndFromTheLeader) {
  serve_pair();
  make();
  const Facts facts = ask();
  std::vector<std::string> seen;
  for (const auto& one : facts.positions) {
    EXPECT_EQ(one.lineage, kLineage);
    EXPECT_EQ(one.unit, PositionUnit::entries);
    EXPECT_EQ(one.link, Link::up);
    EXPECT_EQ(one.role == Role::leader, one.member == name(0));
    seen.push_back(fmt::format("{} by {}: {}", one.member, one.reported_by, one.position));
  }
  // The third member is not configured, so it has the name that the leader gives it.
  EXPECT_THAT(seen, ::testing::UnorderedElementsAre(fmt::format("{0} by {0}: 11", name(0)),
                                                    fmt::format("{} by {}: 11", name(1), name(0)),
                                                    fmt::format("id:4999ba532caeb48b by {}: 11", name(0)),
                                                    fmt::format("{0} by {0}: 11", name(1))));
}

TEST_F(EtcdProbe, ANewLeaderThatHasHeardOfNothingYetTakesNoPositionFromAnybody) {
  // As the successor of a leader that was killed shows it until that one is back (tests/traces).
  auto replies = member("leader");
  auto& vars = at(replies, kVars).body;
  for (const std::string_view peer : {"4999ba532caeb48b", "bb7d371eb677b2bf"}) {
    vars = changed(vars, fmt::format(R"("{}":{{"match":11,"next":12,"state":"StateReplicate"}})", peer),
                   fmt::format(R"("{}":{{"match":0,"next":12,"state":"StateProbe"}})", peer));
  }
  bool answers = false;
  serve(always(replies));
  serve([&](const ScriptedRequest& request) {
    auto reply = always(member("follower"))(request);
    reply.cut_in_half = !answers;
    return reply;
  });
  make();
  const auto told = [&] {
    std::vector<std::string> seen;
    for (const auto& one : ask().positions)
      seen.push_back(fmt::format("{} by {}: {}", one.member, one.reported_by, one.position));
    return seen;
  };
  const std::string leader = fmt::format("{0} by {0}: 11", name(0));
  EXPECT_THAT(told(), ElementsAre(leader)) << "nobody knows how far the others are";
  answers = true;
  ask();
  answers = false;
  EXPECT_THAT(told(), ::testing::UnorderedElementsAre(leader, fmt::format("{} by {}: 11", name(1), name(0))))
      << "what it once said that it had, it still has";
}

TEST_F(EtcdProbe, CountsVotersAndLearnersAsEachMemberDoes) {
  serve(always(member("leader_with_learner")));
  serve(always(member("learner")));
  make();
  const Facts facts = ask();
  // A learner refuses to list members.
  ASSERT_THAT(facts.memberships, SizeIs(1));
  EXPECT_EQ(facts.memberships[0].member, name(0));
  EXPECT_EQ(facts.memberships[0].voters, 3U);
  EXPECT_EQ(facts.memberships[0].learners, 1U);
  ASSERT_THAT(facts.claims, SizeIs(2));
  EXPECT_TRUE(facts.claims[0].votes);
  EXPECT_FALSE(facts.claims[1].votes || facts.claims[1].may_lead);
  // A second look, which asks for nothing but the raft state, still knows.
  const Facts again = ask({name(1)});
  ASSERT_THAT(again.claims, SizeIs(1));
  EXPECT_FALSE(again.claims[0].votes);
}

TEST_F(EtcdProbe, SaysThatACandidateFollowsNobody) {
  serve(always(member("lonely")));
  make();
  const Facts facts = ask();
  ASSERT_THAT(facts.claims, SizeIs(1));
  EXPECT_EQ(facts.claims[0].claim, Claim::not_leader);
  EXPECT_EQ(facts.claims[0].tenure.epoch, 6U);
  EXPECT_TRUE(facts.claims[0].campaigning);
  EXPECT_FALSE(facts.claims[0].follows);
  ASSERT_THAT(facts.positions, SizeIs(1));
  EXPECT_EQ(facts.positions[0].link, Link::down);
}

TEST_F(EtcdProbe, SaysThatALeaderIsHandingOver) {
  auto replies = member("leader");
  at(replies, kVars).body =
      changed(at(replies, kVars).body, R"("leadtransferee":"0")", R"("leadtransferee":"4999ba532caeb48b")");
  serve(always(replies));
  make();
  EXPECT_TRUE(ask().claims.at(0).handing_over);
}

TEST_F(EtcdProbe, NamesAMemberThatDoesNotAnswerByItsAdvertisedAddress) {
  auto& dead = serve(always({}));
  auto replies = member("follower");
  at(replies, kMembers).body = changed(at(replies, kMembers).body, "127.0.0.1:23792", dead.address());
  serve(always(replies));
  make();
  const Facts facts = ask();
  ASSERT_THAT(facts.claims, SizeIs(1));
  EXPECT_EQ(facts.claims[0].follows, name(0));
}

TEST_F(EtcdProbe, DatesAClaimByTheExchangeThatItCameIn) {
  auto replies = member("leader");
  at(replies, kVars).delay = 60ms;
  at(replies, kStatus).delay = 60ms;
  serve(always(replies));
  make();
  const auto begun = clock_.steady();
  const Facts facts = ask();
  const auto ended = clock_.steady();
  const auto& asked = facts.claims.at(0).asked;
  EXPECT_GE(asked.sent, begun);
  EXPECT_GE(asked.received - asked.sent, 60ms);
  EXPECT_GE(ended - asked.received, 60ms);  // status came after it
}

TEST_F(EtcdProbe, MeasuresTheRoundTripAndTheClockByTheShortestExchange) {
  auto replies = member("leader");
  at(replies, kVars).delay = 50ms;
  at(replies, kVars).date = "Sat, 21 Nov 2026 09:33:00 GMT";
  serve(always(replies));
  make();
  const Facts facts = ask();
  ASSERT_THAT(facts.round_trips, SizeIs(1));
  EXPECT_EQ(facts.round_trips[0].method, "http");
  EXPECT_LT(facts.round_trips[0].value, 50ms);
  EXPECT_EQ(facts.round_trips[0].error, std::nullopt);
  ASSERT_THAT(facts.clocks, SizeIs(1));
  EXPECT_EQ(facts.clocks[0].source, "http_date");
  EXPECT_EQ(facts.clocks[0].remote, WallTime(std::chrono::seconds(1795253639)));  // 09:33:59
  EXPECT_EQ(facts.clocks[0].resolution, 1s);
  EXPECT_LE(facts.clocks[0].local_sent, facts.clocks[0].local_received);
}

TEST_F(EtcdProbe, ReportsNoClockWhereThereIsNoDate) {
  auto replies = member("leader");
  for (auto& [line, reply] : replies) reply.date = "yesterday";
  serve(always(replies));
  make();
  const Facts facts = ask();
  EXPECT_THAT(facts.clocks, IsEmpty());
  EXPECT_THAT(facts.claims, SizeIs(1));
}

TEST_F(EtcdProbe, ASecondLookAsksOnlyForTheRaftStateOfThoseInQuestion) {
  serve_pair();
  make();
  ask();
  const auto before = servers_[0]->requests().size();
  const Facts facts = ask({name(1)});
  ASSERT_THAT(facts.claims, SizeIs(1));
  EXPECT_EQ(facts.claims[0].member, name(1));
  EXPECT_EQ(facts.claims[0].tenure.lineage, kLineage);
  EXPECT_THAT(facts.readings, IsEmpty());
  EXPECT_THAT(facts.positions, IsEmpty());
  EXPECT_EQ(servers_[0]->requests().size(), before);
  EXPECT_EQ(servers_[1]->count(kVars), 2U);
  EXPECT_EQ(servers_[1]->count(kStatus), 1U);
}

TEST_F(EtcdProbe, ExportsAlarmsWithTheirMembersAndZeroForTheOthers) {
  serve(always(member("alarm")));
  serve(always(member("follower")));
  make();
  std::vector<std::string> alarms;
  for (const auto& reading : ask().readings) {
    if (reading.family->name == "quorumwatch_alarm_active") {
      alarms.push_back(
          fmt::format("{} {} {}", reading.labels[0].second, reading.labels[1].second, reading.value));
    } else {
      EXPECT_EQ(reading.labels[1].second, "3.4.23");
      EXPECT_EQ(reading.labels[2].second, "debug_vars");
    }
  }
  EXPECT_THAT(alarms, ::testing::UnorderedElementsAre(name(0) + " NOSPACE 0", name(0) + " CORRUPT 0",
                                                      name(1) + " NOSPACE 1", name(1) + " CORRUPT 1"));
}

TEST_F(EtcdProbe, OneMemberThatFailsSpoilsNoOther) {
  struct Case {
    std::string what;
    std::function<void(ScriptedReply&)> spoil;
    ErrorKind kind;
  };
  const Case cases[] = {
      {"hangs", [](ScriptedReply& reply) { reply.hangs = true; }, ErrorKind::timeout},
      {"closes in the middle", [](ScriptedReply& reply) { reply.cut_in_half = true; }, ErrorKind::protocol},
      {"sends 2 MiB", [](ScriptedReply& reply) { reply.body.assign(2 << 20, 'x'); }, ErrorKind::too_large},
      {"is no JSON", [](ScriptedReply& reply) { reply.body = "<html>hello</html>"; }, ErrorKind::protocol},
      {"is another JSON", [](ScriptedReply& reply) { reply.body = "{}"; }, ErrorKind::protocol},
      {"is an error", [](ScriptedReply& reply) { reply.status = 500; }, ErrorKind::protocol},
      {"is a redirect", [](ScriptedReply& reply) { reply.status = 307; }, ErrorKind::protocol},
      {"is forbidden", [](ScriptedReply& reply) { reply.status = 403; }, ErrorKind::rejected},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    retire_servers();
    auto replies = member("leader");
    for (auto& [line, reply] : replies) one.spoil(reply);
    serve(always(replies));
    serve(always(member("follower")));
    make();
    const auto begun = clock_.steady();
    const Facts facts = ask({}, 300ms);
    EXPECT_LT(clock_.steady() - begun, 2s);
    ASSERT_THAT(facts.unanswered, SizeIs(1));
    EXPECT_EQ(facts.unanswered[0].member, name(0));
    EXPECT_EQ(facts.unanswered[0].error.kind(), one.kind) << facts.unanswered[0].error.message();
    EXPECT_LE(facts.unanswered[0].asked.sent, facts.unanswered[0].asked.received);
    ASSERT_THAT(facts.claims, SizeIs(1));
    EXPECT_EQ(facts.claims[0].member, name(1));
    probe_.reset();
  }
}

TEST_F(EtcdProbe, AMemberThatIsGoneIsUnansweredAndComesBack) {
  bool answers = true;
  serve([&](const ScriptedRequest& request) {
    auto reply = always(member("leader"))(request);
    reply.cut_in_half = !answers;
    return reply;
  });
  make();
  EXPECT_THAT(ask().claims, SizeIs(1));
  answers = false;
  EXPECT_THAT(ask().claims, IsEmpty());
  answers = true;
  EXPECT_THAT(ask().claims, SizeIs(1));
}

TEST_F(EtcdProbe, AProbeWithOtherMembersKnowsThoseThatStay) {
  bool answers = true;
  serve([&](const ScriptedRequest& request) {
    auto reply = always(member("leader"))(request);
    reply.cut_in_half = !answers;
    return reply;
  });
  serve(always(member("follower")));
  make();
  EXPECT_THAT(ask().claims, SizeIs(2));
  answers = false;
  const auto before = std::move(probe_);
  make();
  EXPECT_NE(ask().claims.at(0).follows, name(0)) << "it has not met the leader";
  make();
  probe_->inherit(*before);
  const Facts facts = ask();
  ASSERT_THAT(facts.claims, SizeIs(1));
  EXPECT_EQ(facts.claims[0].follows, name(0));
}

TEST_F(EtcdProbe, AMemberListThatHangsSpoilsNothingElse) {
  auto replies = member("leader");
  at(replies, kMembers).hangs = true;
  serve(always(replies));
  make();
  const Facts facts = ask({}, 400ms);
  EXPECT_THAT(facts.claims, SizeIs(1));
  EXPECT_THAT(facts.memberships, IsEmpty());
  EXPECT_THAT(facts.unanswered, IsEmpty());
  EXPECT_THAT(ask().claims, SizeIs(1));
}

TEST_F(EtcdProbe, AStatusThatHangsSpoilsNothingOnceTheClusterIsKnown) {
  bool hangs = false;
  serve([&](const ScriptedRequest& request) {
    auto reply = always(member("leader"))(request);
    reply.hangs = hangs && request.line == kStatus;
    return reply;
  });
  make();
  ask();
  hangs = true;
  const Facts facts = ask({}, 400ms);
  ASSERT_THAT(facts.claims, SizeIs(1));
  EXPECT_EQ(facts.claims[0].tenure, (Tenure{.lineage = std::string(kLineage), .epoch = 2, .token = ""}));
}

TEST_F(EtcdProbe, WithoutTheClusterIdAClaimCanNotBeComparedAndIsLeftOut) {
  auto replies = member("leader");
  at(replies, kStatus).status = 500;
  at(replies, kMembers).status = 500;
  serve(always(replies));
  make();
  const Facts facts = ask();
  EXPECT_THAT(facts.claims, IsEmpty());
  ASSERT_THAT(facts.unanswered, SizeIs(1));
  EXPECT_EQ(facts.unanswered[0].error.message().find("cluster id: /v3/maintenance/status: HTTP status 500"),
            0U);
}

TEST_F(EtcdProbe, WhereRaftStatusIsHiddenAClaimHasNoEpoch) {
  auto leader = member("leader");
  leader.erase(std::string(kVars));
  serve(always(leader));
  auto follower = member("follower");
  at(follower, kVars).status = 403;
  serve(always(follower));
  make();
  const Facts facts = ask();
  EXPECT_THAT(facts.unanswered, IsEmpty());
  ASSERT_THAT(facts.claims, SizeIs(2));
  EXPECT_EQ(facts.claims[0].claim, Claim::leader);
  EXPECT_EQ(facts.claims[0].tenure,
            (Tenure{.lineage = std::string(kLineage), .epoch = std::nullopt, .token = "e285923851f2723f/2"}));
  EXPECT_EQ(facts.claims[1].claim, Claim::not_leader);
  EXPECT_EQ(facts.claims[1].tenure.epoch, std::nullopt);
  EXPECT_EQ(facts.claims[1].follows, name(0));
  EXPECT_THAT(facts.positions, SizeIs(2));
  // So does a second look, which has to ask for the status then.
  const Facts again = ask({name(0)});
  ASSERT_THAT(again.claims, SizeIs(1));
  EXPECT_EQ(again.claims[0].tenure, facts.claims[0].tenure);
}

TEST_F(EtcdProbe, TwoClaimsOfOneAppliedTermNeverLookLikeOneTenure) {
  // What a new leader says before its first entry is applied: itself, with its predecessor's term.
  for (const std::string_view name : {"leader", "follower"}) {
    auto replies = member(name);
    replies.erase(std::string(kVars));
    auto& body = at(replies, kStatus).body;
    const std::string own = name == "leader" ? "16322613195064898111" : "13510015062231200447";
    body = changed(body, R"("leader":"16322613195064898111")", R"("leader":")" + own + '"');
    serve(always(replies));
  }
  make();
  const Facts facts = ask();
  ASSERT_THAT(facts.claims, SizeIs(2));
  for (const auto& claim : facts.claims) {
    EXPECT_EQ(claim.claim, Claim::leader);
    EXPECT_EQ(claim.tenure.epoch, std::nullopt);
  }
  EXPECT_NE(facts.claims[0].tenure.token, facts.claims[1].tenure.token);
}

TEST_F(EtcdProbe, OneBadReplyDoesNotMakeItTrustALesserSource) {
  bool bad = false;
  serve([&](const ScriptedRequest& request) {
    auto reply = always(member("leader"))(request);
    if (bad && request.line == kVars) reply.body = "oops";
    return reply;
  });
  make();
  ask();
  bad = true;
  const Facts facts = ask();
  EXPECT_THAT(facts.claims, IsEmpty());
  ASSERT_THAT(facts.unanswered, SizeIs(1));
  EXPECT_THAT(facts.unanswered[0].error.message(), StartsWith("/debug/vars: not JSON"));
}

TEST_F(EtcdProbe, CountsAMemberOnceThatIsConfiguredTwice) {
  serve(always(member("leader")));
  serve(always(member("leader")));
  make();
  for (const auto& only : {std::vector<std::string>{}, std::vector<std::string>{name(1)}}) {
    const Facts facts = ask(only);
    EXPECT_THAT(facts.claims, SizeIs(only.empty() ? 1 : 0));
    ASSERT_THAT(facts.unanswered, SizeIs(1));
    EXPECT_EQ(facts.unanswered[0].member, name(1));
    EXPECT_EQ(facts.unanswered[0].error, Error(ErrorKind::protocol, "is the same member as " + name(0)));
  }
}

TEST_F(EtcdProbe, MembersOfClustersThatShareAMemberIdAreTwo) {
  serve(always(member("leader")));
  auto replies = member("leader");
  for (const auto line : {kStatus, kMembers}) {
    at(replies, line).body = changed(at(replies, line).body, "15276262748873838274", "1");
  }
  serve(always(replies));
  make();
  const Facts facts = ask();
  ASSERT_THAT(facts.claims, SizeIs(2));
  EXPECT_EQ(facts.claims[1].tenure.lineage, "0000000000000001");
}

TEST_F(EtcdProbe, SaysWhenAnAddressLeadsToSeveralMembers) {
  auto replies = member("leader");
  at(replies, kStatus).body = recorded("status_follower");
  serve(always(replies));
  make();
  const Facts facts = ask();
  EXPECT_THAT(facts.claims, IsEmpty());
  ASSERT_THAT(facts.unanswered, SizeIs(1));
  EXPECT_THAT(facts.unanswered[0].error.message(), HasSubstr("load balancer"));
}

/// A member that wants a token, as etcd's newer versions do.
struct Guard {
  std::string token = "T.1";
  std::string password = "secret";

  ScriptedReply operator()(const ScriptedRequest& request, std::string_view who) const {
    ScriptedReply refusal;
    refusal.status = 400;
    if (request.line == kLogin) {
      if (request.body != R"({"name":"monitor","password":")" + password + "\"}") {
        refusal.body = recorded("error_password");
        return refusal;
      }
      ScriptedReply granted;
      granted.body = R"({"token":")" + token + "\"}";
      return granted;
    }
    if (request.line == kVars || request.authorization == token) return always(member(who))(request);
    refusal.status = request.authorization.empty() ? 400 : 401;
    refusal.body = request.authorization.empty() ? R"({"message":"etcdserver: user name is empty"})"
                                                 : R"({"message":"etcdserver: invalid auth token"})";
    return refusal;
  }
};

class EtcdProbeWithUsers : public EtcdProbe {
 protected:
  void SetUp() override {
    ASSERT_EQ(::setenv("QW_TEST_ETCD_PASSWORD", "secret", 1), 0);
    serve([this](const ScriptedRequest& request) { return guard_(request, "leader"); });
    serve([this](const ScriptedRequest& request) { return guard_(request, "follower"); });
  }
  std::size_t logins() const { return servers_[0]->count(kLogin) + servers_[1]->count(kLogin); }

  Guard guard_;
};

TEST_F(EtcdProbeWithUsers, LogsInOnceForAllMembersAndKeepsTheToken) {
  make("username: monitor, password_file: env:QW_TEST_ETCD_PASSWORD");
  for (int round = 0; round < 3; ++round) {
    const Facts facts = ask();
    EXPECT_THAT(facts.unanswered, IsEmpty());
    EXPECT_THAT(facts.claims, SizeIs(2));
    EXPECT_THAT(facts.memberships, SizeIs(2));
  }
  EXPECT_EQ(logins(), 1U);
}

TEST_F(EtcdProbeWithUsers, LogsInAgainWhenTheTokenIsNoLongerGood) {
  make("username: monitor, password_file: env:QW_TEST_ETCD_PASSWORD");
  ask();
  guard_.token = "T.2";
  const Facts facts = ask();
  EXPECT_THAT(facts.memberships, SizeIs(2));
  EXPECT_EQ(logins(), 2U);
}

TEST_F(EtcdProbeWithUsers, AWrongPasswordIsSaidAndNotTriedAgainAtOnce) {
  guard_.password = "changed";
  make("username: monitor, password_file: env:QW_TEST_ETCD_PASSWORD");
  for (int round = 0; round < 3; ++round) {
    const Facts facts = ask();
    ASSERT_THAT(facts.unanswered, SizeIs(2));
    EXPECT_EQ(facts.unanswered[0].error.kind(), ErrorKind::rejected);
    EXPECT_THAT(facts.unanswered[0].error.message(),
                AllOf(HasSubstr("authenticate as monitor: "), HasSubstr("invalid user ID or password"),
                      ::testing::Not(HasSubstr("secret"))));
  }
  EXPECT_EQ(logins(), 1U);
}

TEST_F(EtcdProbeWithUsers, WithoutAUserTheRefusalIsSaid) {
  make();
  const Facts facts = ask();
  ASSERT_THAT(facts.unanswered, SizeIs(2));
  EXPECT_EQ(facts.unanswered[0].error.kind(), ErrorKind::rejected);
  EXPECT_THAT(facts.unanswered[0].error.message(), HasSubstr("user name is empty"));
  EXPECT_EQ(logins(), 0U);
}

TEST_F(EtcdProbe, TakesTheElectionTimeoutFromTheSlowestMember) {
  serve_pair();
  make();
  EXPECT_EQ(ask().traits.failure_detection, 200ms);
  EXPECT_EQ(ask().traits.settling, 400ms);

  retire_servers();
  serve(always(member("leader")));
  auto replies = member("follower");
  at(replies, kVars).body =
      changed(at(replies, kVars).body, "--election-timeout=200", "--election-timeout=900");
  serve(always(replies));
  make();
  EXPECT_EQ(ask().traits.failure_detection, 900ms);
  EXPECT_EQ(ask().traits.election_timeout, 900ms);
  make("election_timeout: 3s, heartbeat_interval: 300ms");
  EXPECT_EQ(ask().traits.failure_detection, 3s);
  EXPECT_EQ(ask().traits.election_timeout, 3s);
  EXPECT_EQ(ask().traits.heartbeat_interval, 300ms);
}

TEST_F(EtcdProbe, TakesEtcdsDefaultWhereNobodyTellsTheElectionTimeout) {
  auto replies = member("leader");
  at(replies, kVars).body =
      changed(at(replies, kVars).body, "--election-timeout=200", "--snapshot-count=200");
  serve(always(replies));
  make();
  const auto traits = ask().traits;
  EXPECT_EQ(traits.failure_detection, 1s);
  EXPECT_EQ(traits.election_timeout, 1s) << "its command line shows that nobody set another";
}

TEST_F(EtcdProbe, TellsNoTimesThatItCouldOnlyGuess) {
  auto replies = member("leader");
  at(replies, kVars).body = changed(at(replies, kVars).body, "--election-timeout=200", "--config-file=x");
  serve(always(replies));
  make();
  const auto traits = ask().traits;
  EXPECT_EQ(traits.failure_detection, 1s);
  EXPECT_EQ(traits.election_timeout, std::nullopt);
  EXPECT_EQ(traits.heartbeat_interval, std::nullopt);
}

TEST(EtcdOptions, AreCheckedAtLoad) {
  const std::pair<std::string, std::string> cases[] = {
      {"interval: 5s", "members"},
      {"members: []", "needs at least one address"},
      {"members: ['10.0.0.1:2379', '10.0.0.1']", "10.0.0.1:2379 is there twice"},
      {"members: ['10.0.0.1:notaport']", "members"},
      {"members: [a], username: monitor", "username and password_file go together"},
      {"members: [a], election_timeout: 0s", "must be more than 0"},
      {"members: [a], heartbeat_interval: 0s", "must be more than 0"},
      {"members: [a], election_timout: 1s", "election_timeout"},
  };
  for (const auto& [options, message] : cases) {
    std::vector<config::Problem> problems;
    const auto maker = configure(options, &problems);
    EXPECT_FALSE(maker) << options;
    EXPECT_THAT(problems, ElementsAre(::testing::ResultOf([](const auto& one) { return one.print(); },
                                                          HasSubstr(message))))
        << options;
  }
}

TEST(EtcdOptions, AFileThatHoldsNoCertificateIsAnErrorWhenTheProbeIsMade) {
  auto maker = configure("members: [a], tls: {ca_file: " QW_SOURCE_DIR "/LICENSE}");
  ASSERT_TRUE(maker) << maker.error().message();
  asio::io_context io(1);
  net::Resolver resolver(io.get_executor(), {});
  net::Net net(io.get_executor(), resolver);
  const SystemClock clock;
  const auto made = (*maker)(ProbeContext{.net = net, .clock = clock});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind(), ErrorKind::config);
  EXPECT_THAT(made.error().message(), HasSubstr("/LICENSE"));
}

TEST_F(EtcdProbe, ThePeerAddressShowsTheClockToTheNanosecond) {
  Replies peer;
  at(peer, "GET /raft/probing").body = R"({"OK":true,"Now":"2026-11-21T16:43:09.507559428Z"})";
  const auto address = serve(always(std::move(peer))).address();
  retire_servers();
  serve(always(member("leader")));
  make("peer_port: " + address.substr(address.find(':') + 1));
  const auto facts = ask();
  const auto clock = std::ranges::find(facts.clocks, "etcd_probing", &ClockReading::source);
  ASSERT_NE(clock, facts.clocks.end());
  EXPECT_EQ(clock->member, name(0));
  EXPECT_EQ(clock->remote, WallTime(Nanoseconds(1'795'279'389'507'559'428)));
  EXPECT_EQ(clock->resolution, Nanoseconds(1));
  EXPECT_EQ(facts.traits.clock_profile, "etcd");
}

}  // namespace
}  // namespace qw::probes
