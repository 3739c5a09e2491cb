import { type Board, choice } from "../board";
import { type Word, bars, lines, stat, states } from "../panels";
import { happened, happenedInAll, least, of, stateOf, worst } from "../query";
import type { Find } from "./index";

const HERE = 'consumer_group=~"$consumer_group"';
const BY = ["consumer_group", "topic"];
const GROUP = "{{target}} {{consumer_group}} {{topic}}";
/** From the best to the worst, as the daemon ranks them. */
const STATUSES: [string, string][] = [
  ["ok", "green"], ["uncommitted", "text"], ["unknown", "text"], ["leaderless", "orange"], ["slow", "orange"], ["rewound", "blue"], ["rebalancing", "blue"],
  ["blocked", "orange"], ["stalled", "orange"], ["stopped", "red"], ["lossy", "red"], ["recreated", "red"], ["truncated", "red"],
];
const STATUS_WORDS = STATUSES.map(([name, colour], index): Word => [index, name, colour]);

export const consumerLag = (rule: Find): Board => ({
  name: "consumer-lag",
  title: "Consumer lag",
  question: "How far is each consumer group behind, in messages and in seconds, and why?",
  variables: [choice("consumer_group", "Group", 'quorumwatch_consumer_members{system=~"$system",target=~"$target"}')],
  rows: [
    {
      title: "Now",
      panels: [
        stat(
          {
            title: "Oldest unread message", unit: "s", width: 6,
            is: "Age of the oldest message that the group has yet to read, of its worst topic and partition.",
            absent: "the group has committed nothing yet.",
            alerts: [rule("ConsumerLagging")],
          },
          [worst(of("quorumwatch_consumer_lag_seconds", HERE), "consumer_group"), "{{consumer_group}}"],
        ),
        stat(
          {
            title: "Unread messages", unit: "short", width: 6,
            is: "Messages that the group has yet to read, over all topics and partitions. A number by itself is no trouble: look at the status.",
            absent: "the group has committed nothing yet.",
          },
          [`sum by (system, target, consumer_group) (${worst(of("quorumwatch_consumer_lag_messages", HERE), ...BY)})`, "{{consumer_group}}"],
        ),
        stat(
          {
            title: "Until retention deletes unread messages", unit: "s", width: 6,
            is: "Time until retention may delete messages that the group has not read.",
            absent: "it never will at the present pace.",
            alerts: [rule("RetentionOvertakes")],
          },
          [least(of("quorumwatch_consumer_retention_seconds", HERE), "consumer_group"), "{{consumer_group}}"],
        ).noValue("never"),
        stat(
          {
            title: "Lost in the time shown", unit: "short", decimals: 0, width: 6,
            is: "Messages that were deleted before the group read them, over the dashboard's whole range.",
            absent: "the daemon was not scraped, or there are no groups.",
            alerts: [rule("MessagesLost")],
          },
          [happenedInAll("quorumwatch_consumer_lost_messages_total", HERE, ...BY), "{{consumer_group}} {{topic}}"],
        ),
      ],
    },
    {
      title: "How far behind, and why",
      panels: [
        states(
          {
            title: "Status", height: 9,
            is: "How the group fares with the topic, judged over a window of time: idle groups are ok. blocked: an open transaction holds back the rest; stalled: it lives and commits nothing; stopped: nobody is left; truncated: it has committed beyond the end of the log.",
            absent: "the target does not answer; of a target with very many groups, the status has been ok for an hour.",
            runbooks: [rule("ConsumerStopped"), rule("ConsumerStalled"), rule("ConsumerBlocked"), rule("ConsumerSlow"), rule("TopicTruncated")],
          },
          STATUS_WORDS,
          [stateOf("quorumwatch_consumer_status", "status", STATUSES.map(([name]) => name), HERE, ...BY), GROUP],
        ),
        lines(
          {
            title: "In seconds", unit: "s", height: 9,
            is: "Age of the oldest message that the group has yet to read, of the worst partition; grows on while a leader cannot be asked.",
            absent: "the group has committed nothing yet.",
            alerts: [rule("ConsumerLagging")],
          },
          [worst(of("quorumwatch_consumer_lag_seconds", HERE), ...BY), GROUP],
        ),
        lines(
          {
            title: "In messages", unit: "short",
            is: "Messages that the group has yet to read, and the part of them that waits behind an open transaction.",
            absent: "the group has committed nothing yet.",
            runbooks: [rule("ConsumerBlocked")],
          },
          [worst(of("quorumwatch_consumer_lag_messages", HERE), ...BY), GROUP],
          [`${worst(of("quorumwatch_consumer_lag_blocked_messages", HERE), ...BY)} > 0`, `${GROUP} blocked`],
        ),
        lines(
          {
            title: "Messages in and out", unit: "cps",
            is: "Messages that come into the topic (in) and that the group reads (out), each second.",
            absent: "the daemon has not looked for a window yet.",
            runbooks: [rule("ConsumerSlow")],
          },
          [worst(of("quorumwatch_consumer_messages_per_second", HERE), ...BY, "direction"), `${GROUP} {{direction}}`],
        ),
        lines(
          {
            title: "Worst partitions, in seconds", unit: "s",
            is: "Age of the oldest unread message in single partitions: the worst few of each group and topic, and those in trouble. One alone is a message that nobody gets past, or a hot key.",
            absent: "the partition is neither among the worst few nor in trouble.",
            alerts: [rule("ConsumerLagging")],
          },
          [worst(of("quorumwatch_consumer_partition_lag_seconds", HERE), ...BY, "partition"), `${GROUP} {{partition}}`],
        ),
        lines(
          {
            title: "Time spent in rebalances", unit: "percentunit",
            is: "Part of the time that the group spent in rebalances, as far as looks show it. Nobody reads meanwhile.",
            absent: "the coordinator of the group cannot be asked.",
            runbooks: [rule("RebalanceStorm")],
          },
          [worst(`rate(${of("quorumwatch_consumer_rebalance_seconds_total", HERE)}[$__rate_interval])`, "consumer_group"), "{{target}} {{consumer_group}}"],
        ),
      ],
    },
    {
      title: "How it will go on",
      panels: [
        lines(
          {
            title: "Time to catch up", unit: "s",
            is: "Time until the group has read everything, at its present pace.",
            absent: "it never will at that pace; a group that is not behind needs none.",
          },
          [worst(of("quorumwatch_consumer_catch_up_seconds", HERE), ...BY), GROUP],
        ),
        lines(
          {
            title: "Time until retention deletes unread messages", unit: "s",
            is: "Time until retention may delete messages that the group has not read. The alert counts only while messages wait.",
            absent: "it never will.",
            alerts: [rule("RetentionOvertakes")],
          },
          [least(of("quorumwatch_consumer_retention_seconds", HERE), ...BY), GROUP],
        ),
        bars(
          {
            title: "Rebalances", unit: "short",
            is: "Rebalances of the group, those between two looks included. Nobody reads while one lasts.",
            absent: "the coordinator of the group cannot be asked.",
            runbooks: [rule("RebalanceStorm")],
          },
          [happened("quorumwatch_consumer_rebalances_total", HERE, "consumer_group"), "{{target}} {{consumer_group}}"],
        ),
        lines(
          {
            title: "Members", unit: "short",
            is: "Living members of the group, as its coordinator counts them.",
            absent: "the coordinator of the group cannot be asked.",
            runbooks: [rule("ConsumerStopped")],
          },
          [least(of("quorumwatch_consumer_members", HERE), "consumer_group"), "{{target}} {{consumer_group}}"],
        ),
      ],
    },
    {
      title: "The brokers",
      panels: [
        lines(
          {
            title: "Partitions in trouble", unit: "short",
            is: "Partitions that no living broker leads, and partitions with fewer replicas in sync than they should have.",
            absent: "the target is no Kafka, or does not answer.",
            alerts: [rule("PartitionsLeaderless"), rule("PartitionsUnderReplicated")],
          },
          [worst(of("quorumwatch_kafka_partitions_leaderless")), "{{target}} leaderless"],
          [worst(of("quorumwatch_kafka_partitions_under_replicated")), "{{target}} under-replicated"],
        ),
        states(
          {
            title: "Brokers",
            is: "Whether the broker answers; one that the cluster misses is down.",
            absent: "the target is no Kafka, or nobody of it answers.",
            runbooks: [rule("CanaryLost")],
          },
          [[0, "DOWN", "red"], [1, "up", "green"]],
          [least(of("quorumwatch_kafka_broker_up"), "member"), "{{target}} {{member}}"],
        ),
        lines(
          {
            title: "Partitions that each broker leads", unit: "short",
            is: "How the work is shared out. After a broker was away it leads little until an election of preferred leaders gives it back what is its own (not preferred).",
            absent: "the target is no Kafka, or nobody of it answers.",
          },
          [worst(of("quorumwatch_kafka_broker_partitions_led"), "member"), "{{target}} {{member}}"],
          [worst(of("quorumwatch_kafka_partitions_not_preferred")), "{{target}} not preferred"],
        ),
        lines(
          {
            title: "Brokers and partitions that are seen", unit: "short",
            is: "Brokers that the cluster counts as alive, and partitions of all topics that the daemon's user may see. Topics that it may not describe are as if they did not exist: 0 partitions may be a missing right.",
            absent: "the target is no Kafka, or nobody of it answers.",
          },
          [least(of("quorumwatch_kafka_brokers")), "{{target}} brokers"],
          [least(of("quorumwatch_kafka_partitions")), "{{target}} partitions"],
        ),
      ],
    },
    {
      title: "The canary: the daemon's own messages, there and back",
      panels: [
        states(
          {
            title: "Canary",
            is: "Whether the canary produces and consumes, and no complaint is younger than its last message. The daemon's log says what is wrong.",
            absent: "the target has no canary (the key canary of its configuration), or is no Kafka.",
            runbooks: [rule("CanaryLost")],
          },
          [[0, "SILENT", "red"], [1, "sings", "green"]],
          [least(of("quorumwatch_kafka_canary_up")), "{{target}}"],
        ),
        lines(
          {
            title: "Canary: from producing to consuming", unit: "s",
            is: "What a message takes that all in-sync replicas must acknowledge: the last one, and the slowest of the last minute.",
            absent: "the target has no canary, or none of its messages has come back lately.",
          },
          [worst(of("quorumwatch_kafka_canary_latency_seconds")), "{{target}} last"],
          [worst(of("quorumwatch_kafka_canary_latency_max_seconds")), "{{target}} slowest of the minute"],
        ),
        bars(
          {
            title: "Canary: messages that went wrong", unit: "short",
            is: "lost: acknowledged and not consumed in time; late: counted as lost and consumed after all; failed: refused or not acknowledged, which loses nothing; consumed twice; overtaken by a younger one. The alert counts the lost ones of 15 minutes.",
            absent: "the target has no canary.",
            alerts: [rule("CanaryLost")],
          },
          [happened("quorumwatch_kafka_canary_lost_total", ""), "{{target}} lost"],
          [happened("quorumwatch_kafka_canary_late_total", ""), "{{target}} late"],
          [happened("quorumwatch_kafka_canary_failed_total", ""), "{{target}} failed"],
          [happened("quorumwatch_kafka_canary_duplicated_total", ""), "{{target}} twice"],
          [happened("quorumwatch_kafka_canary_reordered_total", ""), "{{target}} overtaken"],
        ),
        lines(
          {
            title: "Canary: messages sent and come back", unit: "cps",
            is: "Messages of the canary each second. Where fewer come back than are sent, they wait, fail or are lost.",
            absent: "the target has no canary.",
            runbooks: [rule("CanaryLost")],
          },
          [worst(`rate(${of("quorumwatch_kafka_canary_sent_total")}[$__rate_interval])`), "{{target}} sent"],
          [worst(`rate(${of("quorumwatch_kafka_canary_received_total")}[$__rate_interval])`), "{{target}} come back"],
        ),
      ],
    },
  ],
});
