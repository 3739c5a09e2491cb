import type { Board } from "../board";
import { NO_YES, bars, lines, link, matrix, stat, table, verdict } from "../panels";
import { ALERT_LABELS, CHOSEN, FIRING, happened, of, worst } from "../query";
import type { Find } from "./index";

export const overview = (rule: Find): Board => ({
  name: "overview",
  title: "Overview",
  question: "Is anything wrong anywhere, and which dashboard shows more of it?",
  rows: [
    {
      title: "Now",
      panels: [
        verdict(
          {
            title: "Two leaders",
            is: "Whether two members of some target are proven to lead at once and both take writes, or belong to different clusters. Two claims alone are no proof.",
            absent: "no chosen target elects anybody, or none has answered.",
            width: 3, alerts: [rule("SplitBrain")], runbooks: [rule("ClusterIdentitySplit")], more: "split-brain",
          },
          NO_YES,
          [`max(${of("quorumwatch_split_brain", 'kind=~"unfenced|identity"')})`, "two leaders"],
        ),
        stat(
          {
            title: "Longest without a leader", unit: "s",
            is: "Time since the target that has been without one longest last had a leader; 0 while all have one.",
            absent: "no chosen target elects anybody, or nobody of any answers.",
            width: 3, alerts: [rule("NoLeader")], more: "leader-elections",
          },
          [`max(${of("quorumwatch_leader_absent_seconds")})`, "without a leader"],
        ),
        stat(
          {
            title: "Elections nobody asked for", unit: "short", decimals: 0,
            is: "Unplanned and failed elections of the worst target in 15 minutes. Counted from differences of epochs, so none between two looks is missed.",
            absent: "no chosen target elects anybody, or the daemon has just begun.",
            width: 3, alerts: [rule("UnplannedElections")], more: "leader-elections",
          },
          [`max(sum by (instance, system, target) (increase(${of("quorumwatch_leader_elections_total", 'cause=~"unplanned|failed"')}[15m])))`, "elections"],
        ),
        stat(
          {
            title: "Replica furthest behind", unit: "s",
            is: "How long ago the leader went beyond what its slowest replica has.",
            absent: "no chosen target has replicas, or no leader has been asked yet.",
            width: 3, alerts: [rule("ReplicationLag"), rule("ReplicationLagLong")], more: "replication-lag",
          },
          [`max(${of("quorumwatch_replication_lag_seconds")})`, "behind"],
        ),
        stat(
          {
            title: "Consumer furthest behind", unit: "s",
            is: "Age of the oldest message that some consumer group has yet to read.",
            absent: "no chosen target has consumers, or none has committed anything yet.",
            width: 3, alerts: [rule("ConsumerLagging")], more: "consumer-lag",
          },
          [`max(${of("quorumwatch_consumer_lag_seconds")})`, "behind"],
        ),
        stat(
          {
            title: "Clocks proved wrong", unit: "short", decimals: 0,
            is: "Members whose clock is proved to be further off than their system bears. A clock that can be proved neither wrong nor right is not among them.",
            absent: "no chosen target tells its time.",
            width: 3, alerts: [rule("ClockSkewed")], more: "clock-skew",
          },
          [`sum(${worst(of("quorumwatch_clock_state", 'state="proved_skewed"'), "member")})`, "clocks"],
        ),
        stat(
          {
            title: "Silent targets", unit: "short", decimals: 0,
            is: "Targets of which nobody answered in the last round. All that the other panels say is without them.",
            absent: "the daemon itself is not scraped.",
            width: 3, runbooks: [rule("TargetDown")], more: "self",
          },
          [`sum(${worst(`${of("quorumwatch_probe_success")} == bool 0`)})`, "silent"],
        ),
        stat(
          {
            title: "Firing alerts", unit: "short", decimals: 0,
            is: "Alerts of the shipped rules that fire now, be it in the daemon or in Prometheus; one that both raise counts once.",
            absent: "the daemon itself is not scraped.",
            width: 3,
          },
          [`count(${FIRING}) or 0 * max(quorumwatch_alerts{state="firing"})`, "firing"],
        ),
      ],
    },
    {
      title: "What is wrong, and who leads",
      panels: [
        table(
          {
            title: "Firing alerts", unit: "none", height: 9,
            is: "Each alert that fires, with what it is about. Its name leads to its runbook.",
            absent: "nothing fires, or the daemon is not scraped: Firing alerts above tells which.",
          },
          ALERT_LABELS, FIRING,
        )
          .noValue("nothing fires")
          .overrideByName("alertname", [
            { id: "links", value: [link("Runbook", "${status_url:raw}/runbooks/${__value.raw}", "").targetBlank(true).build()] },
          ]),
        table(
          {
            title: "Who leads", unit: "none", height: 9,
            is: "The member of each target that says that it leads. Two of one target are two claims; whether both are true is the matter of Two leaders. The target's name leads to its page.",
            absent: "the target has no leader, elects nobody, or does not answer.",
          },
          ["system", "target", "member"],
          `${worst(of("quorumwatch_leader_claim"), "member")} == 1`,
        ).overrideByName("target", [
          { id: "links", value: [link("Status page", "${status_url:raw}/target/${__data.fields.system:percentencode}/${__data.fields.target:percentencode}", "").targetBlank(true).build()] },
        ]),
      ],
    },
    {
      title: "Who flaps, what lags",
      panels: [
        bars(
          {
            title: "Elections", unit: "short",
            is: "Elections of each target by cause: planned (a transfer, a switch-over), unplanned, or failed (an epoch in which nobody was seen to lead).",
            absent: "the target elects nobody or does not answer.",
            more: "leader-elections",
          },
          [happened("quorumwatch_leader_elections_total", "", "cause"), "{{system}} {{target}} {{cause}}"],
        ),
        lines(
          {
            title: "Furthest behind", unit: "s",
            is: "The slowest replica and the slowest consumer group of each target.",
            absent: "the target has neither, or its leader cannot be asked.",
            more: "replication-lag",
          },
          [worst(of("quorumwatch_replication_lag_seconds")), "{{system}} {{target}} replica"],
          [worst(of("quorumwatch_consumer_lag_seconds")), "{{system}} {{target}} consumers"],
        ),
      ],
    },
    {
      title: "How far apart, whose clock",
      panels: [
        matrix(
          {
            title: "Round trips", unit: "s", height: 10,
            is: "Round trip to each member (line) from each daemon (column) that 99 of 100 in the last five minutes did not exceed; the quickest method that measures it. One slow line or column is a machine, one slow cell is a way.",
            absent: "that daemon does not measure this member.",
            more: "round-trip",
          },
          "member", "instance",
          `min by (instance, member) (quorumwatch_rtt_p99_seconds{${CHOSEN}})`,
        ),
        lines(
          {
            title: "Clocks: at least so far off", unit: "s", height: 10,
            is: "How far each clock is from ours at the very least: its offset less the bound of the measurement. 0: it may well be right.",
            absent: "the member tells no time or does not answer.",
            more: "clock-skew",
          },
          [worst(`clamp_min(abs(${of("quorumwatch_clock_offset_seconds", 'source="all"')}) - ${of("quorumwatch_clock_bound_seconds", 'source="all"')}, 0)`, "member"), "{{system}} {{target}} {{member}}"],
        ),
      ],
    },
  ],
});
