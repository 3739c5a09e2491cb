#include "probes/wire/stamp.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "probes/wire/ntp_time.hpp"

namespace qw::wire {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year;

std::vector<std::byte> bytes_of(std::string_view hex) {
  std::vector<std::byte> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return out;
}

// Written by scapy 2.5.0 (scapy.contrib.stamp), an independent codec: sequence 7, 3976000000.25 s since 1900,
// synchronised within 132 * 2^11 * 2^-32 s, session 0xbeef; and a reply to it.
constexpr std::string_view kRequest =
    "00000007ecfcf200400000008b84beef00000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kReply =
    "00000003ecfcf200800000001401beefecfcf2006000000000000007ecfcf200400000008b840000fe000000";

constexpr WallTime kThen(seconds(3'976'000'000 - 2'208'988'800) + milliseconds(250));

TEST(Stamp, WritesTheRequestThatAnIndependentCodecWrites) {
  const StampRequest request{
      .sequence = 7,
      .timestamp = to_ntp_time(kThen),
      .error_estimate = encode_error_estimate({.synchronised = true, .bound = nanoseconds(62'942)}),
      .session = 0xbeef};
  const auto written = write_stamp_request(request);
  EXPECT_EQ(std::vector(written.begin(), written.end()), bytes_of(kRequest));
  const auto read = read_stamp_request(bytes_of(kRequest));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, request);
}

TEST(Stamp, ReadsAndWritesTheReplyThatAnIndependentCodecWrites) {
  const auto reply = read_stamp_reply(bytes_of(kReply));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->sequence, 3U);
  EXPECT_EQ(reply->session, 0xbeef);
  EXPECT_EQ(from_ntp_time(reply->timestamp, kThen), kThen + milliseconds(250));
  EXPECT_EQ(from_ntp_time(reply->received, kThen), kThen + milliseconds(125));
  EXPECT_EQ(reply->sender.sequence, 7U);
  EXPECT_EQ(reply->sender.timestamp, to_ntp_time(kThen));
  EXPECT_EQ(reply->sender_ttl, 254);
  EXPECT_EQ(decode_error_estimate(reply->error_estimate),
            (ErrorEstimate{.synchronised = false, .ptp = false, .bound = nanoseconds(244'141)}));
  std::vector<std::byte> written(kStampSize, std::byte{0xff});
  write_stamp_reply(*reply, written);
  EXPECT_EQ(written, bytes_of(kReply));
}

TEST(Stamp, TakesTheShorterRepliesOfTwampPeers) {
  const auto whole = bytes_of(kReply);
  const auto light = read_stamp_reply(std::span(whole).first(41));
  ASSERT_TRUE(light);
  EXPECT_EQ(light->sender_ttl, 254);
  const auto shortest = read_stamp_reply(std::span(whole).first(38));
  ASSERT_TRUE(shortest);
  EXPECT_EQ(shortest->sender.sequence, 7U);
  EXPECT_FALSE(shortest->sender_ttl);
  EXPECT_FALSE(read_stamp_reply(std::span(whole).first(37)));
  EXPECT_FALSE(read_stamp_request(std::span(whole).first(13)));
}

TEST(Stamp, APaddedTwampRequestHasNoSession) {
  const auto whole = bytes_of(kRequest);
  const auto request = read_stamp_request(std::span(whole).first(41));
  ASSERT_TRUE(request);
  EXPECT_EQ(request->session, 0);
}

TEST(ErrorEstimate, NeverClaimsLessThanTheBoundAndLittleMore) {
  for (std::int64_t bound = 0; bound < hours(24) / nanoseconds(1); bound = bound * 5 / 3 + 1) {
    const ErrorEstimate said{.synchronised = true, .bound = nanoseconds(bound)};
    const auto heard = decode_error_estimate(encode_error_estimate(said));
    EXPECT_TRUE(heard.synchronised);
    ASSERT_TRUE(heard.bound) << bound;
    EXPECT_GE(*heard.bound, nanoseconds(bound));
    EXPECT_LE(heard.bound->count(), bound + bound / 100 + 1);
  }
}

TEST(ErrorEstimate, WithoutABoundItSaysNothing) {
  EXPECT_EQ(encode_error_estimate({}) & 0xff, 0xff);
  EXPECT_FALSE(decode_error_estimate(encode_error_estimate({})).bound);
  EXPECT_FALSE(decode_error_estimate(encode_error_estimate({.bound = hours(26)})).bound);
  // A multiplier of 0 is not allowed (RFC 4656 4.1.2), and not an error of 0.
  EXPECT_FALSE(decode_error_estimate(0x8000).bound);
  EXPECT_TRUE(decode_error_estimate(0x4001).ptp);
}

TEST(StampExtensions, AreReflectedWithTheirMarks) {
  // Padding of 2, a location (type 2) of 1 byte, and one that claims more than is left.
  auto extensions = bytes_of(
      "80010002aaaa"
      "00020001bb"
      "00090005cc");
  EXPECT_FALSE(mark_stamp_extensions(extensions, {}));
  EXPECT_EQ(extensions, bytes_of("00010002aaaa"
                                 "80020001bb"
                                 "40090005cc"));
}

constexpr std::string_view kFollowUpAnswer =
    "00070010"
    "00000102"
    "ecfcf20080000000"
    "02000000";

TEST(FollowUp, IsAskedForWithZerosAndAnsweredWhereItIsKnown) {
  std::array<std::byte, kFollowUpSize> question;
  write_follow_up_question(question);
  EXPECT_EQ(std::vector(question.begin(), question.end()), bytes_of("80070010"
                                                                    "00000000000000000000000000000000"));
  EXPECT_FALSE(read_follow_up(question)) << "a peer that sends the question back does not know it";
  const FollowUp said{.sequence = 0x102,
                      .timestamp = to_ntp_time(kThen + milliseconds(250)),
                      .method = StampMethod::software};
  EXPECT_TRUE(mark_stamp_extensions(question, said));
  EXPECT_EQ(std::vector(question.begin(), question.end()), bytes_of(kFollowUpAnswer));
  EXPECT_EQ(read_follow_up(question), said);
}

TEST(FollowUp, IsFoundBehindOtherExtensions) {
  auto extensions = bytes_of(std::string("00010002aaaa").append(kFollowUpAnswer));
  EXPECT_EQ(read_follow_up(extensions)->sequence, 0x102U);
  extensions.pop_back();
  EXPECT_FALSE(read_follow_up(extensions)) << "cut short";
  EXPECT_FALSE(read_follow_up({}));
}

TEST(FollowUp, OfAnotherLengthIsMalformed) {
  auto extensions = bytes_of(
      "80070008"
      "0000000000000000");
  EXPECT_FALSE(mark_stamp_extensions(extensions, {.sequence = 1, .timestamp = 2}));
  EXPECT_EQ(extensions, bytes_of("40070008"
                                 "0000000000000000"));
  EXPECT_FALSE(read_follow_up(extensions));
  EXPECT_FALSE(
      read_follow_up(bytes_of("00070008"
                              "0000000000000000")));
}

TEST(NtpTime, IsReadInTheEraThatIsNearest) {
  const WallTime rollover(sys_days(year(2036) / 2 / 7) + hours(6) + std::chrono::minutes(28) + seconds(16));
  EXPECT_EQ(to_ntp_time(rollover), 0U);
  EXPECT_EQ(from_ntp_time(0, rollover - hours(5)), rollover);
  EXPECT_EQ(from_ntp_time(0xffff'ffff'0000'0000U, rollover + hours(5)), rollover - seconds(1));
  EXPECT_EQ(from_ntp_time(to_ntp_time(kThen + nanoseconds(123'456'789)), kThen + hours(1)),
            kThen + nanoseconds(123'456'789));
}

TEST(NtpTime, RoundTripsEveryNanosecond) {
  for (std::int64_t i = 0; i < 1'000'000'000; i += 999'983) {
    EXPECT_EQ(from_ntp_time(to_ntp_time(kThen + nanoseconds(i)), kThen), kThen + nanoseconds(i));
  }
  EXPECT_EQ(from_ntp_time(to_ntp_time(WallTime(nanoseconds(999'999'999))), WallTime()),
            WallTime(nanoseconds(999'999'999)));
}

TEST(PtpTime, IsSecondsAndNanoseconds) {
  EXPECT_EQ(from_ptp_time(0x00000005'00000007U, WallTime(hours(1))), WallTime(seconds(5) + nanoseconds(7)));
}

}  // namespace
}  // namespace qw::wire
