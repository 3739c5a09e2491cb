#include "probes/wire/kafka_reader.hpp"

#include <gtest/gtest.h>

#include "probes/wire/kafka_writer.hpp"
#include "tests/unit/wire/kafka_recorded.hpp"

namespace qw::wire::kafka {
namespace {

Reader classic(std::string_view bytes) {
  return {bytes, false};
}
Reader flexible(std::string_view bytes) {
  return {bytes, true};
}

TEST(KafkaReader, ReadsNumbersBigEndian) {
  const std::string bytes = from_hex("7f fffe 0102 80000000 7fffffffffffffff 01");
  Reader in = classic(bytes);
  EXPECT_EQ(in.int8(), 127);
  EXPECT_EQ(in.int16(), -2);
  EXPECT_EQ(in.uint16(), 0x0102);
  EXPECT_EQ(in.int32(), INT32_MIN);
  EXPECT_EQ(in.int64(), INT64_MAX);
  EXPECT_TRUE(in.boolean());
  EXPECT_TRUE(in.end("reply"));
}

TEST(KafkaReader, ReadsClassicTextsAndArrays) {
  const std::string bytes = from_hex("0002 6869 ffff 00000001 21 ffffffff 00000002 0000000100000002");
  Reader in = classic(bytes);
  EXPECT_EQ(in.text(), "hi");
  EXPECT_EQ(in.nullable_text(), std::nullopt);
  EXPECT_EQ(in.bytes(), "!");
  EXPECT_EQ(in.array(4), 0U);
  EXPECT_EQ(in.array(4), 2U);
  EXPECT_EQ(in.int32(), 1);
  EXPECT_EQ(in.int32(), 2);
  in.skip_tags();  // there are none to skip
  EXPECT_TRUE(in.end("reply"));
}

TEST(KafkaReader, ReadsFlexibleTextsArraysAndTags) {
  const std::string long_text(200, 'x');
  const std::string bytes = from_hex("03 6869 00 01 c901") + long_text + from_hex("03 0000000100000002 00") +
                            from_hex("02 01 02 abcd 05 00");
  Reader in = flexible(bytes);
  EXPECT_EQ(in.text(), "hi");
  EXPECT_EQ(in.nullable_text(), std::nullopt);
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.text(), long_text);
  in.skip_int32s();
  EXPECT_EQ(in.array(4), 0U);
  std::vector<std::pair<std::uint32_t, std::string>> tags;
  in.tags([&tags](std::uint32_t tag, std::string_view content) { tags.emplace_back(tag, content); });
  EXPECT_TRUE(in.end("reply"));
  const std::vector<std::pair<std::uint32_t, std::string>> expected{{1, from_hex("abcd")}, {5, ""}};
  EXPECT_EQ(tags, expected);
}

TEST(KafkaReader, ReadsVarintsOfUpTo32Bits) {
  const std::pair<const char*, std::uint32_t> cases[] = {
      {"00", 0}, {"7f", 127}, {"8001", 128}, {"ac02", 300}, {"ffffffff0f", UINT32_MAX}};
  for (const auto& [hex, value] : cases) {
    const std::string bytes = from_hex(hex);
    Reader in = flexible(bytes);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.end("reply")) << hex;
    Writer out(true);
    out.varint(value);
    EXPECT_EQ(to_hex(std::move(out).take()), hex);
  }
  for (const char* hex : {"ffffffff10", "ffffffffff01", "808080808000", "80"}) {
    const std::string bytes = from_hex(hex);
    Reader in = flexible(bytes);
    EXPECT_EQ(in.varint(), 0U) << hex;
    EXPECT_FALSE(in.end("reply")) << hex;
  }
}

TEST(KafkaReader, RefusesLengthsThatCanNotBe) {
  const struct {
    const char* hex;
    bool flexible;
    const char* message;
  } cases[] = {
      {"0005 6869", false, "reply: it ends in the middle of a text at offset 2"},
      {"fffe", false, "reply: a negative length at offset 2"},
      {"ffff", false, "reply: null where a text belongs at offset 2"},
      {"00", true, "reply: null where a text belongs at offset 1"},
      {"ffffffff0f", true, "reply: it ends in the middle of a text at offset 5"},
      {"00", false, "reply: it ends in the middle of a number at offset 0"},
  };
  for (const auto& test : cases) {
    const std::string bytes = from_hex(test.hex);
    Reader in(bytes, test.flexible);
    EXPECT_EQ(in.text(), "");
    const auto end = in.end("reply");
    ASSERT_FALSE(end) << test.hex;
    EXPECT_EQ(end.error(), Error(ErrorKind::protocol, test.message));
  }
}

TEST(KafkaReader, RefusesCountsBeforeAnythingIsMade) {
  for (const char* hex : {"7fffffff 00000000", "00000003 0000000100000002", "80000000", "fffffffe"}) {
    const std::string bytes = from_hex(hex);
    Reader in = classic(bytes);
    EXPECT_EQ(in.array(4), 0U) << hex;
    EXPECT_FALSE(in.ok()) << hex;
    EXPECT_EQ(in.end("reply").error().kind(), ErrorKind::protocol) << hex;
  }
}

TEST(KafkaReader, CapsTheElementsOfAllArraysTogether) {
  const std::string bytes = from_hex("00000002 00000002 0000000100000002");
  Reader in(bytes, false, 3);
  EXPECT_EQ(in.array(1), 2U);
  EXPECT_EQ(in.array(4), 0U);
  EXPECT_EQ(
      in.end("reply").error(),
      Error(ErrorKind::too_large, "reply: more array elements than are allowed in a reply at offset 8"));
}

TEST(KafkaReader, GivesNothingAfterTheFirstProblem) {
  const std::string bytes = from_hex("ffff 0001 61 00000001");
  Reader in = classic(bytes);
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.int64(), 0);
  EXPECT_EQ(in.array(1), 0U);
  EXPECT_EQ(in.rest(), "");
  EXPECT_EQ(in.end("reply").error().message(), "reply: null where a text belongs at offset 2");
}

TEST(KafkaReader, RefusesWhatIsLeftOver) {
  Reader in = classic("abc");
  in.int8();
  EXPECT_EQ(in.end("Metadata v9").error().message(), "Metadata v9: 2 bytes are left over at offset 1");
}

TEST(KafkaReader, PrintsIds) {
  EXPECT_EQ(print(Uuid{}), "");
  EXPECT_EQ(print(Uuid{0xab, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}),
            "ab000000000000000000000000000001");
}

TEST(KafkaWriter, WritesBothEncodings) {
  const auto write = [](bool flexible) {
    Writer out(flexible);
    out.int16(-2);
    out.int64(1);
    out.text("hi");
    out.nullable_text(std::nullopt);
    out.bytes("!");
    out.array(2);
    out.null_array();
    out.no_tags();
    return to_hex(std::move(out).take());
  };
  EXPECT_EQ(write(false),
            "fffe0000000000000001"
            "00026869"
            "ffff"
            "0000000121"
            "00000002"
            "ffffffff");
  EXPECT_EQ(write(true),
            "fffe0000000000000001"
            "036869"
            "00"
            "0221"
            "03"
            "00"
            "00");
}

}  // namespace
}  // namespace qw::wire::kafka
