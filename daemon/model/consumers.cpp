#include "daemon/model/consumers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace qw {
namespace {

constexpr std::array<std::string_view, kConsumerStatuses> kNames{
    "truncated", "recreated", "lossy",      "stopped", "stalled",     "blocked", "rebalancing",
    "rewound",   "slow",      "leaderless", "unknown", "uncommitted", "ok"};

using Field = std::optional<double> ConsumerRow::*;
constexpr std::pair<std::string_view, Field> kOfTopic[] = {
    {"quorumwatch_consumer_lag_messages", &ConsumerRow::messages},
    {"quorumwatch_consumer_lag_seconds", &ConsumerRow::seconds},
    {"quorumwatch_consumer_lag_error_seconds", &ConsumerRow::error_seconds},
    {"quorumwatch_consumer_lag_blocked_messages", &ConsumerRow::blocked},
    {"quorumwatch_consumer_lost_messages_total", &ConsumerRow::lost},
    {"quorumwatch_consumer_beyond_end_messages", &ConsumerRow::beyond_end},
    {"quorumwatch_consumer_partitions_unknown", &ConsumerRow::unknown_partitions},
    {"quorumwatch_consumer_catch_up_seconds", &ConsumerRow::catch_up_seconds},
    {"quorumwatch_consumer_retention_seconds", &ConsumerRow::retention_seconds},
};

std::string messages(double count) {
  return fmt::format("{:.0f} message{}", count, count == 1 ? "" : "s");
}
std::string waiting(const ConsumerRow& row) {
  return row.messages ? messages(*row.messages) + (*row.messages == 1 ? " waits" : " wait") : "messages wait";
}

}  // namespace

std::string_view name(ConsumerStatus status) {
  return kNames[static_cast<std::size_t>(status)];
}

std::optional<ConsumerStatus> consumer_status(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<ConsumerStatus>(found - kNames.begin());
}

std::vector<ConsumerRow> consumers_of(std::span<const Sample> samples) {
  std::map<std::pair<std::string_view, std::string_view>, ConsumerRow> rows;
  std::map<std::string_view, double> members;
  for (const auto& [series, value] : samples) {
    const auto family = series->family->name;
    if (!family.starts_with("quorumwatch_consumer_")) continue;
    const auto group = series->labels.get("consumer_group"), topic = series->labels.get("topic");
    if (family == "quorumwatch_consumer_members") members[group] = value;
    if (topic.empty() || !series->labels.get("partition").empty()) continue;
    if (family == "quorumwatch_consumer_status") {
      if (value == 1) {
        rows[{group, topic}].status =
            consumer_status(series->labels.get("status")).value_or(ConsumerStatus::unknown);
      }
      continue;
    }
    const auto known = std::ranges::find(kOfTopic, family, &std::pair<std::string_view, Field>::first);
    if (known != std::end(kOfTopic)) rows[{group, topic}].*known->second = value;
  }
  std::vector<ConsumerRow> out;
  out.reserve(rows.size());
  for (auto& [key, row] : rows) {
    row.group = key.first;
    row.topic = key.second;
    if (const auto count = members.find(key.first); count != members.end()) row.members = count->second;
    out.push_back(std::move(row));
  }
  const auto rank = [](const ConsumerRow& row) {
    return std::tuple(row.status, -row.seconds.value_or(0), std::string_view(row.group),
                      std::string_view(row.topic));
  };
  std::ranges::sort(out, {}, rank);
  return out;
}

std::string describe(const ConsumerRow& row) {
  switch (row.status) {
    case ConsumerStatus::truncated:
      return fmt::format("it has committed {} beyond the end of the log: the log has lost messages",
                         messages(row.beyond_end.value_or(1)));
    case ConsumerStatus::recreated:
      return "the topic was deleted and made again: what it had committed counts no more";
    case ConsumerStatus::lossy:
      return fmt::format(
          "{} deleted before it read them: retention has overtaken it",
          row.lost ? messages(*row.lost) + (*row.lost == 1 ? " was" : " were") : "messages were");
    case ConsumerStatus::stopped:
      return fmt::format(
          "{}, and {}",
          row.members.value_or(0) > 0 ? "none of the group's members reads it" : "nobody is in the group",
          waiting(row));
    case ConsumerStatus::stalled:
      return fmt::format("{} in the group, {}, and nothing is committed: it hangs, or fails on one message",
                         row.members
                             ? fmt::format("{:.0f} member{} {}", *row.members, *row.members == 1 ? "" : "s",
                                           *row.members == 1 ? "is" : "are")
                             : "members are",
                         waiting(row));
    case ConsumerStatus::blocked:
      return fmt::format("{} a transaction that a producer has left open",
                         row.blocked
                             ? messages(*row.blocked) + (*row.blocked == 1 ? " belongs to or waits behind"
                                                                           : " belong to or wait behind")
                             : "what waits belongs to");
    case ConsumerStatus::rebalancing:
      return "its members are sharing out the partitions again; nobody reads meanwhile";
    case ConsumerStatus::rewound:
      return "it went back to earlier messages: offsets were reset, or old ones committed";
    case ConsumerStatus::slow:
      return "it reads, but less than comes in";
    case ConsumerStatus::leaderless:
      return "a partition has no leader: nobody can read or write it";
    case ConsumerStatus::unknown:
      return row.unknown_partitions.value_or(0) > 0
                 ? fmt::format("{:.0f} of its partitions could not be asked", *row.unknown_partitions)
                 : "it could not be asked, or not for long enough to judge";
    case ConsumerStatus::uncommitted:
      return "it has never committed anything";
    case ConsumerStatus::ok:
      break;
  }
  if (row.messages.value_or(0) == 0) return "it has read everything";
  return row.catch_up_seconds ? "it is catching up" : "it keeps up";
}

}  // namespace qw
