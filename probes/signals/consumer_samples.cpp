#include "probes/signals/consumer_samples.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_set>

namespace qw::signals {
namespace {

using enum MetricType;

constexpr MetricFamily kMessages{
    "quorumwatch_consumer_lag_messages", gauge,
    "Messages that the group has yet to read, over all partitions; at least so many "
    "where quorumwatch_consumer_partitions_unknown is not 0.",
    "consumer_group topic"};
constexpr MetricFamily kSeconds{
    "quorumwatch_consumer_lag_seconds", gauge,
    "Age of the oldest message that the group has yet to read, of the worst partition; "
    "grows on while a leader can not be asked.",
    "consumer_group topic"};
constexpr MetricFamily kError{
    "quorumwatch_consumer_lag_error_seconds", gauge,
    "How far the lag in seconds may be off. Its method: history (our own of the log's "
    "ends), bisection (stamps of messages), at_least (it began before our history, and "
    "nobody could say when: +Inf).",
    "consumer_group topic method"};
constexpr MetricFamily kBlocked{"quorumwatch_consumer_lag_blocked_messages", gauge,
                                "The part of the lag that can be read only when an open transaction ends.",
                                "consumer_group topic"};
constexpr MetricFamily kUnknown{"quorumwatch_consumer_partitions_unknown", gauge,
                                "Partitions whose lag in messages is not known in this round.",
                                "consumer_group topic"};
constexpr MetricFamily kBeyondEnd{"quorumwatch_consumer_beyond_end_messages", gauge,
                                  "How far the group has committed beyond the end of the log, which has lost "
                                  "messages then; absent where it has not.",
                                  "consumer_group topic"};
constexpr MetricFamily kLost{"quorumwatch_consumer_lost_messages_total", counter,
                             "Messages that were deleted before the group read them.",
                             "consumer_group topic"};
constexpr MetricFamily kRetention{
    "quorumwatch_consumer_retention_seconds", gauge,
    "Time until retention may delete messages that the group has not read; absent "
    "where it never will.",
    "consumer_group topic"};
constexpr MetricFamily kRate{
    "quorumwatch_consumer_messages_per_second", gauge,
    "Messages that come into the topic (in) and that the group reads (out), over about a "
    "window.",
    "consumer_group topic direction"};
constexpr MetricFamily kCatchUp{
    "quorumwatch_consumer_catch_up_seconds", gauge,
    "Time until the group has read everything, at its present pace; absent where it "
    "never will.",
    "consumer_group topic"};
constexpr MetricFamily kSkew{
    "quorumwatch_consumer_lag_skew_ratio", gauge,
    "The lag in messages of the worst partition to the mean of all: 1 is even; absent "
    "where nothing waits.",
    "consumer_group topic"};
constexpr MetricFamily kStatus{
    "quorumwatch_consumer_status", gauge,
    "How the group fares with the topic: 1 for the present status and 0 for others; on "
    "targets with very many groups, only for those of the last hour.",
    "consumer_group topic status"};
constexpr MetricFamily kPartitionMessages{
    "quorumwatch_consumer_partition_lag_messages", gauge,
    "Messages that the group has yet to read in a partition; only of the worst "
    "few and of those in trouble.",
    "consumer_group topic partition"};
constexpr MetricFamily kPartitionSeconds{
    "quorumwatch_consumer_partition_lag_seconds", gauge,
    "Age of the oldest message that the group has yet to read in a partition; "
    "only of the worst few and of those in trouble.",
    "consumer_group topic partition"};
constexpr MetricFamily kPartitionStatus{
    "quorumwatch_consumer_partition_status", gauge,
    "1 for the present status of a partition, where it is not ok; only of the "
    "worst few and of those in trouble.",
    "consumer_group topic partition status"};
constexpr MetricFamily kMembers{"quorumwatch_consumer_members", gauge, "Living members of the group.",
                                "consumer_group"};
constexpr MetricFamily kRebalances{"quorumwatch_consumer_rebalances_total", counter,
                                   "Rebalances of the group, those between two looks included.",
                                   "consumer_group"};
constexpr MetricFamily kRebalanceSeconds{"quorumwatch_consumer_rebalance_seconds_total", counter,
                                         "Time that the group spent in rebalances, as far as looks show it.",
                                         "consumer_group"};
constexpr MetricFamily kLeftOut{
    "quorumwatch_consumer_left_out", gauge,
    "Groups on topics, and single partitions, that have no series because there would "
    "be too many.",
    "what"};
constexpr const MetricFamily* kFamilies[] = {&kMessages,
                                             &kSeconds,
                                             &kError,
                                             &kBlocked,
                                             &kUnknown,
                                             &kBeyondEnd,
                                             &kLost,
                                             &kRetention,
                                             &kRate,
                                             &kCatchUp,
                                             &kSkew,
                                             &kStatus,
                                             &kPartitionMessages,
                                             &kPartitionSeconds,
                                             &kPartitionStatus,
                                             &kMembers,
                                             &kRebalances,
                                             &kRebalanceSeconds,
                                             &kLeftOut};

/// As many as any group and topic has with what is the group's, besides its statuses.
constexpr std::size_t kMostOfTopic = 15;
constexpr std::size_t kMostOfPartition = 3;

std::string_view method(DatedBy by) {
  switch (by) {
    case DatedBy::history:
      return "history";
    case DatedBy::bisection:
      return "bisection";
    case DatedBy::at_least:
      break;
  }
  return "at_least";
}

class Writer {
 public:
  Writer(const ConsumerDetail& detail, std::size_t reports, std::uint32_t round, Samples& out)
      : limit_(detail.series_limit),
        all_statuses_(reports * kConsumerStatuses * 2 <= limit_),
        round_(round),
        out_(out) {}

