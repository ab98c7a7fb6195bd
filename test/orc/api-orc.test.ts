import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as slablink from "slablink";
import { packageRoot } from "../support/workspace.ts";
import { bothModes, call, inSession, object } from "./session-of.ts";

/** The examples of the page, each with the heading that it stands under. */
function examples(): { heading: string; text: string }[] {
  const page = readFileSync(join(packageRoot, "docs/api-orc.md"), "utf8");
  const found: { heading: string; text: string }[] = [];
  let heading = "";
  for (const match of page.matchAll(/^## (.*)$|^```ts\n([\s\S]*?)^```$/gm)) {
    if (match[1] !== undefined) heading = match[1];
    else found.push({ heading, text: match[2]! });
  }
  return found;
}

const AsyncFunction = (async () => {}).constructor as new (
  ...words: string[]
) => (...values: unknown[]) => Promise<void>;

test("every section of the page has an example", () => {
  assert.deepEqual(
    [...new Set(examples().map(({ heading }) => heading))],
    [
      "Objects",
      "Look-ups",
      "Which definition is taken",
      "Objects on demand",
      "Resource trackers",
      "Names without code",
      "Generators",
      "Plugins",
    ],
  );
});

for (const mode of bothModes) {
  for (const { heading, text } of examples()) {
    test(`${mode.name}: the page's example does what it says: ${heading}`, () =>
      inSession(mode, async (session) => {
        const names = {
          ...slablink,
          assert,
          object,
          session,
          main: session.getJITDylib("main"),
          call: (address: number) => call(session.epc, address),
        };
        await new AsyncFunction(...Object.keys(names), text)(...Object.values(names));
      }));
  }
}
