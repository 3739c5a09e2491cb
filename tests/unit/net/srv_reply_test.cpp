#include "daemon/net/srv_reply.hpp"

#include <gtest/gtest.h>

namespace qw::net {
namespace {

using std::chrono::seconds;
using namespace std::string_literals;

/// The head of a reply to a question for SRV records of "_s._udp.x".
std::string head(unsigned answers) {
  return "\x12\x34\x81\x80\0\1\0"s + static_cast<char>(answers) + "\0\0\0\0"s + "\2_s\4_udp\1x\0\0\x21\0\1"s;
}

/// A record of any type for the name of the question.
std::string record(char type, std::string ttl, const std::string& data) {
  return "\xc0\x0c\0"s + type + "\0\1"s + std::move(ttl) + "\0"s + static_cast<char>(data.size()) + data;
}

const std::string kTtl = "\0\0\0\x1e"s;

std::string srv(const std::string& target, std::string ttl = kTtl) {
  return record('\x21', std::move(ttl), "\0\1\0\2\3\x5e"s + target);
}

TEST(SrvReply, ReadsRecordsWithAndWithoutCompression) {
  const auto got = read_srv_reply(head(3) + srv("\2N1\1x\0"s) + srv("\2n2\xc0\x14"s, "\0\0\0\x0a"s) +
                                  record('\1', kTtl, "\x0a\0\0\1"s));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->services, (std::vector<Service>{{.host = "n1.x", .port = 862, .priority = 1, .weight = 2},
                                                 {.host = "n2.x", .port = 862, .priority = 1, .weight = 2}}));
  EXPECT_EQ(got->ttl, seconds(10)) << "the least of the records";
}

TEST(SrvReply, SaysWhenThereIsNoSuchService) {
  for (const auto& reply : {head(0), head(1) + srv("\0"s), head(1) + record('\1', kTtl, "\x0a\0\0\1"s)}) {
    EXPECT_EQ(read_srv_reply(reply).error(), Error(ErrorKind::unreachable, "no such service"));
  }
}

TEST(SrvReply, RefusesWhatIsBroken) {
  const auto whole = head(1) + srv("\2n1\1x\0"s);
  ASSERT_TRUE(read_srv_reply(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_srv_reply(whole.substr(0, size))) << size;
  }
  const std::string cases[] = {
      srv("\xc0\x2d"s),          // a name that points at itself
      srv("\xff\xff"s),          // and beyond the message
      srv("\2n1\1x\0 "s),        // rests
      srv("\x7fn1\1x\0"s),       // no length that there is
      record('\x21', kTtl, ""),  // no data at all
  };
  for (const auto& broken : cases) {
    const auto got = read_srv_reply(head(1) + broken);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind(), ErrorKind::protocol) << got.error().message();
  }
}

TEST(SrvReply, PassesOverNamesThatCouldNotBeShown) {
  const auto got = read_srv_reply(head(2) + srv("\2n\n\1x\0"s) + srv("\2n1\1x\0"s));
  ASSERT_TRUE(got);
  EXPECT_EQ(got->services.size(), 1U);
}

TEST(SrvReply, TakesANegativeTimeToLiveForNone) {
  EXPECT_EQ(read_srv_reply(head(1) + srv("\2n1\1x\0"s, "\xff\0\0\0"s))->ttl, seconds(0));
}

TEST(SrvReply, NamesAServiceOnceThatIsThereTwice) {
  EXPECT_EQ(read_srv_reply(head(2) + srv("\2n1\1x\0"s) + srv("\2N1\1x\0"s))->services.size(), 1U);
}

}  // namespace
}  // namespace qw::net