  bool has_room(std::size_t series) const { return count_ + series <= limit_; }

  void write_topic(const ConsumerReport& report) {
    group_ = report.group->name;
    topic_ = report.consumer->topic;
    write_statuses(*report.consumer);
    add(kLost, static_cast<double>(report.consumer->lost));
    if (!report.told) return;
    const auto& sum = report.sum;
    add(kUnknown, static_cast<double>(sum.unknown));
    add(kMessages, sum.messages);
    add(kBlocked, sum.blocked);
    add(kBeyondEnd, sum.beyond_end);
    add(kRetention, sum.retention);
    add(kCatchUp, sum.catch_up);
    add(kSkew, sum.skew);
    if (sum.in) add(kRate, *sum.in, {"direction", "in"});
    if (sum.out) add(kRate, *sum.out, {"direction", "out"});
    if (!sum.seconds) return;
    add(kSeconds, sum.seconds->value);
    add(kError, std::max(sum.seconds->below, sum.seconds->above), {"method", method(sum.seconds->by)});
  }

  void write_group(const Group& group, bool told) {
    const auto write = [&](const MetricFamily& family, double value) {
      out_.add(family, value, {{"consumer_group", group.name}});
      ++count_;
    };
    if (told && group.members) write(kMembers, *group.members);
    write(kRebalances, static_cast<double>(group.rebalances.count()));
    write(kRebalanceSeconds, seconds(group.rebalances.lasted()));
  }

  void write_partition(const ConsumerReport& report, const Place& place) {
    group_ = report.group->name;
    topic_ = report.consumer->topic;
    const auto partition = std::to_string(place.partition);
    if (place.lag_known) add(kPartitionMessages, static_cast<double>(place.lag), {"partition", partition});
    if (const auto lag = lag_seconds(*report.group, *report.consumer, place, round_)) {
      add(kPartitionSeconds, lag->value, {"partition", partition});
    }
    if (place.status == ConsumerStatus::ok) return;
    out_.add(kPartitionStatus, 1,
             {{"consumer_group", group_},
              {"topic", topic_},
              {"partition", partition},
              {"status", name(place.status)}});
    ++count_;
  }

  void write_left_out(std::size_t topics, std::size_t partitions) {
    out_.add(kLeftOut, static_cast<double>(topics), {{"what", "topic"}});
    out_.add(kLeftOut, static_cast<double>(partitions), {{"what", "partition"}});
  }

 private:
  void add(const MetricFamily& family, std::optional<double> value) {
    if (!value) return;
    out_.add(family, *value, {{"consumer_group", group_}, {"topic", topic_}});
    ++count_;
  }
  void add(const MetricFamily& family, double value, Samples::Label label) {
    out_.add(family, value, {{"consumer_group", group_}, {"topic", topic_}, label});
    ++count_;
  }
  void write_statuses(const Consumer& consumer) {
    const auto held = static_cast<unsigned>(consumer.held | consumer.held_before);
    for (std::size_t i = 0; i < kConsumerStatuses; ++i) {
      const auto status = static_cast<ConsumerStatus>(i);
      if (!all_statuses_ && (held >> i & 1U) == 0) continue;
      add(kStatus, status == consumer.status ? 1 : 0, {"status", name(status)});
    }
  }

  std::size_t limit_, count_ = 0;
  bool all_statuses_;
  std::uint32_t round_;
  Samples& out_;
  std::string_view group_, topic_;
};

// Of two that can not both have series: the one in trouble, then the one that had them, then the later one.
bool goes_before(const ConsumerReport& a, const ConsumerReport& b) {
  const auto rank = [](const ConsumerReport& report) {
    const bool fine = report.consumer->status == ConsumerStatus::ok;
    return std::tuple(fine, !report.consumer->exported,
                      report.sum.seconds ? -report.sum.seconds->value : 0.0);
  };
  return rank(a) < rank(b);
}

// Those that had series in the round before keep them: where not all fit, others would come and go with each
// round. Returns how many are left out.
std::size_t write_partitions(const std::vector<ConsumerReport>& reports, Writer& writer) {
  std::vector<std::pair<const ConsumerReport*, Place*>> shown, fresh;
  for (const auto& report : reports) {
    if (!report.told) continue;
    for (auto& place : report.consumer->places) {
      if (place.shown) (place.exported ? shown : fresh).emplace_back(&report, &place);
      place.exported = false;
    }
  }
  shown.insert(shown.end(), fresh.begin(), fresh.end());
  std::size_t left_out = 0;
  for (const auto& [report, place] : shown) {
    place->exported = report->consumer->exported && writer.has_room(kMostOfPartition);
    if (place->exported)
      writer.write_partition(*report, *place);
    else
      ++left_out;
  }
  return left_out;
}

}  // namespace

void write_consumers(std::vector<ConsumerReport>& reports, const ConsumerDetail& detail, std::uint32_t round,
                     Samples& out) {
  if (reports.empty()) return;
  Writer writer(detail, reports.size(), round, out);
  const auto most_of_topic = kMostOfTopic + kConsumerStatuses;
  if (reports.size() * most_of_topic > detail.series_limit) std::ranges::sort(reports, goes_before);
  std::size_t topics_left_out = 0;
  std::unordered_set<const Group*> written;
  for (auto& report : reports) {
    report.consumer->exported = writer.has_room(most_of_topic);
    if (!report.consumer->exported) {
      ++topics_left_out;
      continue;
    }
    writer.write_topic(report);
    if (written.insert(report.group).second) writer.write_group(*report.group, report.told);
  }
  writer.write_left_out(topics_left_out, write_partitions(reports, writer));
}

std::span<const MetricFamily* const> consumer_families() {
  return kFamilies;
}

}  // namespace qw::signals
