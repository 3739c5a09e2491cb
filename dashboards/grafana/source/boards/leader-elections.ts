import { type Board, choice } from "../board";
import { type Word, bars, lines, stat, states, table } from "../panels";
import { happened, happenedInAll, least, of, worst } from "../query";
import type { Find } from "./index";

const CLAIMS: Word[] = [[0, "no", "text"], [1, "leads", "green"]];
const TARGET = "{{system}} {{target}}";

export const leaderElections = (rule: Find): Board => ({
  name: "leader-elections",
  title: "Leader elections",
  question: "How often does leadership change, and was it planned?",
  variables: [choice("member", "Member", 'quorumwatch_leader_claim{system=~"$system",target=~"$target"}')],
  rows: [
    {
      title: "Now",
      panels: [
        stat(
          {
            title: "Leaders", unit: "short", width: 6,
            is: "Members of each target that are proven to lead at the same instant: 1 is good.",
            absent: "it cannot be known whether anybody leads.",
            runbooks: [rule("NoLeader")],
          },
          [worst(of("quorumwatch_leaders")), TARGET],
        ),
        stat(
          {
            title: "Without a leader", unit: "s", width: 6,
            is: "Time since somebody was last known to lead, by its own claim or because a majority follows it.",
            absent: "nobody of the target answers.",
            alerts: [rule("NoLeader")],
          },
          [worst(of("quorumwatch_leader_absent_seconds")), TARGET],
        ),
        stat(
          {
            title: "Failures tolerated", unit: "short", width: 6,
            is: "How many more voters may fail before the quorum is lost; below 0 it is lost. Two voters tolerate none, and neither does one.",
            absent: "the system has no quorum, or its configuration of voters is not known.",
            alerts: [rule("QuorumLost")], runbooks: [rule("QuorumAtRisk")],
          },
          [least(of("quorumwatch_quorum_failures_tolerated")), TARGET],
        ),
        stat(
          {
            title: "Elections in the time shown", unit: "short", decimals: 0, width: 6,
            is: "Elections of each target by cause over the dashboard's whole range.",
            absent: "the target elects nobody, or the daemon was not scraped.",
          },
          [`sum by (cause) (${happenedInAll("quorumwatch_leader_elections_total", "", "cause")})`, "{{cause}}"],
        ),
      ],
    },
    {
      title: "Who leads, and how it came about",
      panels: [
        states(
          {
            title: "Who says that it leads", height: 9,
            is: "What each member says of itself. Two strips of one target that lead at once are two claims, which a hand-over has too; the split-brain dashboard has what is proven.",
            absent: "the member does not answer, or does not say.",
            runbooks: [rule("NoLeader")], more: "split-brain",
          },
          CLAIMS,
          [worst(of("quorumwatch_leader_claim", 'member=~"$member"'), "member"), "{{target}} {{member}}"],
        ),
        bars(
          {
            title: "Elections", unit: "short", height: 9,
            is: "Elections by cause: planned (a transfer, a switch-over), unplanned, or failed (an epoch in which nobody was seen to lead). Counted from differences of epochs.",
            absent: "the target elects nobody, or does not answer.",
            runbooks: [rule("UnplannedElections"), rule("ElectionStorm")],
          },
          [happened("quorumwatch_leader_elections_total", "", "cause"), `${TARGET} {{cause}}`],
        ),
        lines(
          {
            title: "Elections within a minute", unit: "short",
            is: "Elections that gave a leader within the last minute.",
            absent: "the target elects nobody, or does not answer.",
            alerts: [rule("ElectionStorm")],
          },
          [worst(of("quorumwatch_leader_elections_recent", 'window="1m"')), TARGET],
        ),
        lines(
          {
            title: "Epoch", unit: "none",
            is: "The newest epoch that is known to have had a leader (term, timeline, configuration epoch). It only ever rises.",
            absent: "no member says.",
            runbooks: [rule("EpochRegression")],
          },
          [worst(of("quorumwatch_leader_epoch")), TARGET],
        ),
      ],
    },
    {
      title: "Agreement and quorum",
      panels: [
        lines(
          {
            title: "Leaders that members name", unit: "short",
            is: "How many different leaders the members name in the newest epoch: 1 is agreement, 0 is nobody.",
            absent: "no member names anybody.",
            alerts: [rule("LeaderViewsDisagree")],
          },
          [worst(of("quorumwatch_leader_views")), TARGET],
        ),
        lines(
          {
            title: "Failures tolerated", unit: "short", signed: true,
            is: "How many more voters may fail before the quorum is lost, and how many voters there are.",
            absent: "the system has no quorum, or its configuration of voters is not known.",
            alerts: [rule("QuorumLost")], runbooks: [rule("QuorumAtRisk")],
          },
          [least(of("quorumwatch_quorum_failures_tolerated")), `${TARGET} tolerates`],
          [least(of("quorumwatch_quorum_members")), `${TARGET} voters`],
        ),
        bars(
          {
            title: "Epochs that went backwards", unit: "short",
            is: "Each is a restored backup, a wiped disk or another cluster under the same name.",
            absent: "the target elects nobody, or does not answer.",
            alerts: [rule("EpochRegression")],
          },
          [happened("quorumwatch_leader_epoch_regressions_total", ""), TARGET],
        ),
        lines(
          {
            title: "Election time-out to round trips", unit: "none",
            is: "Election time-out over ten round trips to each member: below 1 elections are to be expected without any failure.",
            absent: "the time-out or the round trip is not known.",
            alerts: [rule("ElectionMarginLow")], more: "round-trip",
          },
          [least(of("quorumwatch_election_timeout_margin_ratio", 'member=~"$member"'), "member"), "{{target}} {{member}}"],
        ),
      ],
    },
    {
      title: "What the systems say themselves",
      panels: [
        states(
          {
            title: "Sentinels: could they fail over?",
            is: "Whether each Sentinel reaches enough others to agree on a failure and to authorise a fail-over (CKQUORUM). In tilt mode it watches and does not act, as its clock or its machine stood still.",
            absent: "no Redis target has Sentinels, or the Sentinel does not answer.",
            runbooks: [rule("NoLeader"), rule("QuorumAtRisk")],
          },
          [[0, "CANNOT", "red"], [1, "could", "green"], [2, "tilt", "orange"]],
          [
            worst(`2 * (${of("quorumwatch_sentinel_tilt")} == 1) or ${of("quorumwatch_sentinel_quorum_reachable")}`, "member"),
            "{{target}} {{member}}",
          ],
        ),
        states(
          {
            title: "Sentinels: is the master up?",
            is: "What each Sentinel thinks: up, down as it sees it by itself (subjective), or down because a quorum agrees (objective), after which one of them fails over.",
            absent: "no Redis target has Sentinels, or the Sentinel does not answer.",
            runbooks: [rule("NoLeader")],
          },
          [[0, "up", "green"], [1, "down for it", "orange"], [2, "DOWN FOR ALL", "red"]],
          [
            worst(
              `2 * ${of("quorumwatch_sentinel_master_down", 'kind="objective"')} or ${of("quorumwatch_sentinel_master_down", 'kind="subjective"')}`,
              "member",
            ),
            "{{target}} {{member}}",
          ],
        ),
        lines(
          {
            title: "Election time-out and heartbeat", unit: "s",
            is: "How long members wait for a leader before they elect another, and how often the leader says that it is there; as the target says or the configuration.",
            absent: "the target elects nobody, or neither it nor the configuration says.",
            runbooks: [rule("ElectionMarginLow"), rule("HeartbeatMarginLow")],
          },
          [least(of("quorumwatch_election_timeout_seconds")), `${TARGET} time-out`],
          [worst(of("quorumwatch_heartbeat_interval_seconds")), `${TARGET} heartbeat`],
        ),
        table(
          {
            title: "Alarms of etcd", unit: "none",
            is: "Alarms that etcd has raised about its members: NOSPACE (the quota is full: only reads and deletes are taken) and CORRUPT (members' data differ). They stay until somebody disarms them.",
            absent: "no alarm is raised, or etcd does not answer.",
          },
          ["target", "member", "alarm"],
          `${worst(of("quorumwatch_alarm_active"), "member", "alarm")} == 1`,
        ).noValue("no alarm"),
      ],
    },
  ],
});
