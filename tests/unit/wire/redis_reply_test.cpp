#include "probes/wire/redis_reply.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace qw::wire {
namespace {

using namespace std::chrono_literals;

std::string recorded(const std::string& path) {
  std::ifstream in(std::string(QW_SOURCE_DIR) + "/tests/fuzz/corpus/" + path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The values of RESP text.
std::vector<RespValue> values(std::string_view bytes) {
  RespReader reader;
  reader.feed(bytes);
  std::vector<RespValue> all;
  while (true) {
    auto value = reader.next();
    if (!value || !*value) return all;
    all.push_back(std::move(**value));
  }
}

RespValue value(std::string_view bytes) {
  return values(bytes).at(0);
}

RedisInfo info(std::string_view text) {
  RedisInfo read;
  read_redis_info(text, read);
  return read;
}

TEST(RedisReply, ReadsInfoOfARealMaster) {
  const RedisInfo read = info(recorded("redis_info/master"));
  EXPECT_EQ(read.role, RedisRole::master);
  EXPECT_EQ(read.replid.size(), 40u);
  EXPECT_EQ(read.run_id.size(), 40u);
  EXPECT_GT(read.repl_offset.value(), 0u);
  EXPECT_FALSE(read.replica_offset);
  EXPECT_FALSE(read.link_up);
  EXPECT_FALSE(read.failing_over);
  ASSERT_EQ(read.replicas.size(), 1u);
  EXPECT_EQ(read.replicas[0].ip, "127.0.0.1");
  EXPECT_EQ(read.replicas[0].port, 17002);
  EXPECT_EQ(read.replicas[0].state, "online");
  EXPECT_TRUE(read.replicas[0].offset);
  EXPECT_GT(read.server_time.value().time_since_epoch(), 400'000h);
  EXPECT_EQ(read.changes, 1u);
}

TEST(RedisReply, ReadsInfoOfARealReplica) {
  const RedisInfo read = info(recorded("redis_info/replica"));
  EXPECT_EQ(read.role, RedisRole::replica);
  EXPECT_EQ(read.link_up, true);
  EXPECT_EQ(read.master_host, "127.0.0.1");
  EXPECT_EQ(read.master_port, 17001);
  EXPECT_EQ(read.replica_offset, read.repl_offset);
  EXPECT_EQ(read.replid, info(recorded("redis_info/master")).replid);
}

TEST(RedisReply, ReadsTheForkOfAPromotedReplica) {
  const RedisInfo promoted = info(recorded("redis_info/promoted"));
  const RedisInfo deposed = info(recorded("redis_info/deposed"));
  EXPECT_EQ(promoted.role, RedisRole::master);
  EXPECT_EQ(deposed.role, RedisRole::master);
  EXPECT_EQ(promoted.replid2, deposed.replid);
  EXPECT_EQ(promoted.second_offset, deposed.repl_offset.value() + 1);
}

TEST(RedisReply, HasNoPositionForAReplicaThatNeverHadAMaster) {
  const RedisInfo read = info(recorded("redis_info/replica_never_linked"));
  EXPECT_EQ(read.role, RedisRole::replica);
  EXPECT_EQ(read.link_up, false);
  EXPECT_FALSE(read.replica_offset);
}

TEST(RedisReply, LeavesOutWhatInfoDoesNotSayOrSaysBadly) {
  const struct {
    std::string_view text;
    bool (*holds)(const RedisInfo&);
  } cases[] = {
      {"", [](const RedisInfo& i) { return !i.role && i.replid.empty() && !i.repl_offset && !i.link_up; }},
      {"role:king\r\n", [](const RedisInfo& i) { return !i.role; }},
      {"# role:master\r\n", [](const RedisInfo& i) { return !i.role; }},
      {"role\r\nmaster_repl_offset\r\n", [](const RedisInfo& i) { return !i.role && !i.repl_offset; }},
      {"role:master", [](const RedisInfo& i) { return i.role == RedisRole::master; }},
      {"role:replica\n", [](const RedisInfo& i) { return i.role == RedisRole::replica; }},
      {"master_repl_offset:-1\r\n", [](const RedisInfo& i) { return !i.repl_offset; }},
      {"master_repl_offset:12x\r\n", [](const RedisInfo& i) { return !i.repl_offset; }},
      {"master_repl_offset:18446744073709551616\r\n", [](const RedisInfo& i) { return !i.repl_offset; }},
      {"master_repl_offset:18446744073709551615\r\n",
       [](const RedisInfo& i) { return i.repl_offset == UINT64_MAX; }},
      {"master_replid2:0000000000000000000000000000000000000000\r\n",
       [](const RedisInfo& i) { return i.replid2.empty(); }},
      {"second_repl_offset:-1\r\n", [](const RedisInfo& i) { return !i.second_offset; }},
      {"slave_repl_offset:1\r\n", [](const RedisInfo& i) { return !i.replica_offset; }},
      {"slave_repl_offset:2\r\n", [](const RedisInfo& i) { return i.replica_offset == 2; }},
      {"slave_priority:100\r\nslave_read_only:1\r\n", [](const RedisInfo& i) { return i.replicas.empty(); }},
      {"slave0:ip=::1,port=70000,state=wait_bgsave,offset=0,lag=0\r\n",
       [](const RedisInfo& i) { return i.replicas.at(0).ip == "::1" && i.replicas[0].port == 0; }},
      {"slave0:garbage\r\n",
       [](const RedisInfo& i) { return i.replicas.size() == 1 && !i.replicas[0].offset; }},
      {"master_failover_state:waiting-for-sync\r\n", [](const RedisInfo& i) { return i.failing_over; }},
      {"server_time_usec:99999999999999999999\r\n", [](const RedisInfo& i) { return !i.server_time; }},
      {"master_host:::1\r\n", [](const RedisInfo& i) { return i.master_host == "::1"; }},
  };
  for (const auto& c : cases) EXPECT_TRUE(c.holds(info(c.text))) << c.text;
}

TEST(RedisReply, ReadsRoleByItsFirstWord) {
  EXPECT_EQ(read_redis_role(value("*3\r\n$6\r\nmaster\r\n:7\r\n*0\r\n")), RedisRole::master);
  EXPECT_EQ(read_redis_role(value("*5\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected\r\n:7\r\n")),
            RedisRole::replica);
  EXPECT_EQ(read_redis_role(value("*2\r\n$8\r\nsentinel\r\n*0\r\n")), RedisRole::sentinel);
  for (const std::string_view bad :
       {"*0\r\n", "+master\r\n", "*1\r\n:1\r\n", "*1\r\n$4\r\nking\r\n", "$-1\r\n"}) {
    EXPECT_EQ(read_redis_role(value(bad)).error().kind(), ErrorKind::protocol) << bad;
  }
}

TEST(RedisReply, ReadsTimeToTheMicrosecond) {
  EXPECT_EQ(read_redis_time(value("*2\r\n$10\r\n1700000000\r\n$6\r\n000012\r\n")),
            WallTime(1'700'000'000s + 12us));
  const std::string_view bad[] = {
      "*2\r\n$1\r\n1\r\n$7\r\n1000000\r\n",      "*1\r\n$1\r\n1\r\n", "*2\r\n$2\r\n-1\r\n$1\r\n0\r\n",
      "*2\r\n$11\r\n99999999999\r\n$1\r\n0\r\n", "+OK\r\n",           "*2\r\n$-1\r\n$-1\r\n"};
  for (const std::string_view bytes : bad) EXPECT_FALSE(read_redis_time(value(bytes))) << bytes;
}

TEST(RedisReply, ReadsAMasterAsARealSentinelSeesIt) {
  const auto replies = values(recorded("resp/sentinel"));
  const auto master = read_sentinel_master(replies.at(1));
  ASSERT_TRUE(master) << master.error().message();
  EXPECT_EQ(master->name, "mymaster");
  EXPECT_EQ(master->ip, "127.0.0.1");
  EXPECT_EQ(master->port, 17001);
  EXPECT_EQ(master->run_id.size(), 40u);
  EXPECT_EQ(master->config_epoch, 0u);
  EXPECT_EQ(master->quorum, 2u);
  EXPECT_EQ(master->other_sentinels, 1u);
  EXPECT_EQ(master->down_after, 400ms);
  EXPECT_FALSE(master->subjectively_down || master->objectively_down || master->failing_over ||
               master->forced);
}

TEST(RedisReply, ReadsTheFlagsOfAForcedFailOver) {
  const auto master = read_sentinel_master(values(recorded("resp/sentinel_failing_over")).at(1));
  ASSERT_TRUE(master);
  EXPECT_TRUE(master->failing_over);
  EXPECT_TRUE(master->forced);
}

TEST(RedisReply, ReadsTheFlagsOfAMasterThatIsDown) {
  const auto master = read_sentinel_master(
      value("*8\r\n$4\r\nname\r\n$1\r\nm\r\n$2\r\nip\r\n$1\r\na\r\n$4\r\nport\r\n$1\r\n1\r\n"
            "$5\r\nflags\r\n$20\r\ns_down,o_down,master\r\n"));
  ASSERT_TRUE(master) << master.error().message();
  EXPECT_TRUE(master->subjectively_down);
  EXPECT_TRUE(master->objectively_down);
  EXPECT_FALSE(master->failing_over);
  EXPECT_FALSE(master->config_epoch) << "what it does not say is not 0";
}

TEST(RedisReply, ReadsAllMastersOfASentinel) {
  const auto masters = read_sentinel_masters(values(recorded("resp/sentinel_all")).at(1));
  ASSERT_TRUE(masters);
  ASSERT_EQ(masters->size(), 1u);
  EXPECT_EQ(masters->at(0).name, "mymaster");
  EXPECT_TRUE(read_sentinel_masters(value("*0\r\n")).value().empty());
}

TEST(RedisReply, RefusesAMasterWithoutNameOrAddress) {
  const std::string_view bad[] = {
      "*0\r\n", "*1\r\n$4\r\nname\r\n", "+OK\r\n", "*4\r\n$4\r\nname\r\n$1\r\nm\r\n$2\r\nip\r\n$1\r\na\r\n",
      "*6\r\n$4\r\nname\r\n$1\r\nm\r\n$2\r\nip\r\n$1\r\na\r\n$4\r\nport\r\n$5\r\n65536\r\n"};
  for (const std::string_view bytes : bad) EXPECT_FALSE(read_sentinel_master(value(bytes))) << bytes;
}

TEST(RedisReply, KnowsTiltOnlyWhereItIsSaid) {
  EXPECT_EQ(read_sentinel_tilt("# Sentinel\r\nsentinel_tilt:0\r\nsentinel_tilt_since_seconds:-1\r\n"), false);
  EXPECT_EQ(read_sentinel_tilt("sentinel_tilt:1\r\n"), true);
  EXPECT_EQ(read_sentinel_tilt("sentinel_tilt:maybe\r\n"), std::nullopt);
  EXPECT_EQ(read_sentinel_tilt(""), std::nullopt);
}

TEST(RedisReply, NamesTheCodeOfARefusal) {
  EXPECT_EQ(error_code(value("-NOQUORUM 1 usable Sentinels\r\n")), "NOQUORUM");
  EXPECT_EQ(error_code(value("-LOADING\r\n")), "LOADING");
  EXPECT_EQ(error_code(value("+LOADING\r\n")), "");
}

}  // namespace
}  // namespace qw::wire
