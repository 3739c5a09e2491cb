import { type Board, choice } from "../board";
import { type Word, bars, lines, stat, states } from "../panels";
import { happened, of, stateOf, worst } from "../query";
import type { Find } from "./index";

const STATES = ["proved_in_sync", "cannot_prove", "proved_skewed"];
const STATE_WORDS: Word[] = [[0, "right", "green"], [1, "cannot prove", "text"], [2, "SKEWED", "red"]];
const SOURCE_WORDS: Word[] = [[0, "no answer", "orange"], [1, "answers", "text"], [2, "followed", "green"]];
const HERE = 'member=~"$member"';
const MEMBER = "{{target}} {{member}}";
const OFFSET = of("quorumwatch_clock_offset_seconds", `source="all",${HERE}`);
const BOUND = of("quorumwatch_clock_bound_seconds", `source="all",${HERE}`);
const SOURCE_OFFSET = of("quorumwatch_chrony_source_offset_seconds", HERE);
const SOURCE_ERROR = of("quorumwatch_chrony_source_error_seconds", HERE);
/** Each daemon has a clock of its own to measure by, so that none of them may be left out. */
const everyDaemon = (expression: string, ...by: string[]) => `max by (${["instance", "target", ...by].join(", ")}) (${expression})`;

export const clockSkew = (rule: Find): Board => ({
  name: "clock-skew",
  title: "Clock skew",
  question: "Whose clock is wrong, by how much, within what bound?",
  variables: [choice("member", "Member", 'quorumwatch_clock_state{system=~"$system",target=~"$target"}')],
  rows: [
    {
      title: "Now",
      panels: [
        stat(
          {
            title: "Clocks proved wrong", unit: "short", decimals: 0, width: 6,
            is: "Members of each target whose clock is proved to be further from ours than the limit of its system.",
            absent: "no member of the target tells its time.",
            alerts: [rule("ClockSkewed")],
          },
          [`sum by (system, target) (${worst(of("quorumwatch_clock_state", `state="proved_skewed",${HERE}`), "member")})`, "{{system}} {{target}}"],
        ),
        stat(
          {
            title: "Neither proved right nor wrong", unit: "short", decimals: 0, width: 6,
            is: "Members whose clock may be right and may be wrong: the bound is wider than the limit, or the member is silent.",
            absent: "no member of the target tells its time.",
            runbooks: [rule("ClockUnproved")],
          },
          [`sum by (system, target) (${worst(of("quorumwatch_clock_state", `state="cannot_prove",${HERE}`), "member")})`, "{{system}} {{target}}"],
        ),
        stat(
          {
            title: "Out of step with the majority", unit: "short", decimals: 0, width: 6,
            is: "Members whose clock is proved to contradict every majority of the others.",
            absent: "there are fewer than three clocks, or no majority agrees.",
            alerts: [rule("ClockOutlier")],
          },
          [`sum by (system, target) (${worst(of("quorumwatch_clock_outlier", HERE), "member")})`, "{{system}} {{target}}"],
        ),
        stat(
          {
            title: "Our own clock is the wrong one", unit: "short", decimals: 0, width: 6,
            is: "Daemons whose own clock is proved to contradict every majority of the members: what they say of others' offsets is their own.",
            absent: "there are fewer than three clocks, or no majority agrees.",
            alerts: [rule("OwnClockOutlier")],
          },
          [`sum(max by (instance) (${of("quorumwatch_clock_own_outlier")}))`, "daemons"],
        ),
      ],
    },
    {
      title: "Whose clock",
      panels: [
        states(
          {
            title: "State of each clock", height: 9,
            is: "right: proved to be within the limit; SKEWED: proved to be further off; cannot prove: what is known allows both. Only SKEWED is urgent.",
            absent: "the member tells no time.",
            runbooks: [rule("ClockSkewed"), rule("ClockUnproved")],
          },
          STATE_WORDS,
          [stateOf("quorumwatch_clock_state", "state", STATES, HERE, "member"), MEMBER],
        ),
        lines(
          {
            title: "How far ahead of ours: the interval", unit: "s", signed: true, height: 9,
            is: "The truth lies between at least and at most: the offset less and plus the bound of its measurement. An interval that holds 0 accuses nobody.",
            absent: "the member tells no time or does not answer.",
            runbooks: [rule("ClockSkewed")],
          },
          [everyDaemon(`${OFFSET} - ${BOUND}`, "member"), `{{instance}} ${MEMBER} at least`],
          [everyDaemon(`${OFFSET} + ${BOUND}`, "member"), `{{instance}} ${MEMBER} at most`],
        ),
        lines(
          {
            title: "Farthest apart within a target", unit: "s",
            is: "The largest difference of any two members' clocks: at least lower, at most upper. Our own clock has no part in it.",
            absent: "fewer than two members tell their time.",
            runbooks: [rule("ClocksApart")],
          },
          [worst(of("quorumwatch_clock_skew_seconds"), "bound"), "{{system}} {{target}} {{bound}}"],
        ),
        lines(
          {
            title: "Limit", unit: "s",
            is: "From which offset on the system is hurt, by its profile. States go by the critical limit, or by the warning where there is no other.",
            absent: "no member of the target tells its time.",
          },
          [worst(of("quorumwatch_clock_limit_seconds"), "profile", "severity"), "{{system}} {{target}} {{profile}} {{severity}}"],
        ),
      ],
    },
    {
      title: "What happened to clocks",
      panels: [
        bars(
          {
            title: "Clocks that were set", unit: "short",
            is: "How often a member's clock jumped, forward or backward, and how often the wall clock of a daemon's own machine did; steps of ours are not taken for a member's.",
            absent: "the member tells no time.",
            alerts: [rule("ClockStepped"), rule("WallClockJumped")],
          },
          [happened("quorumwatch_clock_steps_total", HERE, "member", "direction"), `${MEMBER} {{direction}}`],
          ["max by (instance) (increase(quorumwatch_wall_clock_jumps_total[$__rate_interval]))", "{{instance}} itself"],
        ),
        states(
          {
            title: "What clocks say of themselves",
            is: "Whether the member says that its clock is synchronised, by source. A clock that is wrong may claim anything.",
            absent: "the member does not say.",
            alerts: [rule("ClockUnsynchronised")],
          },
          [[0, "not synchronised", "orange"], [1, "synchronised", "green"]],
          [`min by (instance, target, member, source) (${of("quorumwatch_clock_synchronised", HERE)})`, `{{instance}} ${MEMBER} {{source}}`],
        ),
        lines(
          {
            title: "Bound", unit: "s",
            is: "Half the width of the interval that holds the offset: half a round trip, and what the sources' precision adds.",
            absent: "the member tells no time or does not answer.",
          },
          [everyDaemon(BOUND, "member"), `{{instance}} ${MEMBER}`],
        ),
        lines(
          {
            title: "Sources that contradict the others", unit: "short",
            is: "Sources of the member's clock whose intervals do not meet those of the rest.",
            absent: "the member tells no time or does not answer.",
          },
          [worst(of("quorumwatch_clock_falsetickers", HERE), "member"), MEMBER],
        ),
      ],
    },
    {
      title: "What clocks believe, and whom",
      panels: [
        states(
          {
            title: "Sources of chronyd",
            is: "What each chronyd that is asked does with each of its sources: follows it, could follow it, or has had no answer in the last eight polls.",
            absent: "no member is asked by chrony's protocol, or chronyd does not tell its sources.",
            runbooks: [rule("ClockUnsynchronised")],
          },
          SOURCE_WORDS,
          [
            everyDaemon(`2 * (${of("quorumwatch_chrony_source_selected", HERE)} == 1) or ${of("quorumwatch_chrony_source_reachable", HERE)}`, "member", "peer"),
            `{{instance}} ${MEMBER} {{peer}}`,
          ],
        ),
        lines(
          {
            title: "Ahead of its sources", unit: "s", signed: true,
            is: "How far the clock of chronyd's machine is ahead of each of its sources, by the last sample: at least and at most, as chronyd itself estimates the error.",
            absent: "no member is asked by chrony's protocol, or the source does not answer.",
            runbooks: [rule("ClockUnsynchronised")],
          },
          [everyDaemon(`${SOURCE_OFFSET} - ${SOURCE_ERROR}`, "member", "peer"), `{{instance}} ${MEMBER} {{peer}} at least`],
          [everyDaemon(`${SOURCE_OFFSET} + ${SOURCE_ERROR}`, "member", "peer"), `{{instance}} ${MEMBER} {{peer}} at most`],
        ),
        lines(
          {
            title: "Ahead of true time, as clocks claim", unit: "s", signed: true,
            is: "The offset that the member gives itself, by source. It is a claim: compare it with the interval above, which is ours.",
            absent: "the member does not say, or says that it is not synchronised.",
          },
          [everyDaemon(of("quorumwatch_clock_claimed_offset_seconds", HERE), "member", "source"), `{{instance}} ${MEMBER} {{source}}`],
        ),
        lines(
          {
            title: "Oscillators: how much too fast", unit: "ppm", signed: true,
            is: "By which part of a million the member's oscillator runs fast, as it says itself. What changes slowly is temperature; a jump is a migrated or a suspended machine.",
            absent: "the member does not say.",
          },
          [everyDaemon(`1e6 * ${of("quorumwatch_clock_frequency_error_ratio", HERE)}`, "member", "source"), `{{instance}} ${MEMBER} {{source}}`],
        ),
      ],
    },
  ],
});
