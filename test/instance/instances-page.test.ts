import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import * as slablink from "slablink";
import { run } from "../support/process.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** The examples of the page, each with the heading that it stands under. */
function examples(): { heading: string; text: string }[] {
  const page = readFileSync(join(packageRoot, "docs/instances.md"), "utf8");
  const found: { heading: string; text: string }[] = [];
  let heading = "the first";
  for (const match of page.matchAll(/^## (.*)$|^```(\w*)\n([\s\S]*?)^```$/gm)) {
    if (match[1] !== undefined) heading = match[1];
    else {
      assert.equal(match[2], "ts", `a block that is not run, under ${heading}`);
      found.push({ heading, text: match[3]!.replace(/^import .* from "slablink";$/gm, "") });
    }
  }
  return found;
}

const AsyncFunction = (async () => {}).constructor as new (
  ...words: string[]
) => (...values: unknown[]) => Promise<void>;

// The page names the executor as somebody does who has installed slablink.
process.env.PATH = `${join(packageRoot, "bin")}${delimiter}${process.env.PATH}`;

for (const { heading, text } of examples()) {
  test(`the page's example does what it says: ${heading}`, async () => {
    const names = { ...slablink, assert };
    await new AsyncFunction(...Object.keys(names), `"use strict";\n${text}`)(...Object.values(names));
  });
}

test("every section of the page but the last has an example", () => {
  const page = readFileSync(join(packageRoot, "docs/instances.md"), "utf8");
  const headings = [...page.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);
  assert.deepEqual([...new Set(examples().map(({ heading }) => heading))], ["the first", ...headings.slice(0, -1)]);
  assert.equal(headings.at(-1), "Limits");
});

test("TypeScript knows the types of everything in the examples", async () => {
  const project = freshDirectory();
  const names = Object.keys(slablink).join(", ");
  for (const [i, { text }] of examples().entries()) {
    const file = `import assert from "node:assert/strict";
import { ${names} } from "slablink";
export async function example() {
${text}
}`;
    writeFileSync(join(project, `example${i}.ts`), file);
  }
  const compilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "esnext.disposable"],
    paths: { slablink: [join(packageRoot, "dist/src/index.d.ts")] },
    typeRoots: [join(packageRoot, "node_modules/@types")],
    types: ["node"],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  const { status, stdout } = await run(join(packageRoot, "node_modules/.bin/tsc"), ["-p", project], { cwd: project });
  assert.equal(status, 0, stdout);
});
