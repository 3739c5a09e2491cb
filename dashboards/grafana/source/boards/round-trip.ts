import { type Board, choice } from "../board";
import { type Word, bars, heatmap, lines, matrix, states } from "../panels";
import { CHOSEN, happened, least, of, worst } from "../query";
import type { Find } from "./index";

const HERE = 'member=~"$member",method=~"$method"';
const WAY = "{{instance}} to {{member}} {{method}}";
const SLOW: Word[] = [[0, "no", "green"], [1, "slow", "orange"]];
const LOST: Word[] = [[0, "not shown", "green"], [1, "LOSES", "orange"]];

/** Each daemon measures from its own place, so that here none of them may be left out. */
const eachWay = (expression: string, ...by: string[]) => `max by (${["instance", "member", "method", ...by].join(", ")}) (${expression})`;

export const roundTrip = (rule: Find): Board => ({
  name: "round-trip",
  title: "Round trips",
  question: "How far apart are the nodes, and what is lost on the way?",
  variables: [
    choice("member", "Member", 'quorumwatch_rtt_seconds{system=~"$system",target=~"$target"}'),
    choice("method", "Method", 'quorumwatch_rtt_seconds{system=~"$system",target=~"$target"}'),
  ],
  rows: [
    {
      title: "Now",
      panels: [
        matrix(
          {
            title: "Round trips", unit: "s", height: 9,
            is: "Round trip to each member (line) from each daemon (column) that 99 of 100 in the last five minutes did not exceed, by the quickest of the chosen methods. One slow line or column is a machine, one slow cell is a way.",
            absent: "that daemon does not measure this member.",
          },
          "member", "instance",
          `min by (instance, member) (quorumwatch_rtt_p99_seconds{${CHOSEN},${HERE}})`,
        ),
        matrix(
          {
            title: "Loss", unit: "percentunit", height: 9,
            is: "Packets of the last minute that were never answered, to each member (line) from each daemon (column).",
            absent: "that daemon sends no packets of its own to this member.",
            runbooks: [rule("PacketLoss")],
          },
          "member", "instance",
          `max by (instance, member) (quorumwatch_rtt_loss_ratio{${CHOSEN},${HERE}})`,
        ),
      ],
    },
    {
      title: "How far apart",
      panels: [
        lines(
          {
            title: "Round trip, median of the round", unit: "s",
            is: "What the kernel saw where it can say so; the time that a member holds a packet is taken off.",
            absent: "the member did not answer in that round.",
            runbooks: [rule("RoundTripSlow")],
          },
          [eachWay(of("quorumwatch_rtt_seconds", HERE)), WAY],
        ),
        lines(
          {
            title: "Round trip, 99 of 100", unit: "s",
            is: "What 99 of 100 round trips within the last five minutes did not exceed; up to 6 % too high, never too low.",
            absent: "the member was not measured in the last five minutes.",
          },
          [eachWay(of("quorumwatch_rtt_p99_seconds", HERE)), WAY],
        ),
        heatmap(
          {
            title: "All round trips", unit: "s",
            is: "How many round trips of the chosen members took how long. Two bands are two kinds of way, or two methods.",
            absent: "no chosen member was measured.",
          },
          `sum by (le) (increase(${of("quorumwatch_rtt_distribution_seconds_bucket", HERE)}[$__rate_interval]))`,
        ),
        states(
          {
            title: "What is slow",
            is: "Which part of the way takes half as long again, and 0.5 ms more, than at its best within the hour: the wire, the peer that holds packets, or the daemon itself that sends them late (self).",
            absent: "it has not been measured for long enough, or the method cannot tell.",
            runbooks: [rule("RoundTripSlow")],
          },
          SLOW,
          [eachWay(of("quorumwatch_rtt_slow", HERE), "part"), `${WAY} {{part}}`],
        ),
      ],
    },
    {
      title: "What is lost",
      panels: [
        lines(
          {
            title: "Loss", unit: "percentunit",
            is: "Packets of the last minute that were never answered, by the direction in which they were lost where the member tells. The alert asks for 100 packets besides.",
            absent: "the method sends no packets of its own, or none in the last minute.",
            alerts: [rule("HeavyPacketLoss")],
          },
          [eachWay(of("quorumwatch_rtt_loss_direction_ratio", HERE), "direction"), `${WAY} {{direction}}`],
        ),
        states(
          {
            title: "Loss that is certain",
            is: "Whether it is certain that about one packet in a hundred or more is lost, by direction. What is not shown may still be: a test over counted packets decides.",
            absent: "the method sends no packets of its own.",
            alerts: [rule("PacketLoss")],
          },
          LOST,
          [eachWay(of("quorumwatch_rtt_loss_confirmed", HERE), "direction"), `${WAY} {{direction}}`],
        ),
        lines(
          {
            title: "TCP segments sent again", unit: "percentunit",
            is: "Part of the TCP segments to each peer that the daemon's machine sent again, for any connection of the machine. The alert looks at five minutes and asks for some number besides.",
            absent: "no target of the system host is watched, or nothing is sent to the peer.",
            alerts: [rule("TcpRetransmits")],
          },
          [
            `max by (instance, peer, port_class) (rate(${of("quorumwatch_tcp_retransmits_total")}[$__rate_interval]) / (rate(${of("quorumwatch_tcp_segments_sent_total")}[$__rate_interval]) > 0))`,
            "{{instance}} to {{peer}} {{port_class}}",
          ],
        ),
        lines(
          {
            title: "Jitter", unit: "s",
            is: "Mean difference of one round trip from the one before on the same path, smoothed.",
            absent: "the method sends one packet at a time.",
          },
          [eachWay(of("quorumwatch_rtt_jitter_seconds", HERE)), WAY],
        ),
      ],
    },
    {
      title: "What it means for elections, and how good the measurement is",
      panels: [
        lines(
          {
            title: "Election time-out to round trips", unit: "none",
            is: "Election time-out over ten round trips to the member: below 1 elections are to be expected without any failure.",
            absent: "the time-out or the round trip is not known.",
            alerts: [rule("ElectionMarginLow")],
          },
          [least(of("quorumwatch_election_timeout_margin_ratio", HERE), "member", "method"), "{{target}} {{member}} {{method}}"],
        ),
        lines(
          {
            title: "Heartbeat to round trips", unit: "none",
            is: "Heartbeat interval over the round trip to the member: below 1 one in a hundred takes longer than a heartbeat.",
            absent: "the interval or the round trip is not known.",
            alerts: [rule("HeartbeatMarginLow")],
          },
          [least(of("quorumwatch_heartbeat_margin_ratio", HERE), "member", "method"), "{{target}} {{member}} {{method}}"],
        ),
        lines(
          {
            title: "Error of the measurement", unit: "s",
            is: "How much of the round trip may be the daemon's or the member's rather than the network's.",
            absent: "it is not known; the round trip may hold any of it.",
            runbooks: [rule("MethodDegraded")],
          },
          [eachWay(of("quorumwatch_rtt_error_seconds", HERE)), WAY],
        ),
        lines(
          {
            title: "Held and sent late", unit: "s",
            is: "How long the member held a packet before it answered, and how late the daemon sent one. Neither is in the round trip.",
            absent: "the method cannot tell.",
          },
          [eachWay(of("quorumwatch_rtt_peer_held_seconds", HERE)), `${WAY} held`],
          [eachWay(of("quorumwatch_rtt_send_lag_seconds", HERE)), `${WAY} sent late`],
        ),
        states(
          {
            title: "Method",
            is: "Whether the member is measured by a worse method than was wanted: STAMP with the kernel's stamps is best, then ICMP, then TCP.",
            absent: "the member is not measured.",
            alerts: [rule("MethodDegraded")],
          },
          [[0, "as wanted", "green"], [1, "worse", "blue"]],
          [eachWay(of("quorumwatch_rtt_method_degraded", HERE)), WAY],
        ),
        bars(
          {
            title: "Answers that do not count", unit: "short",
            is: "late: after their packet had been counted as lost; twice: a packet that had been answered; overtaken by a younger one; disturbed: thrown away, as a stall or a clock step of the daemon's own machine made their times useless.",
            absent: "the method sends no packets of its own.",
          },
          [happened("quorumwatch_rtt_late_total", HERE, "instance", "member", "method"), `${WAY} late`],
          [happened("quorumwatch_rtt_duplicate_total", HERE, "instance", "member", "method"), `${WAY} twice`],
          [happened("quorumwatch_rtt_reordered_total", HERE, "instance", "member", "method"), `${WAY} overtaken`],
          [happened("quorumwatch_rtt_disturbed_total", HERE, "instance", "member", "method"), `${WAY} disturbed`],
        ),
      ],
    },
    {
      title: "The mesh of the nodes",
      panels: [
        lines(
          {
            title: "Peers", unit: "short", decimals: 0,
            is: "Other nodes that each daemon knows of, by its list of members and DNS, and those of them that it probes itself: fewer in a sparse mesh. Daemons that know of different numbers have different lists.",
            absent: "no target of the system nodes is watched.",
          },
          [worst(of("quorumwatch_mesh_peers"), "instance"), "{{instance}} {{target}} known"],
          [worst(of("quorumwatch_mesh_probed_peers"), "instance"), "{{instance}} {{target}} probed"],
        ),
        lines(
          {
            title: "Pairs of zones that are watched", unit: "percentunit",
            is: "Part of all ordered pairs of zones across which some node probes some other one, if all do as this daemon's list says. Below 100 % a broken way between two zones may be seen by nobody.",
            absent: "no target of the system nodes is watched.",
          },
          [least(of("quorumwatch_mesh_zone_pairs_covered_ratio"), "instance"), "{{instance}} {{target}}"],
        ),
      ],
    },
  ],
});
