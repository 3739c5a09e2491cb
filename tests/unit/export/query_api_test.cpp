#include "daemon/export/query_api.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

#include "daemon/base/version.hpp"
#include "daemon/export/page.hpp"
#include "daemon/export/query_json.hpp"

namespace qw::exporting {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr MetricFamily kLeaders{"quorumwatch_leaders", MetricType::gauge, "Members that \"lead\".", ""};
constexpr MetricFamily kClaim{"quorumwatch_leader_claim", MetricType::gauge, "Claims.", "member"};

/// Two minutes of history, a round each 10 s, the last one now.
class QueryApiTest : public testing::Test {
 protected:
  QueryApiTest() {
    store_.set_retention(seconds(600));
    for (int i = 12; i >= 0; --i) publish(clock_.steady() - seconds(10 * i), 12 - i);
  }

  void publish(SteadyTime at, double leaders) {
    samples_.add(kLeaders, leaders);
    samples_.add(kClaim, 1, {{"member", "a\"b"}});
    samples_.add(kClaim, 0, {{"member", "c"}});
    auto round = std::make_shared<Round>();
    round->target = {.system = "etcd", .name = "x"};
    round->started = round->finished = at;
    round->samples = samples_.take();
    store_.publish(std::move(round));
  }

  static std::string encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
  }
  using Parameters = std::vector<std::pair<std::string_view, std::string_view>>;
  static std::string form(const Parameters& parameters) {
    std::string out;
    for (const auto& [name, value] : parameters) out += encode(name) + "=" + encode(value) + "&";
    return out;
  }

