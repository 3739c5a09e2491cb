#include "probes/wire/kafka_quorum.hpp"

#include <gtest/gtest.h>

#include "tests/unit/wire/kafka_recorded.hpp"

namespace qw::wire::kafka {
namespace {

TEST(KafkaQuorum, ReadsTheViewOfTheActiveController) {
  for (std::int16_t version = 0; version <= 2; ++version) {
    const auto reply =
        DescribeQuorumReply::read(recorded_body("3.9.2", "DescribeQuorum:1", version), version);
    ASSERT_TRUE(reply) << version;
    EXPECT_EQ(reply->error, ErrorCode::none);
    EXPECT_EQ(reply->leader, 1);
    EXPECT_EQ(reply->leader_epoch, 1);
    EXPECT_GT(reply->high_watermark, 1000);
    ASSERT_EQ(reply->voters.size(), 3U);
    EXPECT_EQ(reply->voters[2].id, 3);
    EXPECT_EQ(reply->voters[2].log_end, reply->high_watermark);
    EXPECT_EQ(reply->voters[2].last_caught_up_ms > 0, version >= 1);
    EXPECT_TRUE(reply->observers.empty());
  }
}

// The zeros that come with the refusal must not read as broker 0 in epoch 0.
TEST(KafkaQuorum, TakesNothingFromOneThatDoesNotLead) {
  for (std::int16_t version = 0; version <= 2; ++version) {
    const auto reply =
        DescribeQuorumReply::read(recorded_body("3.9.2", "DescribeQuorum:2", version), version);
    ASSERT_TRUE(reply) << version;
    EXPECT_EQ(reply->error, ErrorCode::not_leader_or_follower);
    EXPECT_EQ(reply->leader, -1);
    EXPECT_EQ(reply->leader_epoch, -1);
    EXPECT_EQ(reply->high_watermark, -1);
  }
}

TEST(KafkaQuorum, WantsOnePartition) {
  EXPECT_FALSE(DescribeQuorumReply::read(from_hex("0000 01 00"), 0));
  const auto refused = DescribeQuorumReply::read(from_hex("001f 01 00"), 0);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error, ErrorCode::cluster_authorization_failed);
  EXPECT_FALSE(QuorumView::read(from_hex("00000000 0000 00000000 01 00"), 13));
}

TEST(KafkaQuorum, ReadsEachControllersOwnView) {
  for (const char* broker : {"3.9.2", "4.3.1"}) {
    const bool old = std::string_view(broker) == "3.9.2";
    for (const char* node : {"Fetch:1", "Fetch:2", "Fetch:3"}) {
      const auto view = QuorumView::read(recorded_body(broker, node, 13), 13);
      ASSERT_TRUE(view);
      EXPECT_EQ(view->error, ErrorCode::fenced_leader_epoch);
      EXPECT_EQ(view->leader, old ? 1 : 2);
      EXPECT_EQ(view->epoch, 1);
    }
  }
}

TEST(KafkaQuorum, ReadsAControllerThatKnowsNoLeader) {
  std::string body(recorded_body("3.9.2", "Fetch:1", 13));
  const std::string known = from_hex("0109 0000000100000001");
  const auto at = body.find(known);
  ASSERT_NE(at, std::string::npos);
  body.replace(at, known.size(), from_hex("0109 ffffffff 00000005"));
  const auto view = QuorumView::read(body, 13);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->leader, std::nullopt);
  EXPECT_EQ(view->epoch, 5);
  body[at + 1] = '\x08';  // the tag ends in the middle of its content
  EXPECT_FALSE(QuorumView::read(body, 13));
}

}  // namespace
}  // namespace qw::wire::kafka
