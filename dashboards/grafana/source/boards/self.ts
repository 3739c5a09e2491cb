import { type Board, choice } from "../board";
import { type Word, bars, lines, stat, states, table, verdict } from "../panels";
import { daemons, happened, least, of, worst } from "../query";
import type { Find } from "./index";

const LOADED: Word[] = [[0, "NOT LOADED", "orange"], [1, "loaded", "green"]];
const ANSWERS: Word[] = [[0, "SILENT", "red"], [1, "answers", "green"]];
const DAEMON = "{{instance}}";
const NO_DAEMON = "the daemon is not scraped.";

/** What each daemon says of itself. */
const each = (expression: string, ...by: string[]) => `max by (${["instance", ...by].join(", ")}) (${expression})`;
const counted = (family: string, ...by: string[]) => each(`increase(${daemons(family)}[$__rate_interval])`, ...by);
const quantile = (family: string) => `histogram_quantile(0.99, sum by (instance, le) (rate(${daemons(`${family}_bucket`)}[$__rate_interval])))`;

export const self = (rule: Find): Board => ({
  name: "self",
  title: "The daemon itself",
  question: "Does the daemon see everything, in time, and do its alerts arrive?",
  variables: [choice("instance", "Daemon", "quorumwatch_build_info")],
  rows: [
    {
      title: "Now",
      panels: [
        verdict(
          {
            title: "Configuration", width: 6,
            is: "Whether the last attempt to load the configuration succeeded. If not, the one before runs on, and a restart will fail.",
            absent: NO_DAEMON,
            alerts: [rule("ConfigNotLoaded")],
          },
          LOADED,
          [`min by (instance) (${daemons("quorumwatch_config_last_reload_successful")})`, DAEMON],
        ),
        stat(
          {
            title: "Event loop late, 99 of 100", unit: "s", width: 6,
            is: "How late the loop ran its timers: what it measures is late by as much. Its own promise is 5 ms.",
            absent: NO_DAEMON,
            alerts: [rule("LoopLag")],
          },
          [quantile("quorumwatch_event_loop_lag_seconds"), DAEMON],
        ),
        stat(
          {
            title: "Alerts not acknowledged", unit: "short", width: 6,
            is: "Alerts of which an Alertmanager has yet to acknowledge that they fire or have ended.",
            absent: "the daemon has no Alertmanager to tell.",
            runbooks: [rule("NotificationsFail")],
          },
          [each(daemons("quorumwatch_notifications_queue_length"), "alertmanager"), "{{instance}} {{alertmanager}}"],
        ),
        stat(
          {
            title: "Tasks that failed", unit: "short", decimals: 0, width: 6,
            is: "Tasks that an escaped exception ended, over the dashboard's whole range: each is a bug.",
            absent: NO_DAEMON,
            alerts: [rule("TaskFailed")],
          },
          [each(`increase(${daemons("quorumwatch_coroutine_failures_total")}[$__range])`), DAEMON],
        ),
      ],
    },
    {
      title: "Does it see its targets",
      panels: [
        states(
          {
            title: "Targets",
            is: "Whether anybody of the target answered in the last round. All other series of a silent target are absent.",
            absent: NO_DAEMON,
            alerts: [rule("TargetDown")],
          },
          ANSWERS,
          [least(of("quorumwatch_probe_success")), "{{system}} {{target}}"],
        ),
        bars(
          {
            title: "Members that could not be asked", unit: "short",
            is: "How often members of each target did not answer, by reason; the alert looks at the rate over five minutes.",
            absent: "every member has always answered.",
            runbooks: [rule("MemberUnanswered")],
          },
          [happened("quorumwatch_probe_members_unanswered_total", "", "reason"), "{{system}} {{target}} {{reason}}"],
        ).noValue("none"),
        lines(
          {
            title: "Length of a round", unit: "s",
            is: "How long the last round of each target took. One that takes longer than the interval leaves rounds out.",
            absent: NO_DAEMON,
          },
          [worst(of("quorumwatch_probe_duration_seconds")), "{{system}} {{target}}"],
        ),
        bars(
          {
            title: "Rounds left out", unit: "short",
            is: "Rounds that did not begin because the one before was still under way; the alert counts those of 15 minutes.",
            absent: NO_DAEMON,
            runbooks: [rule("RoundsMissed")],
          },
          [happened("quorumwatch_probe_rounds_missed_total", ""), "{{system}} {{target}}"],
        ),
      ],
    },
    {
      title: "Who asks what, and where members are found",
      panels: [
        lines(
          {
            title: "Daemons that ask the target", unit: "short", decimals: 0,
            is: "Of targets that one daemon at a time asks (placement: one_node): 1, or 2 while one moves and while daemons are cut off from each other. 0 for more than some seconds is a fault.",
            absent: "no target is placed, or the daemons are not scraped.",
            runbooks: [rule("PeersSilent")],
          },
          [`sum by (system, target) (max by (instance, system, target) (${of("quorumwatch_placement_here")}))`, "{{system}} {{target}}"],
        ),
        lines(
          {
            title: "Peers that do not answer", unit: "short", decimals: 0,
            is: "Daemons that come before the one that asks the target, and do not answer it: gone, or cut off and asking it, too.",
            absent: "no target is placed, or the daemons are not scraped.",
            alerts: [rule("PeersSilent")],
          },
          [worst(of("quorumwatch_placement_silent_peers"), "instance"), "{{instance}} {{system}} {{target}}"],
        ),
        bars(
          {
            title: "Targets that were taken", unit: "short",
            is: "How often a daemon began to ask a target that is placed. A target that comes and goes is one whose daemons see each other badly.",
            absent: "no target is placed, or the daemons are not scraped.",
            runbooks: [rule("PeersSilent")],
          },
          [happened("quorumwatch_placement_taken_total", "", "instance"), "{{instance}} {{system}} {{target}}"],
        ),
        lines(
          {
            title: "Members found in files and by DNS", unit: "short", decimals: 0,
            is: "Addresses of targets whose members are found, and sources that give nothing new (failed): what was found last stays then.",
            absent: "all members are written in the configuration.",
            runbooks: [rule("MembersNotFound")],
          },
          [least(of("quorumwatch_members_found"), "instance"), "{{instance}} {{system}} {{target}}"],
          [worst(of("quorumwatch_members_discovery_failed"), "instance"), "{{instance}} {{system}} {{target}} failed"],
        ),
      ],
    },
    {
      title: "Is it in time, and what does it take",
      panels: [
        lines(
          {
            title: "Late, 99 of 100", unit: "s",
            is: "How late the event loop ran its timers, and how late rounds began.",
            absent: NO_DAEMON,
            alerts: [rule("LoopLag")],
          },
          [quantile("quorumwatch_event_loop_lag_seconds"), "{{instance}} loop"],
          [quantile("quorumwatch_probe_start_lateness_seconds"), "{{instance}} rounds"],
        ),
        lines(
          {
            title: "Processor", unit: "percentunit",
            is: "Processor time that the daemon uses; 100 % is one core.",
            absent: NO_DAEMON,
          },
          [each(`rate(${daemons("process_cpu_seconds_total")}[$__rate_interval])`), DAEMON],
        ),
        lines(
          {
            title: "Memory", unit: "bytes",
            is: "Physical memory that the daemon holds.",
            absent: NO_DAEMON,
          },
          [each(daemons("process_resident_memory_bytes")), DAEMON],
        ),
        lines(
          {
            title: "Series", unit: "short",
            is: "Time series of all targets together, and samples left out because there were too many.",
            absent: NO_DAEMON,
            runbooks: [rule("SeriesDropped")],
          },
          [each(daemons("quorumwatch_series")), `${DAEMON} series`],
          [counted("quorumwatch_series_dropped_total"), `${DAEMON} left out`],
        ),
      ],
    },
    {
      title: "Does it have room",
      panels: [
        lines(
          {
            title: "Descriptors", unit: "percentunit",
            is: "File descriptors that are open, of those that may be. Each connection to a member or from a client takes one.",
            absent: NO_DAEMON,
          },
          [each(`${daemons("process_open_fds")} / ${daemons("process_max_fds")}`), DAEMON],
        ),
        lines(
          {
            title: "Clients of its pages", unit: "short",
            is: "Clients that are connected, those that were closed or refused to make room, and those that were closed because they sent or read too slowly.",
            absent: NO_DAEMON,
          },
          [each(daemons("quorumwatch_http_connections")), "{{instance}} connected"],
          [counted("quorumwatch_http_evicted_total"), "{{instance}} to make room"],
          [counted("quorumwatch_http_timeouts_total"), "{{instance}} too slow"],
        ),
        bars(
          {
            title: "Events that the journal has not", unit: "short",
            is: "Events that were never written, as there was no room to wait or too many came at once, and writes that failed and are tried again. The timeline and the incident report lack the former.",
            absent: "the daemon keeps no journal, or is not scraped.",
          },
          [counted("quorumwatch_journal_events_dropped_total"), "{{instance}} dropped"],
          [counted("quorumwatch_journal_events_left_out_total"), "{{instance}} too many"],
          [counted("quorumwatch_journal_write_errors_total"), "{{instance}} failed writes"],
        ),
        lines(
          {
            title: "Packets of other nodes", unit: "pps",
            is: "Packets that the daemon's reflector answers, and those that it does not, by reason. A peer whose packets are refused sees them as lost.",
            absent: "the daemon has no reflector, or is not scraped.",
            runbooks: [rule("PacketLoss")],
          },
          [each(`rate(${daemons("quorumwatch_reflector_reflected_total")}[$__rate_interval])`), "{{instance}} answered"],
          [each(`rate(${daemons("quorumwatch_reflector_refused_total")}[$__rate_interval])`, "reason"), "{{instance}} {{reason}}"],
        ),
      ],
    },
    {
      title: "Do its alerts arrive",
      panels: [
        bars(
          {
            title: "Alerts told and refused", unit: "short",
            is: "Alerts that each Alertmanager acknowledged (repetitions among them), requests that failed and are tried again, and alerts that were given up.",
            absent: "the daemon has no Alertmanager to tell.",
            runbooks: [rule("NotificationsFail")],
          },
          [counted("quorumwatch_notifications_sent_total", "alertmanager"), "{{instance}} {{alertmanager}} acknowledged"],
          [counted("quorumwatch_notifications_errors_total", "alertmanager"), "{{instance}} {{alertmanager}} failed"],
          [counted("quorumwatch_notifications_dropped_total", "alertmanager"), "{{instance}} {{alertmanager}} given up"],
        ),
        lines(
          {
            title: "Alerts by state", unit: "short",
            is: "Alerts that the daemon itself has; unknown ones are pending or firing too, and stay so until their question is answered.",
            absent: NO_DAEMON,
          },
          [each(daemons("quorumwatch_alerts"), "state"), "{{instance}} {{state}}"],
        ),
        bars(
          {
            title: "What went wrong with rules and their state", unit: "short",
            is: "Evaluations that failed or came a whole interval late, templates that could not be expanded, saves of the alerts' state that failed, and files of it that could not be read.",
            absent: "the daemon has no rules.",
            runbooks: [rule("RuleFails"), rule("AlertStateNotSaved")],
          },
          [counted("quorumwatch_rule_evaluation_failures_total", "rule_group"), "{{instance}} {{rule_group}}"],
          [counted("quorumwatch_rule_group_iterations_missed_total", "rule_group"), "{{instance}} {{rule_group}} late"],
          [counted("quorumwatch_template_text_expansion_failures_total"), "{{instance}} template"],
          [counted("quorumwatch_alert_state_save_errors_total"), "{{instance}} save"],
          [counted("quorumwatch_alert_state_corrupt_total"), "{{instance}} unreadable state"],
        ),
        table(
          {
            title: "Which program", unit: "none",
            is: "Version, revision and compiler of each daemon.",
            absent: NO_DAEMON,
          },
          ["instance", "version", "revision", "compiler"],
          each(daemons("quorumwatch_build_info"), "version", "revision", "compiler"),
        ),
      ],
    },
  ],
});
