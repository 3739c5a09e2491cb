// The few forms that our queries have. Several daemons may watch one target: the worst that one of them says counts.

/** What every series about a target is narrowed down by. */
export const CHOSEN = 'system=~"$system",target=~"$target"';

/** The family's series of the chosen targets; `more`: further matchers. */
export function of(family: string, more = ""): string {
  return `${family}{${CHOSEN}${more && ","}${more}}`;
}

/** The largest of each target and of what else is named; `expression` is of one daemon. */
export function worst(expression: string, ...by: string[]): string {
  return `max by (${["system", "target", ...by].join(", ")}) (${expression})`;
}

/** The smallest, for what is good when it is large. */
export function least(expression: string, ...by: string[]): string {
  return `min by (${["system", "target", ...by].join(", ")}) (${expression})`;
}

/** How often it happened between two points of the graph; `family` is a counter. */
export function happened(family: string, more: string, ...by: string[]): string {
  return worst(`increase(${of(family, more)}[$__rate_interval])`, ...by);
}

/** The same for the whole time that the dashboard shows. */
export function happenedInAll(family: string, more: string, ...by: string[]): string {
  return worst(`increase(${of(family, more)}[$__range])`, ...by);
}

/** The place in `states` of the state that has 1, for a family with a series for each state. */
export function stateOf(family: string, label: string, states: string[], more: string, ...by: string[]): string {
  const terms = states.map((state, index) => `${index} * (${of(family, `${label}="${state}",${more}`)} == 1)`);
  return worst(terms.join(" or "), ...by);
}

/** Of the daemons themselves, which have no system and no target. */
export function daemons(family: string, more = ""): string {
  return `${family}{instance=~"$instance"${more && ","}${more}}`;
}

/** What an alert is about, as far as it is about anything. */
export const ALERT_LABELS = ["severity", "alertname", "system", "target", "member", "consumer_group", "topic"];

/** The shipped alerts that fire. The daemon and Prometheus may both say so of one; "|": alerts about no target. */
export const FIRING =
  `max by (${ALERT_LABELS.join(", ")}) ` +
  '(ALERTS{alertname=~"Quorumwatch.*",alertstate="firing",system=~"$system|",target=~"$target|"})';
