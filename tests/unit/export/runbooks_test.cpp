#include "daemon/export/runbooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "daemon/rules/rule_file.hpp"

namespace qw::exporting {
namespace {

using testing::HasSubstr;
using testing::Not;

std::optional<net::ServerReply> get(const std::string& path) {
  net::ServerRequest request;
  request.method = "GET";
  request.path = path;
  return runbook_reply(request);
}
bool is_there(std::string_view name) {
  return std::ranges::find(runbook_sources(), name, &RunbookSource::name) != runbook_sources().end();
}

/// Every shipped alert: its name, and the last part of its runbook_url.
std::vector<std::pair<std::string, std::string>> alerts() {
  std::vector<std::pair<std::string, std::string>> out;
  const auto folder = std::filesystem::path(QW_SOURCE_DIR) / "dashboards/alerts";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (!file.path().string().ends_with(".rules.yml")) continue;
    std::ifstream in(file.path());
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto read = rules::read_rule_file(text, file.path().string());
    EXPECT_TRUE(read.problems.empty()) << file.path();
    for (const auto& group : read.groups) {
      for (const auto& rule : group.rules) {
        if (!rule->alerting) continue;
        std::string url;
        for (const auto& one : rule->annotations) {
          if (one.name == "runbook_url") url = one.text.text();
        }
        out.emplace_back(rule->name, url.substr(url.rfind('/') + 1));
      }
    }
  }
  return out;
}

TEST(Runbooks, EveryAlertHasOneAndEveryLinkLeadsToOne) {
  const auto all = alerts();
  EXPECT_GE(all.size(), 40U);
  for (const auto& [name, linked] : all) {
    EXPECT_TRUE(is_there(name)) << "dashboards/runbooks/" << name << ".md is missing";
    EXPECT_TRUE(is_there(linked)) << name << " links to " << linked;
  }
}

TEST(Runbooks, APageIsServedWithItsTablesAndWithoutScript) {
  const auto name = std::string(runbook_sources().front().name);
  for (const auto& path : {"/runbooks/" + name, "/runbooks/" + name + ".md"}) {
    const auto reply = get(path);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 200U);
    EXPECT_EQ(reply->content_type, "text/html; charset=utf-8");
    EXPECT_THAT(*reply->body, HasSubstr("<h1>" + name + "</h1>"));
    EXPECT_THAT(*reply->body, Not(HasSubstr("<script")));
    EXPECT_THAT(reply->headers,
                testing::Contains(testing::Pair("Content-Security-Policy",
                                                HasSubstr("default-src 'none'; style-src 'self'"))));
  }
  for (const auto& source : runbook_sources()) {
    EXPECT_THAT(source.html, HasSubstr("<h2 id=\"first-commands\">")) << source.name;
    EXPECT_THAT(source.html, Not(HasSubstr("raw HTML omitted"))) << source.name;
  }
}

TEST(Runbooks, LinksBetweenPagesLeadToAHeadingThatIsThere) {
  for (const auto& source : runbook_sources()) {
    constexpr std::string_view kLink = "href=\"";
    for (auto at = source.html.find(kLink); at != std::string_view::npos;
         at = source.html.find(kLink, at + 1)) {
      const auto begin = at + kLink.size();
      const auto link = source.html.substr(begin, source.html.find('"', begin) - begin);
      if (link.starts_with("http")) continue;
      const auto hash = link.find('#');
      auto page = link.substr(0, hash);
      if (page.ends_with(".md")) page.remove_suffix(3);
      const auto found = page.empty()
                             ? std::ranges::find(runbook_sources(), source.name, &RunbookSource::name)
                             : std::ranges::find(runbook_sources(), page, &RunbookSource::name);
      ASSERT_NE(found, runbook_sources().end()) << source.name << ": " << link;
      if (hash == std::string_view::npos) continue;
      EXPECT_THAT(found->html, HasSubstr("id=\"" + std::string(link.substr(hash + 1)) + "\""))
          << source.name << ": " << link;
    }
  }
}

TEST(Runbooks, TheIndexNamesThemAllAndAWrongNameTheNearest) {
  const auto index = get("/runbooks/");
  ASSERT_TRUE(index);
  for (const auto& source : runbook_sources())
    EXPECT_THAT(*index->body, HasSubstr("href=\"/runbooks/" + std::string(source.name) + "\""));
  const auto wrong = get("/runbooks/QuorumwatchNoLaeder");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->status, 404U);
  EXPECT_THAT(*wrong->body, HasSubstr("/runbooks/QuorumwatchNoLeader\""));
  EXPECT_THAT(*get("/runbooks/<script>x")->body, Not(HasSubstr("<script>")));
  EXPECT_EQ(get("/runbooks")->status, 308U);
  EXPECT_FALSE(get("/runbooksx"));
  EXPECT_FALSE(get("/"));
}

}  // namespace
}  // namespace qw::exporting
