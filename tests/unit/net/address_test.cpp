#include "daemon/net/address.hpp"

#include <gtest/gtest.h>

#include <random>

namespace qw::net {
namespace {

TEST(HostPort, ReadsWhatUsersWrite) {
  struct Case {
    const char* text;
    std::uint16_t default_port;
    const char* host;
    std::uint16_t port;
    const char* printed;
  };
  const Case cases[] = {
      {"10.0.0.1:2379", 0, "10.0.0.1", 2379, "10.0.0.1:2379"},
      {"10.0.0.1:2379", 80, "10.0.0.1", 2379, "10.0.0.1:2379"},
      {"10.0.0.1", 80, "10.0.0.1", 80, "10.0.0.1:80"},
      {"[fe80::1]:2379", 0, "fe80::1", 2379, "[fe80::1]:2379"},
      {"[::1]", 6379, "::1", 6379, "[::1]:6379"},
      {"[fe80::1%eth0]:80", 0, "fe80::1%eth0", 80, "[fe80::1%eth0]:80"},
      {"fe80::1", 6379, "fe80::1", 6379, "[fe80::1]:6379"},
      {"etcd-1.example:1", 0, "etcd-1.example", 1, "etcd-1.example:1"},
      {"etcd-1.example.:65535", 0, "etcd-1.example.", 65535, "etcd-1.example.:65535"},
      {"_stamp._udp.nodes.example", 862, "_stamp._udp.nodes.example", 862, "_stamp._udp.nodes.example:862"},
      {"a1:5", 0, "a1", 5, "a1:5"},
      {"3com.example:5", 0, "3com.example", 5, "3com.example:5"},
  };
  for (const auto& c : cases) {
    const auto got = HostPort::parse(c.text, c.default_port);
    ASSERT_TRUE(got) << c.text << ": " << got.error().message();
    EXPECT_EQ(got->host, c.host) << c.text;
    EXPECT_EQ(got->port, c.port) << c.text;
    EXPECT_EQ(got->print(), c.printed) << c.text;
  }
}

TEST(HostPort, RefusesWhatIsNoAddressAndSaysWhy) {
  struct Case {
    std::string text;
    std::uint16_t default_port;
    const char* why;
  };
  const Case cases[] = {
      {"", 80, "empty address"},
      {" ", 80, "blanks"},
      {"a b:80", 0, "blanks"},
      {"host:80\n", 0, "control characters"},
      {std::string("a\0b:80", 6), 0, "control characters"},
      {"http://10.0.0.1:80", 0, "without a scheme"},
      {"10.0.0.1:80/path", 0, "without a path"},
      {"10.0.0.1:80?x", 0, "without a path"},
      {"user:password@host:80", 0, "user names"},
      {"host", 0, "port is missing"},
      {"10.0.0.1", 0, "port is missing"},
      {"[::1]", 0, "port is missing"},
      {"fe80::1:2379", 0, "needs brackets"},
      {"host:", 0, "port number"},
      {"host:http", 0, "port number"},
      {"host:80x", 0, "port number"},
      {"host:-1", 0, "port number"},
      {"host:+80", 0, "port number"},
      {"host:0", 0, "within 1 and 65535"},
      {"host:65536", 0, "within 1 and 65535"},
      {"host:99999999999999999999", 0, "within 1 and 65535"},
      {":80", 0, "host is empty"},
      {"[]:80", 0, "between the brackets"},
      {"[10.0.0.1]:80", 0, "between the brackets"},
      {"[fe80::1%]:80", 0, "between the brackets"},
      {"[fe80::1%[]:80", 0, "between the brackets"},
      {"[::1:80", 0, "not closed"},
      {"[::1]80", 0, "after ']'"},
      {"[::1]:", 0, "port number"},
      {"a:b:c", 0, "[IPv6 address]:port"},
      {"10.0.0.300:80", 0, "not an IPv4 address"},
      {"10.0.1:80", 0, "not an IPv4 address"},
      {"a..b:80", 0, "empty part"},
      {".a:80", 0, "empty part"},
      {"h\xc3\xb6st:80", 0, "letters, digits"},
      {"ho*st:80", 0, "letters, digits"},
      {std::string(64, 'a') + ":80", 0, "63"},
      {std::string(300, 'a') + ":80", 0, "253"},
  };
  for (const auto& c : cases) {
    const auto got = HostPort::parse(c.text, c.default_port);
    ASSERT_FALSE(got) << c.text << " was taken for " << got->print();
    EXPECT_EQ(got.error().kind(), ErrorKind::config) << c.text;
    EXPECT_NE(got.error().message().find(c.why), std::string::npos)
        << c.text << ": " << got.error().message();
  }
}

TEST(HostPort, NeverRepeatsAPasswordInTheError) {
  const auto got = HostPort::parse("admin:hunter2@10.0.0.1:80");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message().find("hunter2"), std::string::npos);
}

TEST(HostPort, ReadsBackWhatItPrints) {
  std::mt19937 random(7);
  const std::string letters = "ab1.:[]-%@/ 0";
  int read = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::size_t n = random() % 12; n > 0; --n) text += letters[random() % letters.size()];
    const auto got = HostPort::parse(text, 7);
    if (!got) continue;
    ++read;
    const auto again = HostPort::parse(got->print());
    ASSERT_TRUE(again) << text << " was printed as " << got->print();
    EXPECT_EQ(*again, *got);
  }
  EXPECT_GT(read, 300);
}

}  // namespace
}  // namespace qw::net
