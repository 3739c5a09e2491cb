// Renders every dashboard: node main.js FOLDER-OF-RULES FOLDER-TO-WRITE-TO
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "./board";
import { boards } from "./boards";
import { readRules } from "./rules";

/** The SDK puts every link away into a menu by default, and we want none put away. */
const shown = (key: string, value: unknown) => (key === "placement" && value === "inControlsMenu" ? undefined : value);

const [rules, folder] = process.argv.slice(2);
for (const board of boards(readRules(rules)))
  writeFileSync(join(folder, `${board.name}.json`), `${JSON.stringify(build(board), shown, 2)}\n`);
