#include "probes/wire/kafka_frame.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/wire/kafka_any_reply.hpp"
#include "tests/unit/wire/kafka_recorded.hpp"

namespace qw::wire::kafka {
namespace {

TEST(KafkaFrame, EncodesTheRequestThatRealBrokersTook) {
  // facts/kafka.md 5: DescribeQuorum v0, with its header.
  EXPECT_EQ(to_hex(encode(DescribeQuorumRequest{}, 0, 1, "qw")),
            "00000029"
            "0037"
            "0000"
            "00000001"
            "00027177"
            "00"
            "0213"
            "5f5f636c75737465725f6d65746164617461"
            "02"
            "00000000"
            "00"
            "00"
            "00");
}

TEST(KafkaFrame, EncodesClassicHeadersWithoutTags) {
  SaslHandshakeRequest request;
  request.mechanism = "PLAIN";
  EXPECT_EQ(to_hex(encode(request, 1, -1, "")),
            "00000011"
            "0011"
            "0001"
            "ffffffff"
            "0000"
            "0005504c41494e");
}

TEST(KafkaFrame, ReadsSizesWithinTheCap) {
  EXPECT_EQ(read_frame_size(from_hex("00000400"), 1024), 1024U);
  EXPECT_EQ(read_frame_size(from_hex("00000401"), 1024).error(),
            Error(ErrorKind::too_large, "a reply of 1025 bytes where 1024 are allowed"));
  EXPECT_EQ(read_frame_size(from_hex("00000003"), 1024).error().kind(), ErrorKind::protocol);
  EXPECT_EQ(read_frame_size(from_hex("ffffffff"), 1024).error().kind(), ErrorKind::protocol);
  EXPECT_EQ(read_frame_size("HTT", 1024).error().kind(), ErrorKind::protocol);
  EXPECT_EQ(read_frame_size("HTTP", 1024).error().kind(), ErrorKind::too_large);  // the wrong port
}

TEST(KafkaFrame, ReadsHeadersByTheVersionOfTheRequest) {
  const auto classic = read_reply_head(Api::metadata, 8, from_hex("0000002a 00ff"));
  ASSERT_TRUE(classic);
  EXPECT_EQ(classic->correlation, 42);
  EXPECT_EQ(classic->body.size(), 2U);
  const auto flexible = read_reply_head(Api::metadata, 9, from_hex("0000002a 00 ff"));
  ASSERT_TRUE(flexible);
  EXPECT_EQ(flexible->body.size(), 1U);
  const auto versions = read_reply_head(Api::api_versions, 3, from_hex("0000002a 00ff"));
  ASSERT_TRUE(versions);
  EXPECT_EQ(versions->body.size(), 2U);
  EXPECT_FALSE(read_reply_head(Api::metadata, 9, from_hex("0000002a")));
  EXPECT_FALSE(read_reply_head(Api::metadata, 8, from_hex("0000")));
  EXPECT_EQ(read_correlation(from_hex("0000002a ff")), 42);
  EXPECT_FALSE(read_correlation(from_hex("00002a")));
}

TEST(KafkaFrame, PicksTheHighestVersionThatBothSpeak) {
  EXPECT_EQ(common_version(Api::offset_fetch, {0, 6}), 6);   // 2.4
  EXPECT_EQ(common_version(Api::offset_fetch, {1, 10}), 9);  // 4.3
  EXPECT_EQ(common_version(Api::offset_fetch, {0, 1}), std::nullopt);
  EXPECT_EQ(common_version(Api::offset_fetch, {10, 12}), std::nullopt);
  EXPECT_EQ(common_version(Api::offset_fetch, {5, 3}), std::nullopt);
}

TEST(KafkaFrame, KnowsEachRequestOnce) {
  std::set<Api> seen;
  for (const ApiSupport& support : supported_apis()) {
    EXPECT_TRUE(seen.insert(support.api).second) << support.name;
    EXPECT_EQ(support_of(support.api).name, support.name);
    EXPECT_LE(support.versions.lowest, support.versions.highest);
    const auto nothing = count_values(support.api, support.versions.highest, "");
    ASSERT_FALSE(nothing) << support.name;
    EXPECT_TRUE(nothing.error().message().starts_with(print(support.api, support.versions.highest) + ": "));
  }
  EXPECT_EQ(seen.size(), 14U);
}

TEST(KafkaError, SaysNameAndNumber) {
  EXPECT_EQ(describe(ErrorCode::not_coordinator), "NOT_COORDINATOR (16)");
  EXPECT_EQ(describe(ErrorCode{999}), "error 999");
  EXPECT_TRUE(is_passing(ErrorCode::not_coordinator));
  EXPECT_FALSE(is_passing(ErrorCode::group_authorization_failed));
  EXPECT_TRUE(is_refusal(ErrorCode::group_authorization_failed));
}

// Every version that 3.9.2 and 4.3.1 share with us, as they answered.
TEST(KafkaRecorded, EveryReplyIsReadToItsEnd) {
  ASSERT_GT(all_recorded().size(), 100U);
  for (const Recorded& reply : all_recorded()) {
    const auto head = read_reply_head(reply.api, reply.version, reply.frame);
    ASSERT_TRUE(head) << reply.print();
    EXPECT_EQ(head->correlation, 7);
    const auto values = count_values(reply.api, reply.version, head->body);
    EXPECT_TRUE(values) << reply.print() << ": " << values.error().message();
  }
}

TEST(KafkaRecorded, NoReplyThatIsCutOffIsBelieved) {
  for (const Recorded& reply : all_recorded()) {
    const std::string_view body = recorded_body(reply.broker, reply.name, reply.version);
    for (std::size_t length = 0; length < body.size(); ++length) {
      const std::string cut(body.substr(0, length));  // of its own, so that ASan sees a read past it
      EXPECT_FALSE(count_values(reply.api, reply.version, cut)) << reply.print() << " at " << length;
    }
    EXPECT_FALSE(count_values(reply.api, reply.version, std::string(body) + '\0')) << reply.print();
  }
}

TEST(KafkaRecorded, NoChangedByteBuildsMoreThanTheBytesHold) {
  for (const Recorded& reply : all_recorded()) {
    std::string body(recorded_body(reply.broker, reply.name, reply.version));
    for (char& byte : body) {
      for (const char value : {'\x00', '\x7f', '\x80', '\xff'}) {
        const char kept = byte;
        byte = value;
        const auto values = count_values(reply.api, reply.version, body);
        if (values) {
          EXPECT_LE(*values, body.size()) << reply.print();
        }
        byte = kept;
      }
    }
  }
}

}  // namespace
}  // namespace qw::wire::kafka
