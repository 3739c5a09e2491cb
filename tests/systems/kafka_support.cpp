#include "tests/systems/kafka_support.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/systems/support.hpp"

namespace qw::probes {
namespace {

std::string list(const std::vector<std::string>& members) {
  std::string text;
  for (const auto& member : members) text += (text.empty() ? "" : ", ") + member;
  return "[" + text + "]";
}

}  // namespace

std::string kafka_options_of(const lab::Lab& lab) {
  return fmt::format("bootstrap: {}, controllers: {}", list(lab.endpoints("kafka")), list(lab.controllers()));
}

std::string kafka_client(const lab::Lab& lab, const std::string& words) {
  std::string bootstrap;
  for (const auto& endpoint : lab.endpoints("kafka")) bootstrap += (bootstrap.empty() ? "" : ",") + endpoint;
  return shell(
      fmt::format("{}/tests/lab/kafka-client --bootstrap {} {} 2>&1", QW_SOURCE_DIR, bootstrap, words));
}

void begin_kafka(lab::Lab& lab, int copies) {
  const auto up = lab.up({"kafka", "--fast"});
  ASSERT_TRUE(up) << up.error().message();
  kafka_client(lab, fmt::format("topic create orders --partitions 6 --copies {}", copies));
  kafka_client(lab, "produce orders --rate 100000 --count 6000");
  kafka_client(
      lab, "commit --group shop orders/0=1 orders/1=100 orders/2=200 orders/3=300 orders/4=400 orders/5=999");
}

std::map<int, std::int64_t> shown(const std::string& text, const std::string& key) {
  std::map<int, std::int64_t> found;
  const std::regex entry("\"orders/([0-9]+)\": \\{[^}]*\"" + key + "\": (-?[0-9]+)");
  for (std::sregex_iterator at(text.begin(), text.end(), entry); at != std::sregex_iterator(); ++at)
    found[std::stoi((*at)[1])] = std::stoll((*at)[2]);
  return found;
}

const TopicLog* orders_in(const Round& round) {
  const auto found = std::ranges::find(round.facts.topics, "orders", &TopicLog::topic);
  return found == round.facts.topics.end() ? nullptr : &*found;
}

std::map<int, std::int64_t> ends_in(const Round& round) {
  std::map<int, std::int64_t> found;
  if (const auto* log = orders_in(round)) {
    for (const auto& partition : log->partitions) {
      if (partition.end) found[partition.partition] = static_cast<std::int64_t>(*partition.end);
    }
  }
  return found;
}

std::map<int, std::int64_t> commits_in(const Round& round, std::string_view group) {
  std::map<int, std::int64_t> found;
  for (const auto& one : round.facts.groups) {
    if (one.name != group) continue;
    for (const auto& topic : one.topics) {
      for (const auto& commit : topic.commits)
        found[commit.partition] = static_cast<std::int64_t>(commit.committed);
    }
  }
  return found;
}

bool is_whole(const Round& round) {
  return round.facts.unanswered.empty() && ends_in(round).size() == 6 &&
         commits_in(round, "shop").size() == 6 && value(round, "quorumwatch_leaders") == 1 &&
         value(round, "quorumwatch_leader_views") == 1;
}

}  // namespace qw::probes
