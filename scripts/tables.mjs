// npm run docs:tables: runs the tests that say what they saw (test/support/table.ts) and writes it into the tables of docs/, each between
// `<!-- table NAME: columns -->` and `<!-- end -->`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const documents = ["docs/interoperation.md", "docs/faults.md"];
const tests =
  process.argv.length > 2 ? process.argv.slice(2) : ["interop/", "faults/", "ways-in/", "places/", "crash/"];

const folder = mkdtempSync(join(tmpdir(), "slablink-tables-"));
let status = 1;
try {
  const env = { ...process.env, SLABLINK_TABLES: folder };
  status =
    spawnSync(process.execPath, [join(root, "scripts/test.mjs"), ...tests], { stdio: "inherit", env }).status ?? 1;
  if (status === 0)
    for (const path of documents) writeFileSync(join(root, path), filled(readFileSync(join(root, path), "utf8")));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(status);

/** The text with those of its tables made anew for which lines have come. */
function filled(text) {
  return text.replace(/<!-- table ([^:]+): (.*) -->\n[\s\S]*?<!-- end -->/g, (whole, name, columns) => {
    const path = join(folder, `${name}.md`);
    if (!existsSync(path)) return whole;
    const lines = [...new Set(readFileSync(path, "utf8").trimEnd().split("\n"))].sort();
    const names = columns.split(" | ");
    const head = `| ${names.join(" | ")} |\n|${" --- |".repeat(names.length)}`;
    return `<!-- table ${name}: ${columns} -->\n\n${head}\n${lines.join("\n")}\n\n<!-- end -->`;
  });
}
