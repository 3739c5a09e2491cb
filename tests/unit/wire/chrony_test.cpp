#include "probes/wire/chrony.hpp"

#include <gtest/gtest.h>

#include "clock_recorded.hpp"

namespace qw::wire {
namespace {

constexpr std::uint32_t kSequence = 0x01020304;

TEST(Chrony, AQuestionIsAsLongAsItsAnswer) {
  EXPECT_EQ(make_chrony_request(ChronyCommand::tracking, 7).size(), from_hex(kRecordedTracking).size());
  EXPECT_EQ(make_chrony_request(ChronyCommand::source_count, 7).size(),
            from_hex(kRecordedSourceCount).size());
  const auto bytes = make_chrony_request(ChronyCommand::source_data, kSequence, 5);
  EXPECT_EQ(bytes.size(), from_hex(kRecordedSource).size());
  EXPECT_EQ(std::vector(bytes.begin(), bytes.begin() + 24),
            from_hex("06010000000f000001020304000000000000000000000005"));
}

// As `chronyc -c tracking` printed it at that moment.
TEST(Chrony, ReadsTheTracking) {
  const auto bytes = from_hex(kRecordedTracking);
  EXPECT_TRUE(answers_chrony_request(bytes, ChronyCommand::tracking, kSequence));
  EXPECT_FALSE(answers_chrony_request(bytes, ChronyCommand::tracking, kSequence + 1));
  EXPECT_FALSE(answers_chrony_request(bytes, ChronyCommand::source_data, kSequence));
  const auto tracking = parse_chrony_tracking(bytes);
  ASSERT_TRUE(tracking) << tracking.error().message();
  EXPECT_EQ(tracking->reference_id, 0x46414B45u);
  EXPECT_EQ(tracking->stratum, 1);
  EXPECT_EQ(tracking->leap, 0);
  ASSERT_TRUE(tracking->reference_time);
  EXPECT_NEAR(seconds(*tracking->reference_time), 1795281037.981543116, 1e-6);
  EXPECT_NEAR(tracking->correction, 0.25, 5e-10);
  EXPECT_NEAR(tracking->last_offset, -0.017288366, 5e-10);
  EXPECT_NEAR(tracking->rms_offset, 0.005620244, 5e-10);
  EXPECT_NEAR(tracking->frequency_ppm, 0, 5e-4);
  EXPECT_NEAR(tracking->root_delay, 0.000000001, 5e-10);
  EXPECT_NEAR(tracking->root_dispersion, 0.0000017, 1e-7);
  EXPECT_NEAR(tracking->update_interval, 0.5, 0.05);
}

// "#,*,FAKE,0,-1,377,0,0.000000000,-0.017288366,0.000001000"
TEST(Chrony, ReadsASource) {
  EXPECT_EQ(parse_chrony_source_count(from_hex(kRecordedSourceCount)), 1u);
  const auto source = parse_chrony_source(from_hex(kRecordedSource));
  ASSERT_TRUE(source) << source.error().message();
  EXPECT_EQ(source->name, "FAKE");
  EXPECT_EQ(source->state, ChronySourceState::selected);
  EXPECT_EQ(source->stratum, 0);
  EXPECT_EQ(source->poll, -1);
  EXPECT_EQ(source->reachability, 0377);
  EXPECT_EQ(source->age, 0u);
  EXPECT_NEAR(source->offset, 0, 5e-10);
  EXPECT_NEAR(source->measured_offset, -0.017288366, 5e-10);
  EXPECT_NEAR(source->error, 0.000001, 5e-10);
}

TEST(Chrony, ReadsAddressesOfServers) {
  auto bytes = from_hex(kRecordedSource);
  bytes[28 + 27] = std::byte{0};  // a client's association, and not a reference clock
  EXPECT_EQ(parse_chrony_source(bytes)->name, "70.65.75.69");
  bytes[28 + 17] = std::byte{2};
  EXPECT_EQ(parse_chrony_source(bytes)->name, "4641:4b45::");
}

TEST(Chrony, UnsynchronisedHasNoLeap) {
  auto bytes = from_hex(kRecordedTracking);
  bytes[28 + 27] = std::byte{3};
  EXPECT_EQ(parse_chrony_tracking(bytes)->leap, std::nullopt);
}

TEST(Chrony, RefusalsSayWhy) {
  const auto wrong_length = parse_chrony_tracking(from_hex(kRecordedWrongLength));
  ASSERT_FALSE(wrong_length);
  EXPECT_EQ(wrong_length.error(),
            Error(ErrorKind::rejected, "chrony: status 19: the question has the wrong length"));
  const auto unauthorised = parse_chrony_source(from_hex(kRecordedNotAuthorised));
  ASSERT_FALSE(unauthorised);
  EXPECT_EQ(unauthorised.error(), Error(ErrorKind::rejected, "chrony: status 2: not authorised"));
}

TEST(Chrony, RefusesWhatIsNoReply) {
  const auto good = from_hex(kRecordedTracking);
  const auto refuses = [](const std::vector<std::byte>& bytes) {
    const auto tracking = parse_chrony_tracking(bytes);
    return !tracking && tracking.error().kind() == ErrorKind::protocol;
  };
  EXPECT_TRUE(refuses({good.begin(), good.begin() + 20}));
  EXPECT_TRUE(refuses({good.begin(), good.begin() + 103}));
  EXPECT_TRUE(refuses(from_hex(kRecordedSource)));
}

}  // namespace
}  // namespace qw::wire
