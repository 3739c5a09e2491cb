import { type Board, choice } from "../board";
import { type Word, lines, stat, states } from "../panels";
import { least, of, worst } from "../query";
import type { Find } from "./index";

const LINK: Word[] = [[0, "DOWN", "red"], [1, "up", "green"]];
const HERE = 'member=~"$member"';
const MEMBER = "{{target}} {{member}}";

export const replicationLag = (rule: Find): Board => ({
  name: "replication-lag",
  title: "Replication lag",
  question: "How far is each replica behind, in bytes and in seconds?",
  variables: [choice("member", "Member", 'quorumwatch_replication_lag_seconds{system=~"$system",target=~"$target"}')],
  rows: [
    {
      title: "Now",
      panels: [
        stat(
          {
            title: "Furthest behind", unit: "s", width: 8,
            is: "The slowest replica of each target: how long ago the leader went beyond what it has. 0 while nothing is written.",
            absent: "the target has no replicas, or its leader has not been asked yet.",
            alerts: [rule("ReplicationLag"), rule("ReplicationLagLong")],
          },
          [worst(of("quorumwatch_replication_lag_seconds", HERE)), "{{system}} {{target}}"],
        ),
        stat(
          {
            title: "Links down", unit: "short", width: 8,
            is: "Replicas of each target that receive nothing from their leader.",
            absent: "nobody says whether links are up.",
            runbooks: [rule("ReplicationLinkDown")],
          },
          [`sum by (system, target) (${worst(`${of("quorumwatch_replication_link_up", HERE)} == bool 0`, "member")})`, "{{system}} {{target}}"],
        ),
        stat(
          {
            title: "Lag known only as a lower bound", unit: "short", width: 8,
            is: "Replicas that were behind already when we first looked: they may be further behind than is said.",
            absent: "the target has no replicas.",
          },
          [`sum by (system, target) (${worst(of("quorumwatch_replication_lag_is_lower_bound", HERE), "member")})`, "{{system}} {{target}}"],
        ),
      ],
    },
    {
      title: "How far behind",
      panels: [
        lines(
          {
            title: "In seconds", unit: "s", height: 9,
            is: "How long ago the leader went beyond what the replica has, by our own history of its positions. It needs no foreign clock, and grows on while the replica is cut off or the leader silent.",
            absent: "the member replicates nothing, or its leader has not been asked yet.",
            alerts: [rule("ReplicationLag"), rule("ReplicationLagLong")],
          },
          [worst(of("quorumwatch_replication_lag_seconds", HERE), "member"), MEMBER],
        ),
        states(
          {
            title: "Link to the leader", height: 9,
            is: "Whether the replica receives from its leader.",
            absent: "nobody says.",
            alerts: [rule("ReplicationLinkDown")], runbooks: [rule("CommitsHang")],
          },
          LINK,
          [least(of("quorumwatch_replication_link_up", HERE), "member"), MEMBER],
        ),
        lines(
          {
            title: "In bytes", unit: "bytes",
            is: "What the leader has written and the replica has not.",
            absent: "the leader cannot be asked, or the system counts entries.",
          },
          [worst(of("quorumwatch_replication_lag_bytes", HERE), "member"), MEMBER],
        ),
        lines(
          {
            title: "In log entries", unit: "short",
            is: "Log entries that the leader has and the replica has not.",
            absent: "the leader cannot be asked, or the system counts bytes.",
          },
          [worst(of("quorumwatch_replication_lag_entries", HERE), "member"), MEMBER],
        ),
      ],
    },
    {
      title: "PostgreSQL",
      panels: [
        lines(
          {
            title: "Log kept for replication slots", unit: "bytes",
            is: "Write-ahead log that the server keeps for each slot. The alert is for slots that nobody uses: those keep log until the disk is full.",
            absent: "there is no slot, or the role may not see them.",
            alerts: [rule("SlotHoldsLog")], runbooks: [rule("SlotLost")],
          },
          [worst(of("quorumwatch_postgres_slot_retained_bytes", HERE), "member", "slot"), `${MEMBER} {{slot}}`],
        ),
        states(
          {
            title: "Replication slots",
            is: "used: somebody receives from the slot; idle: nobody does, and the log that it holds grows; LOST: log that it needs is gone, and whoever comes back to it has to be made anew.",
            absent: "there is no slot, or the role may not see them.",
            runbooks: [rule("SlotLost"), rule("SlotHoldsLog")],
          },
          [[0, "idle", "orange"], [1, "used", "green"], [2, "LOST", "red"]],
          [
            worst(`2 * (${of("quorumwatch_postgres_slot_lost", HERE)} == 1) or ${of("quorumwatch_postgres_slot_active", HERE)}`, "member", "slot"),
            `${MEMBER} {{slot}}`,
          ],
        ),
        lines(
          {
            title: "Synchronous standbys", unit: "short", decimals: 0,
            is: "Streaming standbys that commits of the primary wait for. At 0 commits hang.",
            absent: "commits wait for nobody: no synchronous standby is asked for.",
            alerts: [rule("CommitsHang")],
          },
          [least(of("quorumwatch_postgres_synchronous_standbys", HERE), "member"), MEMBER],
        ).noValue("none asked for"),
        states(
          {
            title: "Replay",
            is: "Whether a standby was told to pause its replay: it receives all and applies nothing, and its readers see the past.",
            absent: "the member is no standby, or does not answer.",
          },
          [[0, "goes on", "green"], [1, "paused", "orange"]],
          [worst(of("quorumwatch_postgres_replay_paused", HERE), "member"), MEMBER],
        ),
      ],
    },
  ],
});