  net::ServerReply ask(net::ServerRequest request) {
    EXPECT_TRUE(QueryApi::knows(request.path)) << request.path;
    asio::io_context io(1);
    net::ServerReply reply;
    async::TaskGroup tasks(io.get_executor(),
                           [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
    tasks.spawn("ask", carry(std::move(request), reply));
    io.run();
    return reply;
  }
  Task<void> carry(net::ServerRequest request, net::ServerReply& into) {
    into = co_await api_.answer(std::move(request));
  }
  net::ServerReply get(std::string path, const Parameters& parameters = {}) {
    net::ServerRequest request;
    request.method = "GET";
    request.path = "/api/v1/" + std::move(path);
    request.query = form(parameters);
    return ask(std::move(request));
  }
  /// The answer's JSON; with other status than 200 the test fails.
  json::value read(std::string path, const Parameters& parameters = {}) {
    const auto reply = get(std::move(path), parameters);
    EXPECT_EQ(reply.status, 200U) << *reply.body;
    EXPECT_EQ(reply.content_type, "application/json");
    return json::parse(*reply.body);
  }
  json::value query(std::string_view text) { return read("query", {{"query", text}}); }
  void expect_error(const net::ServerReply& reply, unsigned status, std::string_view type,
                    std::string_view message) {
    EXPECT_EQ(reply.status, status) << *reply.body;
    const auto body = json::parse(*reply.body);
    EXPECT_EQ(body.at("status").as_string(), "error");
    EXPECT_EQ(body.at("errorType").as_string(), type);
    EXPECT_EQ(body.at("error").as_string(), message);
  }
  std::string now(Nanoseconds further = Nanoseconds(0)) const {
    return fmt::format("{:.3f}", seconds_of(clock_.wall() + further));
  }
  static double seconds_of(WallTime time) { return qw::seconds(time); }

  SystemClock clock_;
  store::Store store_{store::Store::Options()};
  Samples samples_{"etcd", "x"};
  async::WorkerPool pool_{2};
  QueryApi api_{store_, pool_};
};

TEST_F(QueryApiTest, AVectorIsAnsweredAsByPrometheus) {
  const auto answer = query("quorumwatch_leaders");
  EXPECT_EQ(answer.at("status").as_string(), "success");
  EXPECT_EQ(answer.at("data").at("resultType").as_string(), "vector");
  const auto& result = answer.at("data").at("result").as_array();
  ASSERT_EQ(result.size(), 1U);
  EXPECT_EQ(json::serialize(result[0].at("metric")),
            R"({"__name__":"quorumwatch_leaders","system":"etcd","target":"x"})");
  EXPECT_NEAR(result[0].at("value").at(0).to_number<double>(), seconds_of(clock_.wall()), 5);
  EXPECT_EQ(result[0].at("value").at(1).as_string(), "12");
  EXPECT_FALSE(answer.as_object().contains("warnings"));
}

TEST_F(QueryApiTest, EveryTypeHasItsForm) {
  const auto scalar = read("query", {{"query", "1e-7 + 0"}, {"time", "12.5"}});
  EXPECT_EQ(json::serialize(scalar.at("data")), R"({"resultType":"scalar","result":[1.25E1,"0.0000001"]})");
  const auto text = read("query", {{"query", "\"a\\\"\\n\""}, {"time", "12"}});
  EXPECT_EQ(*get("query", {{"query", "\"a\\\"\\n\""}, {"time", "12"}}).body,
            "{\"status\":\"success\",\"data\":{\"resultType\":\"string\",\"result\":[12,\"a\\\"\\u000a\"]}}");
  EXPECT_EQ(text.at("data").at("result").at(1).as_string(), "a\"\n");
  const auto matrix = query("quorumwatch_leaders[35s]");
  EXPECT_EQ(matrix.at("data").at("resultType").as_string(), "matrix");
  EXPECT_EQ(matrix.at("data").at("result").at(0).at("values").as_array().size(), 4U);
  EXPECT_EQ(*get("query", {{"query", "nothing"}}).body,
            R"({"status":"success","data":{"resultType":"vector","result":[]}})");
}

TEST_F(QueryApiTest, TimesAreSecondsWithMillisecondsWhereThereAreAny) {
  const auto body = [this](std::string_view time, std::string_view text) {
    return *get("query", {{"query", text}, {"time", time}}).body;
  };
  EXPECT_TRUE(body("12.05", "1").contains("[12.050,\"1\"]"));
  EXPECT_TRUE(body("12", "NaN").contains("[12,\"NaN\"]"));
  EXPECT_TRUE(body("-0.5", "-Inf").contains("[-0.500,\"-Inf\"]"));
  EXPECT_TRUE(body("1970-01-01T00:00:01Z", "vector(1e21)").contains("[1,\"1e+21\"]"));
  EXPECT_TRUE(body("1", "vector(-1e-7)").contains("[1,\"-1e-07\"]"));
  EXPECT_TRUE(body("1", "vector(123456789)").contains("[1,\"123456789\"]"));
}

TEST_F(QueryApiTest, ARangeHasAPointForEachStep) {
  const auto answer =
      read("query_range",
           {{"query", "quorumwatch_leaders"}, {"start", now(-seconds(61))}, {"end", now()}, {"step", "20s"}});
  EXPECT_EQ(answer.at("data").at("resultType").as_string(), "matrix");
  const auto& series = answer.at("data").at("result").as_array();
  ASSERT_EQ(series.size(), 1U);
  const auto& values = series[0].at("values").as_array();
  ASSERT_EQ(values.size(), 4U);
  EXPECT_EQ(values[3].at(1).as_string(), "11");
  const auto scalar = read("query_range", {{"query", "1"}, {"start", "0"}, {"end", "10"}, {"step", "5"}});
  EXPECT_EQ(json::serialize(scalar.at("data").at("result")),
            R"([{"metric":{},"values":[[0,"1"],[5,"1"],[10,"1"]]}])");
}

TEST_F(QueryApiTest, AFormMayBePosted) {
  net::ServerRequest request;
  request.method = "POST";
  request.path = "/api/v1/query";
  request.body = form({{"query", "1 + 1"}, {"time", "5"}});
  EXPECT_EQ(*ask(request).body, R"({"status":"success","data":{"resultType":"scalar","result":[5,"2"]}})");
  request.path = "/api/v1/metadata";
  EXPECT_EQ(ask(request).status, 405U);
  request.path = "/api/v1/query";
  request.method = "DELETE";
  EXPECT_EQ(ask(request).status, 405U);
}

TEST_F(QueryApiTest, BadRequestsAreToldAsByPrometheus) {
  const auto bad = [this](std::string path, const Parameters& parameters, std::string_view message) {
    expect_error(get(std::move(path), parameters), 400, "bad_data", message);
  };
  bad("query", {{"query", "up +"}}, "invalid parameter \"query\": 1:5: parse error: unexpected end of input");
  bad("query", {}, "invalid parameter \"query\": 1:1: parse error: no expression found in input");
  bad("query", {{"query", "1"}, {"time", "x"}},
      "invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp");
  bad("query", {{"query", "1"}, {"timeout", "x"}},
      "invalid parameter \"timeout\": cannot parse \"x\" to a valid duration");
  bad("query_range", {{"query", "1"}}, "invalid parameter \"start\": cannot parse \"\" to a valid timestamp");
  bad("query_range", {{"query", "1"}, {"start", "2"}, {"end", "1"}, {"step", "1"}},
      "invalid parameter \"end\": end timestamp must not be before start time");
  bad("query_range", {{"query", "1"}, {"start", "1"}, {"end", "2"}, {"step", "0"}},
      "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a "
      "positive "
      "integer");
  bad("query_range", {{"query", "1"}, {"start", "0"}, {"end", "11001"}, {"step", "1"}},
      "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution "
      "(?step=XX)");
  bad("query_range", {{"query", "up[5m]"}, {"start", "0"}, {"end", "1"}, {"step", "1"}},
      "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar "
      "or "
      "instant Vector");
  bad("series", {}, "no match[] parameter provided");
  bad("series", {{"match[]", "{a=\"\"}"}},
      "invalid parameter \"match[]\": match[] must contain at least one non-empty matcher");
  bad("labels", {{"match[]", "{"}},
      "invalid parameter \"match[]\": 1:2: parse error: unexpected end of input inside braces");
  bad("labels", {{"limit", "x"}}, "invalid parameter \"limit\": limit must be non-negative");
}

TEST_F(QueryApiTest, EvaluationsThatFailAreToldSo) {
  const auto reply =
      get("query", {{"query", "quorumwatch_leader_claim + on(system) quorumwatch_leader_claim"}});
  EXPECT_EQ(reply.status, 422U);
  EXPECT_EQ(json::parse(*reply.body).at("errorType").as_string(), "execution");
  EXPECT_TRUE(reply.body->contains("many-to-many matching not allowed")) << *reply.body;
}

TEST_F(QueryApiTest, LimitsHold) {
  QuerySettings settings;
  settings.max_points = 10;
  api_.configure(settings);
  expect_error(get("query", {{"query", "count_over_time(quorumwatch_leaders[5m])"}}), 422, "execution",
               "query processing would load too many samples into memory in query execution");
  EXPECT_EQ(get("query", {{"query", "quorumwatch_leaders"}}).status, 200U);
  settings.max_in_flight = 0;
  api_.configure(settings);
  expect_error(get("query", {{"query", "1"}}), 503, "unavailable", "too many queries are being answered");
}

TEST_F(QueryApiTest, AQueryMayHaveSoManyRegularExpressions) {
  std::string matchers;
  for (int i = 0; i < 65; ++i) matchers += "a=~\"b\",";
  expect_error(get("query", {{"query", "sum(up{" + matchers + "})"}}), 400, "bad_data",
               "invalid parameter \"query\": more than 64 regular expressions");
  expect_error(get("series", {{"match[]", "up{" + matchers + "}"}}), 400, "bad_data",
               "invalid parameter \"match[]\": more than 64 regular expressions");
}

TEST_F(QueryApiTest, AnEvaluationEndsAtItsDeadline) {
  const auto reply =
      get("query", {{"query", "sum_over_time(sum(quorumwatch_leader_claim)[5m:1ms])"}, {"timeout", "0.001"}});
  EXPECT_EQ(reply.status, 503U) << *reply.body;
  EXPECT_EQ(json::parse(*reply.body).at("errorType").as_string(), "timeout");
}

TEST_F(QueryApiTest, LabelsAndTheirValuesAreListedInOrder) {
  EXPECT_EQ(json::serialize(read("labels").at("data")), R"(["__name__","member","system","target"])");
  EXPECT_EQ(json::serialize(read("labels", {{"match[]", "quorumwatch_leaders"}}).at("data")),
            R"(["__name__","system","target"])");
  EXPECT_EQ(json::serialize(read("label/__name__/values").at("data")),
            R"(["quorumwatch_leader_claim","quorumwatch_leaders"])");
  EXPECT_EQ(json::serialize(read("label/member/values").at("data")), R"(["a\"b","c"])");
  EXPECT_EQ(json::serialize(read("label/none/values").at("data")), "[]");
  EXPECT_EQ(json::serialize(read("labels", {{"start", "0"}, {"end", "5"}}).at("data")), "[]");
  const auto cut = read("labels", {{"limit", "1"}});
  EXPECT_EQ(json::serialize(cut.at("data")), R"(["__name__"])");
  EXPECT_EQ(json::serialize(cut.at("warnings")), R"(["results truncated due to limit"])");
}

TEST_F(QueryApiTest, SeriesOfAnySelectorAreListedOnce) {
  const auto series = read("series", {{"match[]", "{member=\"c\"}"}, {"match[]", "{member=~\"c|d\"}"}});
  EXPECT_EQ(json::serialize(series.at("data")),
            R"([{"__name__":"quorumwatch_leader_claim","member":"c","system":"etcd","target":"x"}])");
}

TEST_F(QueryApiTest, AddedLabelsAreEverywhere) {
  QuerySettings settings;
  settings.added = {{"job", "quorumwatch"}};
  api_.configure(settings);
  EXPECT_EQ(json::serialize(read("label/job/values").at("data")), R"(["quorumwatch"])");
  EXPECT_EQ(query("quorumwatch_leaders{job=\"quorumwatch\"}").at("data").at("result").as_array().size(), 1U);
}

TEST_F(QueryApiTest, MetadataComesFromTheFamilies) {
  EXPECT_EQ(*get("metadata", {{"metric", "quorumwatch_leaders"}}).body,
            "{\"status\":\"success\",\"data\":{\"quorumwatch_leaders\":[{\"type\":\"gauge\",\"help\":"
            "\"Members that "
            "\\\"lead\\\".\",\"unit\":\"\"}]}}");
  EXPECT_EQ(read("metadata").at("data").as_object().size(), 2U);
  EXPECT_EQ(read("metadata", {{"limit", "1"}}).at("data").as_object().size(), 1U);
}

TEST_F(QueryApiTest, SaysWhatItIs) {
  EXPECT_EQ(read("status/buildinfo").at("data").at("version").as_string(), version());
}

TEST_F(QueryApiTest, AnswersMayBeCompressed) {
  net::ServerRequest request;
  request.method = "GET";
  request.path = "/api/v1/labels";
  request.accept_encoding = "gzip";
  EXPECT_TRUE(ask(request).body->starts_with("\x1f\x8b"));
}

TEST(QueryApiPaths, AreKnown) {
  EXPECT_TRUE(QueryApi::knows("/api/v1/label/a.b/values"));
  for (const auto* const path : {"/api/v1/targets", "/api/v1/rules", "/api/v1/", "/api/v2/query",
                                 "/api/v1/label/values", "/api/v1/query/", "/query"})
    EXPECT_FALSE(QueryApi::knows(path)) << path;
}

TEST(QueryJson, WarningsHaveTheirPlaceAndACap) {
  promql::Answer answer;
  answer.value = promql::Scalar{.at = 0, .value = 1};
  for (int i = 0; i < 12; ++i)
    answer.annotations.push_back({.kind = promql::Annotation::Kind::warning,
                                  .text = "PromQL warning: odd",
                                  .span = {.begin = 2, .end = 3}});
  answer.annotations.push_back(
      {.kind = promql::Annotation::Kind::info, .text = "PromQL info: well", .span = {}});
  const auto read = json::parse(answer_json(answer, "1\n+1", 0));
  ASSERT_EQ(read.at("warnings").as_array().size(), 11U);
  EXPECT_EQ(read.at("warnings").at(0).as_string(), "PromQL warning: odd (2:1)");
  EXPECT_EQ(read.at("warnings").at(10).as_string(), "2 more warning annotations omitted");
  EXPECT_EQ(read.at("infos").at(0).as_string(), "PromQL info: well (1:1)");
}

TEST(QueryJson, BrokenTextIsStillJson) {
  std::string out;
  append_json(out, "a\xff\x01\"\\\xc3\xa9");
  EXPECT_EQ(out, "\"a\xef\xbf\xbd\\u0001\\\"\\\\\xc3\xa9\"");
}

}  // namespace
}  // namespace qw::exporting
