#include "probes/wire/resp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>

namespace qw::wire {
namespace {

using Kind = RespValue::Kind;

RespValue text(Kind kind, std::string content) {
  RespValue value;
  value.kind = kind;
  value.text = std::move(content);
  return value;
}

RespValue number(std::int64_t content) {
  RespValue value;
  value.kind = Kind::integer;
  value.integer = content;
  return value;
}

RespValue array(std::vector<RespValue> items) {
  RespValue value;
  value.kind = Kind::array;
  value.items = std::move(items);
  return value;
}

struct Outcome {
  std::vector<RespValue> values;
  std::optional<Error> error;
  bool empty = true;
  bool operator==(const Outcome&) const = default;
};

/// Feeds `bytes` in pieces of the given sizes (the last one repeats).
Outcome read(std::string_view bytes, const std::vector<std::size_t>& pieces = {SIZE_MAX},
             const RespLimits& limits = {}) {
  RespReader reader(limits);
  Outcome outcome;
  std::size_t piece = 0;
  while (!bytes.empty() && !outcome.error) {
    const std::size_t length = std::min(bytes.size(), pieces[std::min(piece++, pieces.size() - 1)]);
    reader.feed(bytes.substr(0, length));
    bytes.remove_prefix(length);
    while (true) {
      auto value = reader.next();
      if (!value) outcome.error = value.error();
      if (!value || !*value) break;
      outcome.values.push_back(std::move(**value));
    }
  }
  outcome.empty = reader.empty();
  return outcome;
}

std::string recorded(const std::string& name) {
  std::ifstream in(std::string(QW_SOURCE_DIR) + "/tests/fuzz/corpus/resp/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Resp, ReadsEachKindOfValue) {
  const struct {
    std::string_view bytes;
    RespValue value;
  } cases[] = {
      {"+PONG\r\n", text(Kind::simple, "PONG")},
      {"+\r\n", text(Kind::simple, "")},
      {"+a\rb\nc\r\n", text(Kind::simple, "a\rb\nc")},
      {"-NOAUTH Authentication required.\r\n", text(Kind::error, "NOAUTH Authentication required.")},
      {":-42\r\n", number(-42)},
      {":9223372036854775807\r\n", number(INT64_MAX)},
      {"$5\r\na\r\nb!\r\n", text(Kind::bulk, "a\r\nb!")},
      {"$0\r\n\r\n", text(Kind::bulk, "")},
      {"$-1\r\n", RespValue{}},
      {"*-1\r\n", RespValue{}},
      {"*0\r\n", array({})},
      {"*2\r\n$3\r\nfoo\r\n*2\r\n:1\r\n-ERR inside\r\n",
       array({text(Kind::bulk, "foo"), array({number(1), text(Kind::error, "ERR inside")})})},
  };
  for (const auto& c : cases) {
    const Outcome outcome = read(c.bytes);
    EXPECT_FALSE(outcome.error) << c.bytes << ": " << outcome.error->message();
    ASSERT_EQ(outcome.values.size(), 1u) << c.bytes;
    EXPECT_EQ(outcome.values[0], c.value) << c.bytes;
    EXPECT_TRUE(outcome.empty);
  }
}

TEST(Resp, WaitsForTheRestOfAReply) {
  const std::string_view reply = "*3\r\n$3\r\nfoo\r\n:1\r\n+OK\r\n";
  for (std::size_t length = 1; length < reply.size(); ++length) {
    const Outcome outcome = read(reply.substr(0, length));
    EXPECT_FALSE(outcome.error) << length;
    EXPECT_TRUE(outcome.values.empty()) << length;
    EXPECT_FALSE(outcome.empty) << length;
  }
}

TEST(Resp, RefusesWhatIsNotTheProtocol) {
  const struct {
    std::string_view bytes;
    std::string_view message;
  } cases[] = {
      {"HTTP/1.1 400 Bad Request\r\n", "not RESP: no reply starts with byte 0x48 at offset 0"},
      {"_\r\n", "not RESP: no reply starts with byte 0x5f at offset 0"},
      {"\r\n", "not RESP: no reply starts with byte 0x0d at offset 0"},
      {":12a\r\n", "not RESP: expected a number at offset 0"},
      {":\r\n", "not RESP: expected a number at offset 0"},
      {":9223372036854775808\r\n", "not RESP: expected a number at offset 0"},
      {"$-2\r\n", "not RESP: negative length at offset 0"},
      {"*-2\r\n", "not RESP: negative count at offset 0"},
      {"$3\r\nfoobar\r\n", "not RESP: bulk string is not as long as announced at offset 7"},
      {"*1\r\nx", "not RESP: no reply starts with byte 0x78 at offset 4"},
  };
  for (const auto& c : cases) {
    const Outcome outcome = read(c.bytes);
    ASSERT_TRUE(outcome.error) << c.bytes;
    EXPECT_EQ(outcome.error->kind(), ErrorKind::protocol) << c.bytes;
    EXPECT_EQ(outcome.error->message(), c.message);
  }
}

TEST(Resp, RefusesAnAnnouncementBeforeItsBytesCome) {
  std::string deep;
  for (int i = 0; i < 9; ++i) deep += "*1\r\n";
  const struct {
    std::string bytes;
    std::string_view message;
  } cases[] = {
      {"*221422214\r\n", "array of 221422214 where 100000 elements are allowed in a reply at offset 0"},
      {"*2\r\n*60000\r\n", ""},
      {"*9223372036854775807\r\n",
       "array of 9223372036854775807 where 100000 elements are allowed in a reply at offset 0"},
      {"$1000000000\r\n", "string of 1000000000 bytes where 1048576 are allowed in a reply at offset 0"},
      {"$9223372036854775807\r\n",
       "string of 9223372036854775807 bytes where 1048576 are allowed in a reply at offset 0"},
      {deep, "more than 8 arrays in each other at offset 32"},
      {"+" + std::string(20'000, 'x'), "line of more than 16384 bytes at offset 0"},
      {":" + std::string(40, '1'), "line of more than 32 bytes at offset 0"},
      {"*" + std::string(40, '0'), "line of more than 32 bytes at offset 0"},
  };
  for (const auto& c : cases) {
    const Outcome outcome = read(c.bytes);
    if (c.message.empty()) {
      EXPECT_FALSE(outcome.error) << c.bytes;
      continue;
    }
    ASSERT_TRUE(outcome.error) << c.bytes.substr(0, 40);
    EXPECT_EQ(outcome.error->kind(), ErrorKind::too_large);
    EXPECT_EQ(outcome.error->message(), c.message);
  }
}

TEST(Resp, CountsTheElementsOfAllArraysTogether) {
  RespLimits limits;
  limits.elements = 5;
  EXPECT_FALSE(read("*2\r\n*3\r\n:1\r\n:2\r\n:3\r\n*0\r\n", {SIZE_MAX}, limits).error);
  EXPECT_TRUE(read("*2\r\n*2\r\n:1\r\n:2\r\n*2\r\n", {SIZE_MAX}, limits).error);
}

TEST(Resp, CountsTheBytesOfAllStringsTogether) {
  RespLimits limits;
  limits.reply_bytes = 100;
  const std::string forty = "$40\r\n" + std::string(40, 'x') + "\r\n";
  EXPECT_FALSE(read("*2\r\n" + forty + forty, {SIZE_MAX}, limits).error);
  EXPECT_TRUE(read("*3\r\n" + forty + forty + "$40\r\n", {SIZE_MAX}, limits).error);
  EXPECT_FALSE(read(forty + forty + forty + forty, {SIZE_MAX}, limits).error) << "the limit is of one reply";
}

TEST(Resp, ReadsArraysAsDeepAsTheLimitSays) {
  std::string nested;
  for (int i = 0; i < 8; ++i) nested += "*1\r\n";
  const Outcome outcome = read(nested + ":7\r\n");
  ASSERT_FALSE(outcome.error) << outcome.error->message();
  const RespValue* value = &outcome.values.at(0);
  for (int i = 0; i < 8; ++i) value = &value->items.at(0);
  EXPECT_EQ(value->integer, 7);
}

TEST(Resp, MeasuresALineOfTheGreatestLengthAlikeInAnySplit) {
  RespLimits limits;
  limits.line_bytes = 10;
  for (const std::size_t length : {9u, 10u, 11u}) {
    const std::string line = "+" + std::string(length, 'x') + "\r\n";
    EXPECT_EQ(read(line, {1}, limits), read(line, {SIZE_MAX}, limits)) << length;
    EXPECT_EQ(read(line, {1}, limits).error.has_value(), length > 10) << length;
  }
}

TEST(Resp, StaysBrokenAfterAnError) {
  RespReader reader;
  reader.feed("+OK\r\n?\r\n+OK\r\n");
  EXPECT_TRUE(reader.next().value());
  EXPECT_FALSE(reader.next());
  reader.feed("+OK\r\n");
  EXPECT_FALSE(reader.next());
}

TEST(Resp, GivesTheSameValuesForAnySplitOfRealReplies) {
  std::mt19937 random(7);
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(QW_SOURCE_DIR) + "/tests/fuzz/corpus/resp")) {
    const std::string bytes = recorded(entry.path().filename());
    const Outcome whole = read(bytes);
    EXPECT_EQ(whole, read(bytes, {1})) << entry.path();
    for (int round = 0; round < 20; ++round) {
      std::vector<std::size_t> pieces;
      for (int i = 0; i < 50; ++i) pieces.push_back(1 + random() % 60);
      EXPECT_EQ(whole, read(bytes, pieces)) << entry.path();
    }
    ++files;
  }
  EXPECT_GE(files, 15u);
}

TEST(Resp, ReadsAPipelineOfARealServer) {
  const Outcome outcome = read(recorded("replica"));
  ASSERT_FALSE(outcome.error);
  ASSERT_EQ(outcome.values.size(), 6u);
  EXPECT_EQ(outcome.values[0], text(Kind::simple, "PONG"));
  EXPECT_EQ(outcome.values[1].items.size(), 2u);
  EXPECT_EQ(outcome.values[2].items.at(0), text(Kind::bulk, "slave"));
  EXPECT_TRUE(outcome.values[3].text.starts_with("# Replication"));
}

TEST(Resp, EncodesWordsThatHoldAnyByte) {
  const std::array<std::string_view, 3> words{"AUTH", "a\r\nb", ""};
  EXPECT_EQ(encode_command(words), "*3\r\n$4\r\nAUTH\r\n$4\r\na\r\nb\r\n$0\r\n\r\n");
}

}  // namespace
}  // namespace qw::wire
