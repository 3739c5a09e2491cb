#include "probes/wire/etcd_reply.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <limits>

namespace qw::wire {
namespace {

using namespace std::chrono_literals;

// Replies of a real etcd 3.4.23: three voters of 20 and 200 ms timers, then a learner beside them.
constexpr std::uint64_t kCluster = 15276262748873838274ULL;
constexpr std::uint64_t kFollower = 0xbb7d371eb677b2bf;
constexpr std::uint64_t kLeader = 0xe285923851f2723f;
constexpr std::uint64_t kThird = 0x4999ba532caeb48b;
constexpr std::uint64_t kLearner = 0x11f618cf5ef185f;  // printed with 15 digits

std::string recorded(const std::string& name) {
  const std::string path = std::string(QW_SOURCE_DIR "/tests/fuzz/corpus/etcd_reply/") + name + ".json";
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

const EtcdProgress* progress_of(const EtcdVars& vars, std::uint64_t id) {
  for (const auto& one : vars.progress) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

std::string raft_status(const std::string& fields) {
  return R"({"raft.status":{)" + fields + "}}";
}

const std::string kFollowing =
    R"("id":"a1","term":2,"vote":"b2","commit":9,"applied":9,"lead":"b2","raftState":"StateFollower",)"
    R"("progress":{},"leadtransferee":"0")";

TEST(EtcdVarsReply, OfAFollowerNamesItsLeaderAndTerm) {
  const auto vars = parse_etcd_vars(recorded("vars_follower"));
  ASSERT_TRUE(vars) << vars.error().message();
  EXPECT_EQ(vars->id, kFollower);
  EXPECT_EQ(vars->term, 2U);
  EXPECT_EQ(vars->lead, kLeader);
  EXPECT_EQ(vars->state, EtcdState::follower);
  EXPECT_EQ(vars->commit, 11U);
  EXPECT_EQ(vars->applied, 11U);
  EXPECT_EQ(vars->lead_transferee, 0U);
  EXPECT_TRUE(vars->progress.empty());
  EXPECT_EQ(vars->election_timeout, 200ms);
}

TEST(EtcdVarsReply, OfALeaderHasTheProgressOfEveryMember) {
  const auto vars = parse_etcd_vars(recorded("vars_leader_unstarted_learner"));
  ASSERT_TRUE(vars) << vars.error().message();
  EXPECT_EQ(vars->state, EtcdState::leader);
  ASSERT_EQ(vars->progress.size(), 4U);
  ASSERT_NE(progress_of(*vars, kThird), nullptr);
  EXPECT_EQ(progress_of(*vars, kThird)->match, 12U);
  EXPECT_EQ(progress_of(*vars, kThird)->sending, EtcdSending::replicate);
  ASSERT_NE(progress_of(*vars, kLearner), nullptr);
  EXPECT_EQ(progress_of(*vars, kLearner)->match, 0U);
  EXPECT_EQ(progress_of(*vars, kLearner)->sending, EtcdSending::probe);
}

TEST(EtcdVarsReply, OfACandidateHasTheTermThatStatusDoesNotKnow) {
  const auto vars = parse_etcd_vars(recorded("vars_lonely"));
  ASSERT_TRUE(vars) << vars.error().message();
  EXPECT_EQ(vars->state, EtcdState::candidate);
  EXPECT_EQ(vars->term, 6U);
  EXPECT_EQ(vars->lead, 0U);
  const auto status = parse_etcd_status(recorded("status_lonely"));
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ(status->applied_term, 2U);
  EXPECT_EQ(status->leader, 0U);
}

TEST(EtcdVarsReply, KeepsTermsBeyondTheRangeOfDoubles) {
  std::string fields = kFollowing;
  fields.replace(fields.find("\"term\":2"), 8, "\"term\":18446744073709551615");
  const auto vars = parse_etcd_vars(raft_status(fields));
  ASSERT_TRUE(vars) << vars.error().message();
  EXPECT_EQ(vars->term, std::numeric_limits<std::uint64_t>::max());
}

TEST(EtcdVarsReply, ThatIsWrongIsAnErrorWithThePlace) {
  struct Case {
    std::string field, instead, message;
  };
  const Case cases[] = {
      {R"("term":2,)", "", "raft.status.term: expected a number"},
      {R"("term":2)", R"("term":-2)", "raft.status.term: expected a number"},
      {R"("term":2)", R"("term":2.5)", "raft.status.term: expected a number"},
      {R"("term":2)", R"("term":"2")", "raft.status.term: expected a number"},
      {R"("term":2)", R"("term":18446744073709551616)", "raft.status.term: expected a number"},
      {R"("id":"a1",)", "", "raft.status.id: expected a hex string"},
      {R"("id":"a1")", R"("id":"xyz")", "raft.status.id: expected a hex string"},
      {R"("id":"a1")", R"("id":"0")", "raft.status.id: expected a member"},
      {R"("lead":"b2",)", "", "raft.status.lead: expected a hex string"},
      {"StateFollower", "StateDreaming", "raft.status.raftState: expected a state of raft"},
      {R"("progress":{})", R"("progress":[])", "raft.status.progress: expected an object"},
      {R"("progress":{})", R"("progress":{"zz":{}})", "raft.status.progress: expected members by hex id"},
      {R"("progress":{})", R"("progress":{"b2":{"next":3}})",
       "raft.status.progress.b2.match: expected a number"},
  };
  for (const auto& one : cases) {
    std::string fields = kFollowing;
    fields.replace(fields.find(one.field), one.field.size(), one.instead);
    const auto vars = parse_etcd_vars(raft_status(fields));
    ASSERT_FALSE(vars) << one.message;
    EXPECT_EQ(vars.error(), Error(ErrorKind::protocol, one.message));
  }
}

TEST(EtcdVarsReply, WithoutRaftStatusIsAnError) {
  const auto vars = parse_etcd_vars(R"({"cmdline":["prometheus"],"memstats":{}})");
  ASSERT_FALSE(vars);
  EXPECT_EQ(vars.error(), Error(ErrorKind::protocol, "raft.status: expected an object"));
}

TEST(EtcdVarsReply, TakesTheElectionTimeoutFromTheCommandLine) {
  struct Case {
    std::string words;
    std::optional<Nanoseconds> expected;
  };
  const Case cases[] = {
      {R"(["etcd","--election-timeout=2500"])", 2500ms},
      {R"(["etcd","--election-timeout","300"])", 300ms},
      {R"(["etcd","-election-timeout=300"])", 300ms},
      {R"(["etcd","--election-timeout=300","--election-timeout=400"])", 400ms},
      {R"(["etcd"])", std::nullopt},
      {R"(["etcd","--election-timeout"])", std::nullopt},
      {R"(["etcd","--election-timeout=soon"])", std::nullopt},
      {R"(["etcd","--election-timeout=0"])", std::nullopt},
      {R"(["etcd","--election-timeout=99999999999"])", std::nullopt},
      {R"(["etcd","--name","election-timeout=300"])", std::nullopt},
      // etcd ignores its other flags when it reads a configuration file.
      {R"(["etcd","--election-timeout=300","--config-file=/etc/etcd.yml"])", std::nullopt},
      {R"([1,{"a":2}])", std::nullopt},
      {R"("etcd")", std::nullopt},
  };
  for (const auto& one : cases) {
    const auto vars =
        parse_etcd_vars(R"({"cmdline":)" + one.words + R"(,"raft.status":{)" + kFollowing + "}}");
    ASSERT_TRUE(vars) << one.words << vars.error().message();
    EXPECT_EQ(vars->election_timeout, one.expected) << one.words;
  }
}

TEST(EtcdVarsReply, SaysWhetherTheCommandLineCounts) {
  const auto read = [](const std::string& words) {
    return parse_etcd_vars(R"({"cmdline":)" + words + R"(,"raft.status":{)" + kFollowing + "}}").value();
  };
  EXPECT_EQ(read(R"(["etcd","--heartbeat-interval=250"])").heartbeat_interval, 250ms);
  EXPECT_EQ(read(R"(["etcd","--heartbeat-interval=250"])").election_timeout, std::nullopt);
  EXPECT_TRUE(read(R"(["etcd"])").flags_count);
  EXPECT_FALSE(read(R"(["etcd","--config-file","/etc/etcd.yml"])").flags_count);
  EXPECT_FALSE(read(R"([])").flags_count);
  EXPECT_FALSE(read(R"("etcd")").flags_count);
}

TEST(EtcdStatusReply, OfTheLeaderNamesItself) {
  const auto status = parse_etcd_status(recorded("status_leader"));
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ(status->cluster_id, kCluster);
  EXPECT_EQ(status->member_id, kLeader);
  EXPECT_EQ(status->leader, kLeader);
  EXPECT_EQ(status->version, "3.4.23");
  EXPECT_EQ(status->commit, 11U);
  EXPECT_EQ(status->applied_term, 2U);
  EXPECT_FALSE(status->learner);
  EXPECT_TRUE(status->alarms.empty());
}

TEST(EtcdStatusReply, KnowsALearner) {
  const auto status = parse_etcd_status(recorded("status_learner"));
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ(status->member_id, kLearner);
  EXPECT_TRUE(status->learner);
}

TEST(EtcdStatusReply, HasTheAlarmsOfTheClusterAmongItsErrors) {
  const auto status = parse_etcd_status(recorded("status_alarm"));
  ASSERT_TRUE(status) << status.error().message();
  ASSERT_EQ(status->alarms.size(), 2U);
  EXPECT_EQ(status->alarms[0].member_id, kFollower);
  EXPECT_EQ(status->alarms[0].alarm, "NOSPACE");
  EXPECT_EQ(status->alarms[1].alarm, "CORRUPT");
}

TEST(EtcdStatusReply, TakesNoOtherErrorForAnAlarm) {
  const auto status = parse_etcd_status(
      R"({"header":{"cluster_id":"1","member_id":"2"},"errors":["etcdserver: no leader","memberID:3  alarm:CORRUPT",)"
      R"("memberID:x alarm:NOSPACE","alarm:NOSPACE",""]})");
  ASSERT_TRUE(status) << status.error().message();
  ASSERT_EQ(status->alarms.size(), 1U);
  EXPECT_EQ(status->alarms[0].member_id, 3U);
}

TEST(EtcdStatusReply, ThatIsWrongIsAnErrorWithThePlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "header: expected an object"},
      {R"({"header":{}})", "header.cluster_id: expected a cluster"},
      {R"({"header":{"cluster_id":"1"}})", "header.member_id: expected a member"},
      {R"({"header":{"cluster_id":1,"member_id":"2"}})", "header.cluster_id: expected a decimal string"},
      {R"({"header":{"cluster_id":"-1","member_id":"2"}})", "header.cluster_id: expected a decimal string"},
      {R"({"header":{"cluster_id":"1","member_id":"2"},"leader":"x"})", "leader: expected a decimal string"},
      {R"({"header":{"cluster_id":"1","member_id":"2"},"isLearner":"yes"})",
       "isLearner: expected true or false"},
      {R"({"header":{"cluster_id":"1","member_id":"2"},"errors":{}})", "errors: expected a list"},
      {R"({"header":{"cluster_id":"1","member_id":"2"},"errors":[1]})", "errors: expected strings"},
      {"[]", "not a JSON object"},
  };
  for (const auto& [body, message] : cases) {
    const auto status = parse_etcd_status(body);
    ASSERT_FALSE(status) << body;
    EXPECT_EQ(status.error(), Error(ErrorKind::protocol, message));
  }
}

TEST(EtcdMembersReply, TellsVotersFromLearners) {
  const auto members = parse_etcd_members(recorded("members_leader_with_learner"));
  ASSERT_TRUE(members) << members.error().message();
  EXPECT_EQ(members->cluster_id, kCluster);
  EXPECT_EQ(members->member_id, kLeader);
  ASSERT_EQ(members->members.size(), 4U);
  EXPECT_EQ(members->members[0].id, kLearner);
  EXPECT_TRUE(members->members[0].learner);
  EXPECT_EQ(members->members[0].client_urls, std::vector<std::string>{"http://127.0.0.1:23794"});
  EXPECT_FALSE(members->members[1].learner);
}

TEST(EtcdMembersReply, OfAMemberThatNeverStartedHasNoUrl) {
  const auto members = parse_etcd_members(recorded("members_leader_unstarted_learner"));
  ASSERT_TRUE(members) << members.error().message();
  EXPECT_TRUE(members->members[0].client_urls.empty());
}

TEST(EtcdMembersReply, IsNeverEmpty) {
  EXPECT_FALSE(parse_etcd_members(R"({"header":{"cluster_id":"1","member_id":"2"}})"));
  EXPECT_FALSE(parse_etcd_members(R"({"header":{"cluster_id":"1","member_id":"2"},"members":[]})"));
  EXPECT_FALSE(parse_etcd_members(R"({"header":{"cluster_id":"1","member_id":"2"},"members":[{"ID":"0"}]})"));
}

TEST(EtcdReply, IsRefusedBeyondItsCaps) {
  const std::string huge(1 << 20 | 1, ' ');
  EXPECT_EQ(parse_etcd_vars(huge).error().kind(), ErrorKind::too_large);
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(parse_etcd_status(deep).error().kind(), ErrorKind::protocol);

  std::string many = R"({"header":{"cluster_id":"1","member_id":"2"},"members":[{"ID":"1"})";
  for (int i = 0; i < 1024; ++i) many += R"(,{"ID":"1"})";
  EXPECT_EQ(parse_etcd_members(many + "]}").error(),
            Error(ErrorKind::protocol, "members: expected at most 1,024 entries"));
}

TEST(EtcdReply, CutShortIsAnErrorAtEveryLength) {
  const std::string whole = recorded("status_leader");
  for (std::size_t size = 0; size < whole.size() - 1; ++size) {
    EXPECT_FALSE(parse_etcd_status(whole.substr(0, size))) << size;
  }
}

TEST(EtcdLogin, IsJsonWhateverThePasswordHasInIt) {
  EXPECT_EQ(make_etcd_login("monitor", "a\"b\\c\n"), R"({"name":"monitor","password":"a\"b\\c\n"})");
}

TEST(EtcdLogin, YieldsATokenThatIsSafeInAHeader) {
  EXPECT_EQ(parse_etcd_token(recorded("token")), "qYmAyHSLHybVkWrW.26");
  EXPECT_FALSE(parse_etcd_token("{}"));
  EXPECT_FALSE(parse_etcd_token(R"({"token":""})"));
  EXPECT_FALSE(parse_etcd_token(R"({"token":"a\r\nX-Evil: 1"})"));
  EXPECT_FALSE(parse_etcd_token(R"({"token":")" + std::string(9000, 'a') + R"("})"));
}

TEST(EtcdRefusal, TellsRightsFromOtherTrouble) {
  struct Case {
    unsigned status;
    std::string body, message;
    ErrorKind kind;
  };
  const Case cases[] = {
      {400, recorded("error_password"),
       "HTTP status 400: etcdserver: authentication failed, invalid user ID or password",
       ErrorKind::rejected},
      {400, R"({"message":"etcdserver: user name is empty","code":3})",
       "HTTP status 400: etcdserver: user name is empty", ErrorKind::rejected},
      {401, R"({"error":"etcdserver: invalid auth token"})",
       "HTTP status 401: etcdserver: invalid auth token", ErrorKind::rejected},
      {503, recorded("members_learner"), "HTTP status 503: etcdserver: rpc not supported for learner",
       ErrorKind::protocol},
      {403, "<html>", "HTTP status 403", ErrorKind::rejected},
      {404, "404 page not found\n", "HTTP status 404", ErrorKind::protocol},
      {500, R"({"message":{"a":1}})", "HTTP status 500", ErrorKind::protocol},
      {301, "", "HTTP status 301", ErrorKind::protocol},
  };
  for (const auto& one : cases)
    EXPECT_EQ(read_etcd_refusal(one.status, one.body), Error(one.kind, one.message));
}

}  // namespace
}  // namespace qw::wire
