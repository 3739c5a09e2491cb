// Every dashboard, in the order of the design.
import type { Board } from "../board";
import type { Rule } from "../rules";
import { clockSkew } from "./clock-skew";
import { consumerLag } from "./consumer-lag";
import { leaderElections } from "./leader-elections";
import { overview } from "./overview";
import { replicationLag } from "./replication-lag";
import { roundTrip } from "./round-trip";
import { self } from "./self";
import { splitBrain } from "./split-brain";

/** The rule of this name; a name that no rule has is a mistake. */
export type Find = (name: string) => Rule;

export function boards(rules: Map<string, Rule>): Board[] {
  const find: Find = (name) => {
    const rule = rules.get(`Quorumwatch${name}`);
    if (!rule) throw new Error(`no rule is called Quorumwatch${name}`);
    return rule;
  };
  return [overview, leaderElections, splitBrain, replicationLag, consumerLag, roundTrip, clockSkew, self].map((board) => board(find));
}
