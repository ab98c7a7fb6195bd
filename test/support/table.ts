import assert from "node:assert/strict";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./workspace.ts";

/** The tables of docs/ whose lines tests write, and the file that each is in. */
const documents = {
  "who drives whom": "docs/interoperation.md",
  "ways in": "docs/interoperation.md",
  messages: "docs/interoperation.md",
  faults: "docs/faults.md",
  places: "docs/faults.md",
  endings: "docs/faults.md",
} as const;

export type TableName = keyof typeof documents;

/**
 * Says what a test has seen, as one line of a table in docs/. `npm run docs:tables` collects the lines and writes the tables; any other
 * run checks that the line is there, so a table that is out of date fails the test.
 */
export function tableRow(table: TableName, ...cells: readonly string[]): void {
  const line = `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const folder = process.env.SLABLINK_TABLES;
  if (folder !== undefined) {
    appendFileSync(join(folder, `${table}.md`), `${line}\n`);
    return;
  }
  const lines = readFileSync(join(packageRoot, documents[table]), "utf8").split("\n");
  assert.ok(lines.includes(line), `${documents[table]} has no line "${line}"; npm run docs:tables writes it`);
}
