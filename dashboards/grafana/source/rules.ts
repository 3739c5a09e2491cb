// Thresholds and runbooks come from the shipped alert rules, so that a panel turns red where its alert fires and nowhere else.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Threshold } from "@grafana/grafana-foundation-sdk/dashboard";

export interface Rule {
  name: string;
  severity: string;
  comparison: string;
  limit: number;
  summary: string;
}

const SEVERITY_COLOURS: Record<string, string> = { critical: "red", warning: "orange", info: "blue" };
const GRAVITY = ["blue", "orange", "red"];

/** Reads what panels need of rule files that are written as ours are: no YAML reader for six known files. */
export function readRules(folder: string): Map<string, Rule> {
  const rules = new Map<string, Rule>();
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".rules.yml"))) {
    const [, ...texts] = readFileSync(join(folder, file), "utf8").split("- alert: ");
    for (const text of texts) {
      const name = text.split("\n")[0].trim();
      const expression = /\bexpr: (?:>-)?([^]*?)\n +(?:for|labels):/.exec(text)?.[1] ?? "";
      // Quotes may hold anything; what is in braces or brackets is no comparison.
      const compared = /([<>]=?|==) *(-?[\d.]+)/.exec(expression.replace(/\{.*?\}/g, ""));
      const severity = /severity: (\w+)/.exec(text)?.[1];
      const summary = /summary: (.*)/.exec(text)?.[1];
      if (!severity || !summary) throw new Error(`${file}: ${name} is not written as the other rules are`);
      rules.set(name, { name, severity, comparison: compared?.[1] ?? "", limit: Number(compared?.[2]), summary });
    }
  }
  return rules;
}

/** From which value on each of the rules fires; all of them look the same way, up or down. */
export function thresholds(rules: Rule[]): Threshold[] {
  let steps = rules.filter((rule) => rule.comparison !== "").map(asStep);
  // Of rules that fire at once the graver one gives the colour.
  steps.sort((a, b) => a.value - b.value || GRAVITY.indexOf(b.color) - GRAVITY.indexOf(a.color));
  steps = steps.filter((step, index) => index === 0 || step.value !== steps[index - 1].value);
  const upwards = steps.filter((step) => step.upwards);
  if (upwards.length !== 0 && upwards.length !== steps.length)
    throw new Error(`thresholds in both directions: ${rules.map((rule) => rule.name)}`);
  // Where no rule says what is bad, nothing is called good either.
  if (steps.length === 0) return [{ value: null, color: "text" }];
  if (upwards.length !== 0)
    return [{ value: null, color: "green" }, ...steps.map(({ value, color }) => ({ value, color }))];
  // Downwards each colour holds up to its limit, and the first one from the very bottom.
  const colours = [...steps.map((step) => step.color), "green"];
  return colours.map((color, index) => ({ value: index === 0 ? null : steps[index - 1].value, color }));
}

function asStep(rule: Rule) {
  const color = SEVERITY_COLOURS[rule.severity];
  // Grafana's steps include their value, and a rule's ">" does not: for the small numbers that are counted it matters.
  const above = Number.isInteger(rule.limit) && rule.limit < 20 ? rule.limit + 0.001 : rule.limit;
  switch (rule.comparison) {
    case ">":
      return { upwards: true, value: above, color };
    case ">=":
      return { upwards: true, value: rule.limit, color };
    case "<":
      return { upwards: false, value: rule.limit, color };
    case "==":
      // Of flags: 1 is bad, or 0 is.
      return rule.limit === 0 ? { upwards: false, value: 0.001, color } : { upwards: true, value: rule.limit, color };
    default:
      throw new Error(`${rule.name} compares by ${rule.comparison}`);
  }
}
