#include <gtest/gtest.h>

#include "daemon/export/page.hpp"

namespace qw::exporting {
namespace {

TEST(NegotiateFormat, TakesWhatTheClientPrefers) {
  using enum PageFormat;
  struct Case {
    const char* accept;
    PageFormat format;
  };
  const Case cases[] = {
      {"", text},
      {"*/*", text},
      {"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", text},
      {"application/openmetrics-text", open_metrics},
      {"application/openmetrics-text; version=1.0.0; charset=utf-8", open_metrics},
      {"Application/OpenMetrics-Text;Version=\"1.0.0\"", open_metrics},
      // Prometheus 2.42 and 3
      {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       open_metrics},
      {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
       "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
       "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
       open_metrics},
      {"application/openmetrics-text;q=0.4,text/plain;q=0.5", text},
      {"text/plain,application/openmetrics-text", text},
      {"application/openmetrics-text,text/plain", open_metrics},
      {"*/*,application/openmetrics-text", open_metrics},
      {"*/*;q=0.9,application/openmetrics-text;q=0.5", text},
      {"application/openmetrics-text;q=0", text},
      {"application/openmetrics-text;version=0.0.1", text},
      {"application/openmetrics-text;q=2", text},
      {"application/openmetrics-text;q=nan", text},
      {"application/openmetrics-text;q=", text},
      {";;;,,,=;q", text},
  };
  for (const auto& c : cases) EXPECT_EQ(negotiate_format(c.accept), c.format) << c.accept;
}

TEST(NegotiateFormat, ReadsOnlySoMuchOfAHeader) {
  std::string many;
  for (int i = 0; i < 1000; ++i) many += "a/b,";
  EXPECT_EQ(negotiate_format(many + "application/openmetrics-text"), PageFormat::text);
}

TEST(AcceptsGzip, OnlyWhenTheClientSaysSo) {
  struct Case {
    const char* accept;
    bool gzip;
  };
  const Case cases[] = {{"", false},
                        {"gzip", true},
                        {"GZIP", true},
                        {"deflate, gzip;q=0.5", true},
                        {"gzip;q=0", false},
                        {"gzip;q=0.000", false},
                        {"*", true},
                        {"*;q=0", false},
                        {"*, gzip;q=0", false},
                        {"identity", false},
                        {"gzipped", false},
                        {"br;q=1.0, *;q=0.5", true}};
  for (const auto& c : cases) EXPECT_EQ(accepts_gzip(c.accept), c.gzip) << c.accept;
}

TEST(ContentType, NamesTheVersion) {
  EXPECT_EQ(content_type(PageFormat::text), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(content_type(PageFormat::open_metrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

}  // namespace
}  // namespace qw::exporting
