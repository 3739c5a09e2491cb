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
      ],
    },
  ],
});
