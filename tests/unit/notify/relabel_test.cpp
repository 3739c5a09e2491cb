#include "daemon/notify/relabel.hpp"

#include <gtest/gtest.h>

namespace qw::notify {
namespace {

using Action = RelabelRule::Action;

RelabelRule rule(Action action, std::vector<std::string> source, const char* regex, std::string target = {},
                 std::string replacement = "$1") {
  return {.action = action,
          .source_labels = std::move(source),
          .separator = ";",
          .regex = *Pattern::compile(regex),
          .target_label = std::move(target),
          .replacement = std::move(replacement)};
}

/// The labels after one step; nothing: dropped.
std::optional<Labels> after(const RelabelRule& step, Labels labels) {
  if (!relabel({step}, labels)) return std::nullopt;
  return labels;
}

const Labels kLabels{{"alertname", "A"}, {"member", "db1:5432"}, {"system", "postgres"}};

TEST(Relabel, KeepsAndDrops) {
  EXPECT_TRUE(after(rule(Action::keep, {"system"}, "postgres|redis"), kLabels));
  EXPECT_FALSE(after(rule(Action::keep, {"system"}, "post"), kLabels)) << "the whole value must match";
  EXPECT_FALSE(after(rule(Action::drop, {"system", "alertname"}, "postgres;A"), kLabels));
  EXPECT_TRUE(after(rule(Action::drop, {"absent"}, ".+"), kLabels)) << "an absent label is empty";
}

TEST(Relabel, Replaces) {
  const auto host = after(rule(Action::replace, {"member"}, "(.+):(\\d+)", "host"), kLabels);
  EXPECT_EQ(host->get("host"), "db1");
  EXPECT_EQ(host->get("member"), "db1:5432");
  EXPECT_EQ(after(rule(Action::replace, {"member"}, "nothing", "host"), kLabels), kLabels);
  EXPECT_EQ(after(rule(Action::replace, {"member"}, ".*", "member", ""), kLabels),
            (Labels{{"alertname", "A"}, {"system", "postgres"}}))
      << "an empty value deletes";
  EXPECT_EQ(after(rule(Action::replace, {"system"}, "(.*)", "${1}_port", "x"), kLabels)->get("postgres_port"),
            "x");
  EXPECT_EQ(after(rule(Action::replace, {"member"}, "(.*)", "${1}", "x"), kLabels), kLabels)
      << "db1:5432 is no label name";
}

TEST(Relabel, WorksOnNames) {
  EXPECT_EQ(after(rule(Action::labeldrop, {}, "mem.*"), kLabels),
            (Labels{{"alertname", "A"}, {"system", "postgres"}}));
  EXPECT_EQ(after(rule(Action::labelkeep, {}, "alertname"), kLabels), (Labels{{"alertname", "A"}}));
  EXPECT_EQ(after(rule(Action::labelmap, {}, "sys(.*)", {}, "my_$1"), kLabels)->get("my_tem"), "postgres");
  EXPECT_EQ(after(rule(Action::uppercase, {"system"}, "(.*)", "system"), kLabels)->get("system"), "POSTGRES");
  EXPECT_EQ(after(rule(Action::lowercase, {"alertname"}, "(.*)", "name"), kLabels)->get("name"), "a");
}

TEST(Relabel, KnowsItsActions) {
  EXPECT_EQ(relabel_action("labelmap"), Action::labelmap);
  EXPECT_EQ(relabel_action("hashmod"), std::nullopt);
}

}  // namespace
}  // namespace qw::notify
