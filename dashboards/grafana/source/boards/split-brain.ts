import type { Board } from "../board";
import { NO_YES, type Word, bars, lines, stat, states, verdict } from "../panels";
import { happened, happenedInAll, of, worst } from "../query";
import type { Find } from "./index";

const TARGET = "{{system}} {{target}}";
const SPLIT: Word[] = [[0, "no", "green"], [1, "SPLIT", "red"]];
const STALE: Word[] = [[0, "no", "green"], [1, "deposed leader", "orange"]];

export const splitBrain = (rule: Find): Board => ({
  name: "split-brain",
  title: "Split brain",
  question: "How many leaders are there at the same instant, and can the second one do harm?",
  rows: [
    {
      title: "Now",
      panels: [
        verdict(
          {
            title: "Two leaders that take writes", width: 6,
            is: "Whether two members of some target are proven to lead at the same instant, and nothing keeps the older one from taking writes. What one of them accepts will be lost.",
            absent: "no chosen target elects anybody, or none answers.",
            alerts: [rule("SplitBrain")],
          },
          NO_YES,
          [`max(${of("quorumwatch_split_brain", 'kind="unfenced"')})`, "unfenced"],
        ),
        verdict(
          {
            title: "Two clusters of one name", width: 6,
            is: "Whether members of one target belong to different clusters.",
            absent: "no chosen target elects anybody, or none answers.",
            alerts: [rule("ClusterIdentitySplit")],
          },
          NO_YES,
          [`max(${of("quorumwatch_split_brain", 'kind="identity"')})`, "identity"],
        ),
        stat(
          {
            title: "Diverged", unit: "bytes", width: 6,
            is: "What the older of two leaders has written and the newer has not, in the overlap that lasts or was last. It is lost once the older one follows.",
            absent: "there is no overlap, or the system does not tell positions.",
            alerts: [rule("DivergedWrites")],
          },
          [worst(of("quorumwatch_split_brain_diverged_bytes")), TARGET],
        ).noValue("none known"),
        stat(
          {
            title: "Proven overlaps in the time shown", unit: "short", decimals: 0, width: 6,
            is: "Overlaps of two leaders over the dashboard's whole range, by the worst that was known of each.",
            absent: "no chosen target elects anybody, or the daemon was not scraped.",
          },
          [`sum by (kind) (${happenedInAll("quorumwatch_split_brain_overlaps_total", "", "kind")})`, "{{kind}}"],
        ),
      ],
    },
    {
      title: "What is proven",
      panels: [
        states(
          {
            title: "Two leaders that take writes, or two clusters",
            is: "Strips of each target: unfenced (both take writes) and identity (members belong to different clusters).",
            absent: "the target elects nobody, or does not answer.",
            alerts: [rule("SplitBrain"), rule("ClusterIdentitySplit")],
          },
          SPLIT,
          [worst(of("quorumwatch_split_brain", 'kind=~"unfenced|identity"'), "kind"), `${TARGET} {{kind}}`],
        ),
        states(
          {
            title: "A deposed leader that does not know it",
            is: "An older leader claims beside the newer one and cannot commit (fenced). Harmless to data; clients that stay with it hang or read the past.",
            absent: "the target elects nobody, or does not answer.",
            alerts: [rule("StaleLeader")],
          },
          STALE,
          [worst(of("quorumwatch_split_brain", 'kind="fenced"')), TARGET],
        ),
        lines(
          {
            title: "Claims and proof", unit: "short",
            is: "Members that say that they lead, and members proven to lead at the same instant. More claims than proven leaders are a hand-over, or a member that nobody follows.",
            absent: "nobody of the target answers.",
          },
          [worst(`sum by (instance, system, target) (${of("quorumwatch_leader_claim")})`), `${TARGET} claims`],
          [worst(of("quorumwatch_leaders")), `${TARGET} proven`],
        ),
        bars(
          {
            title: "Overlaps", unit: "short",
            is: "Overlaps of two leaders that were proven, by kind, when they began.",
            absent: "the target elects nobody, or does not answer.",
          },
          [happened("quorumwatch_split_brain_overlaps_total", "", "kind"), `${TARGET} {{kind}}`],
        ),
      ],
    },
    {
      title: "How long, and how much it costs",
      panels: [
        lines(
          {
            title: "Length of the overlap", unit: "s",
            is: "How long the overlap that lasts or was last took, at least (lower) and at most (upper).",
            absent: "there was none in the last 15 minutes.",
            runbooks: [rule("SplitBrain")],
          },
          [worst(of("quorumwatch_split_brain_overlap_seconds"), "bound"), `${TARGET} {{bound}}`],
        ).noValue("no overlap"),
        lines(
          {
            title: "Diverged", unit: "bytes",
            is: "What the older of two leaders has written and the newer has not.",
            absent: "there is no overlap, or the system does not tell positions.",
            alerts: [rule("DivergedWrites")],
          },
          [worst(of("quorumwatch_split_brain_diverged_bytes")), TARGET],
        ).noValue("no overlap"),
      ],
    },
  ],
});
