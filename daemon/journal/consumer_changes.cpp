#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "daemon/journal/finders.hpp"
#include "daemon/journal/watch.hpp"
#include "daemon/model/consumers.hpp"

namespace qw::journal {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;  // group and topic

Pair pair_of(const Sample& sample) {
  return {sample.series->labels.get("consumer_group"), sample.series->labels.get("topic")};
}

std::string name_of(const Pair& pair) {
  return subject_of(fmt::format("{} on {}", pair.first, pair.second));
}

/// Nothing: it is not wrong. A group that never committed may be new.
std::optional<Severity> severity_of(ConsumerStatus status) {
  switch (status) {
    case ConsumerStatus::truncated:
    case ConsumerStatus::recreated:
    case ConsumerStatus::lossy:
    case ConsumerStatus::stopped:
    case ConsumerStatus::leaderless:
      return Severity::critical;
    case ConsumerStatus::stalled:
    case ConsumerStatus::blocked:
    case ConsumerStatus::slow:
    case ConsumerStatus::rewound:
      return Severity::warning;
    case ConsumerStatus::rebalancing:
      return Severity::info;
    case ConsumerStatus::unknown:
    case ConsumerStatus::uncommitted:
    case ConsumerStatus::ok:
      break;
  }
  return std::nullopt;
}

Evidence evidence_of(const ConsumerRow& row) {
  Evidence out{{"quorumwatch_consumer_status", std::string(name(row.status))}};
  add_evidence(out, "quorumwatch_consumer_lag_messages", row.messages);
  add_evidence(out, "quorumwatch_consumer_lag_seconds", row.seconds);
  add_evidence(out, "quorumwatch_consumer_members", row.members);
  add_evidence(out, "quorumwatch_consumer_lag_blocked_messages", row.blocked);
  add_evidence(out, "quorumwatch_consumer_beyond_end_messages", row.beyond_end);
  add_evidence(out, "quorumwatch_consumer_retention_seconds", row.retention_seconds);
  return out;
}

/// The rows of these groups and topics alone: of thousands few are in trouble.
std::vector<ConsumerRow> rows_of(const Picked& samples, const std::set<Pair>& wanted) {
  if (wanted.empty()) return {};
  std::set<std::string_view> groups;
  for (const auto& [group, topic] : wanted) groups.insert(group);
  std::vector<Sample> some;
  for (const auto* list : {&samples.consumer_statuses, &samples.consumers}) {
    for (const auto* sample : *list) {
      const auto pair = pair_of(*sample);
      if (pair.second.empty() ? groups.contains(pair.first) : wanted.contains(pair)) some.push_back(*sample);
    }
  }
  return consumers_of(some);
}

/// Each status is a condition of its own: when one takes the place of another, one ends and one begins.
void find_status(const ConsumerRow& row, Findings& out) {
  // What can not be asked is neither wrong nor over.
  if (row.status == ConsumerStatus::unknown) return;
  const auto subject = name_of(Pair{row.group, row.topic});
  for (std::size_t i = 0; i < kConsumerStatuses; ++i) {
    const auto status = static_cast<ConsumerStatus>(i);
    if (status == row.status || !severity_of(status)) continue;
    const auto now = severity_of(row.status) ? fmt::format("now it is {}: ", name(row.status)) : "";
    out.fine(Kind::consumer, name(status), subject, now + describe(row), evidence_of(row));
  }
  const auto severity = severity_of(row.status);
  if (!severity) return;
  out.holds({.kind = Kind::consumer,
             .severity = *severity,
             .what = std::string(name(row.status)),
             .subject = subject,
             .text = fmt::format("{}; {}", name(row.status), describe(row)),
             .evidence = evidence_of(row)});
}

/// "group on topic" of all that is open now.
std::set<std::string> open_names(const Findings& findings) {
  std::set<std::string> out;
  for (std::size_t i = 0; i < kConsumerStatuses; ++i)
    out.merge(findings.open_subjects(name(static_cast<ConsumerStatus>(i))));
  return out;
}

void find_counts(const Picked& samples, Counters& counters, Findings& out) {
  for (const auto* sample : samples.rebalances) {
    const double count = counters.rise(*sample);
    if (count <= 0) continue;
    out.happened({.kind = Kind::consumer,
                  .severity = Severity::info,
                  .what = "rebalanced",
                  .subject = subject_of(pair_of(*sample).first),
                  .text = fmt::format("the group has shared out its partitions again{}",
                                      count == 1 ? "" : fmt::format(", {:.0f} times", count)),
                  .evidence = {{"quorumwatch_consumer_rebalances_total", print_number(sample->value)}}});
  }
  for (const auto* sample : samples.lost) {
    const double count = counters.rise(*sample);
    if (count <= 0) continue;
    out.happened(
        {.kind = Kind::consumer,
         .severity = Severity::critical,
         .what = "messages_lost",
         .subject = name_of(pair_of(*sample)),
         .text = fmt::format("{:.0f} {} deleted before the group read {}", count,
                             plural(count, "message was", "messages were"), plural(count, "it", "them")),
         .evidence = {{"quorumwatch_consumer_lost_messages_total", print_number(sample->value)}}});
  }
}

}  // namespace

void find_consumers(const Picked& samples, Memory& memory, Findings& out) {
  const auto open = open_names(out);
  std::set<Pair> wanted;
  std::size_t wrong = 0;
  for (const auto* sample : samples.consumer_statuses) {
    const auto status = consumer_status(sample->series->labels.get("status"));
    const auto pair = pair_of(*sample);
    // Of a thousand that stand still at once, as many are looked at as can be conditions.
    const bool is_wrong = status && severity_of(*status) && ++wrong <= Watch::kMostConditions;
    if (is_wrong || (!open.empty() && open.contains(name_of(pair)))) wanted.insert(pair);
  }
  for (const auto& row : rows_of(samples, wanted)) find_status(row, out);
  find_counts(samples, memory.counters, out);
}

}  // namespace qw::journal
