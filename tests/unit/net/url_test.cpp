#include "daemon/net/url.hpp"

#include <gtest/gtest.h>

namespace qw::net {
namespace {

TEST(Url, IsTakenApart) {
  const auto url = Url::parse("HTTPS://alerts.example/team/am/");
  ASSERT_TRUE(url) << url.error().message();
  EXPECT_EQ(url->print(), "https://alerts.example:443/team/am");
  EXPECT_TRUE(url->tls());
  EXPECT_EQ(Url::parse("http://10.0.8.1:9093")->print(), "http://10.0.8.1:9093");
  EXPECT_EQ(Url::parse("http://[::1]/")->to, (HostPort{"::1", 80}));
  EXPECT_EQ(Url::parse("ntp://10.0.9.1", 123)->print(), "ntp://10.0.9.1:123");
}

TEST(Url, RefusesWhatItCanNotMean) {
  for (const auto* text :
       {"", "host:9093", "http://", "http:///x", "http://user:s3cret@host", "http://host?a=b",
        "http://host/#x", "http://host:99999", "ntp://host", "http://a b"}) {
    const auto url = Url::parse(text);
    EXPECT_FALSE(url) << text;
    if (url) continue;
    EXPECT_EQ(url.error().kind(), ErrorKind::config);
    EXPECT_EQ(url.error().message().find("s3cret"), std::string::npos) << "no secret in a message";
  }
}

}  // namespace
}  // namespace qw::net
