#include "daemon/export/api_journal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>

namespace qw::exporting {
namespace {

using journal::Event;
using testing::ElementsAre;

WallTime at(int second) {
  return WallTime(std::chrono::seconds(1'795'000'000 + second));
}

std::vector<Event> events() {
  std::vector<Event> out;
  for (int i = 0; i < 10; ++i) {
    Event event;
    event.at = at(i);
    event.kind = i % 2 ? journal::Kind::election : journal::Kind::target;
    event.target = {.system = "etcd", .name = i < 5 ? "one" : "two"};
    event.what = std::to_string(i);
    event.text = "\"<b>\"";
    out.push_back(event);
  }
  return out;
}

Task<void> carry(const journal::Journal& journal, net::ServerRequest request, net::ServerReply& into) {
  into = co_await journal_reply(journal, std::move(request), at(10));
}

net::ServerReply reply_to(const std::string& query) {
  asio::io_context io(1);
  async::WorkerPool pool(1);
  journal::Journal journal(pool, {});
  journal.add(events());
  net::ServerReply reply;
  async::TaskGroup tasks(io.get_executor(),
                         [](std::string_view, const std::string& what) { ADD_FAILURE() << what; });
  net::ServerRequest request;
  request.query = query;
  tasks.spawn("ask", carry(journal, std::move(request), reply));
  io.run();
  return reply;
}

/// What the events of the reply are, and "more" where there are others.
std::vector<std::string> ask(const std::string& query) {
  const auto reply = reply_to(query);
  EXPECT_EQ(reply.status, 200U) << *reply.body;
  const auto body = boost::json::parse(*reply.body).as_object();
  EXPECT_EQ(body.at("status"), "success");
  std::vector<std::string> out;
  for (const auto& event : body.at("data").at("events").as_array())
    out.emplace_back(event.at("what").as_string());
  if (body.at("data").at("more").as_bool()) {
    out.emplace_back("more");
    EXPECT_TRUE(body.at("data").at("older_than").as_string().starts_with("2026-11-18T")) << *reply.body;
  }
  return out;
}

TEST(ApiJournal, GivesWhatIsAskedForInOrderOfTime) {
  EXPECT_EQ(ask("").size(), 10U);
  EXPECT_THAT(ask("since=3s"), ElementsAre("7", "8", "9"));
  EXPECT_THAT(ask("since=1795000008"), ElementsAre("8", "9"));
  EXPECT_THAT(ask("until=1795000002"), ElementsAre("0", "1"));
  EXPECT_THAT(ask("target=two&kind=election"), ElementsAre("5", "7", "9"));
  EXPECT_THAT(ask("target=etcd/one&kind=election"), ElementsAre("1", "3"));
  EXPECT_THAT(ask("target=none"), ElementsAre());
}

TEST(ApiJournal, IsPagedFromTheNewestBackwards) {
  EXPECT_THAT(ask("limit=3"), ElementsAre("7", "8", "9", "more"));
  EXPECT_THAT(ask("limit=3&until=1795000007"), ElementsAre("4", "5", "6", "more"));
  EXPECT_THAT(ask("limit=9&until=1795000004"), ElementsAre("0", "1", "2", "3"));
}

TEST(ApiJournal, RefusesWhatItDoesNotUnderstand) {
  for (const auto* query : {"since=x", "until=1e300", "limit=0", "limit=-1", "kind=none"})
    EXPECT_EQ(reply_to(query).status, 400U) << query;
}

}  // namespace
}  // namespace qw::exporting
