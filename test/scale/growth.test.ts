import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { shapes } from "../../bench/scale/shapes.ts";
import type { SlablinkError } from "../../src/errors.ts";
import { loadInputs } from "../../src/inputs/load-inputs.ts";
import { RuntimeLibraries } from "../../src/inputs/runtime-libraries.ts";
import { switchKernel } from "../../src/kernel/kernel.ts";
import {
  ProcessSymbolsGenerator,
  SharedLibraryGenerator,
  StaticArchiveGenerator,
} from "../../src/orc/definition-generator.ts";
import type { ExecutionSession } from "../../src/orc/execution-session.ts";
import { openSession } from "../support/session.ts";
import { freshDirectory } from "../support/workspace.ts";
import { countWork } from "./work.ts";

/** Twice the input may be this many times the work. Quadratic work would be near four. */
const MOST = 2.4;

/** Links the inputs of a shape in a session, and counts the steps of work; an error is what some shapes are for. */
async function workOf(session: ExecutionSession, name: string, n: number): Promise<number> {
  const directory = join(freshDirectory(), `${name}-${n}`);
  mkdirSync(directory);
  const { inputs: words, failure } = shapes.find((shape) => shape.name === name)!.make(directory, n);
  const runtime = new RuntimeLibraries();
  let group: number | undefined;
  const items = words.flatMap((path) => {
    if (path === "--start-group") group = 1;
    return path.startsWith("--") ? [] : [{ kind: "file", path, group } as const];
  });
  const inputs = await loadInputs(items);
  const dylib = session.createJITDylib(`${name} ${n}`);
  for (const input of inputs) {
    if (input.kind === "object") dylib.addObject(input.reader);
    else if (input.kind === "archive")
      dylib.addGenerator(new StaticArchiveGenerator(input.archive, { group: input.group }));
    else dylib.addGenerator(new SharedLibraryGenerator(input.library, runtime.loadName(input.library)));
  }
  dylib.addGenerator(new ProcessSymbolsGenerator());
  let error: unknown;
  const work = await countWork(async () => {
    try {
      await session.link(dylib, ["main"]);
    } catch (thrown) {
      error = thrown;
    }
  });
  if (failure === undefined) assert.equal(error, undefined);
  else assert.match((error as SlablinkError).message, failure);
  return work;
}

/** Shapes, and sizes at which something quadratic would be most of the work. */
const sizes: Readonly<Record<string, number>> = {
  sections: 3000,
  "section-names": 1000,
  "comdat-groups": 1000,
  "comdat-same": 60,
  sets: 1000,
  constructors: 2000,
  objects: 300,
  archives: 300,
  members: 1000,
  chain: 1000,
  "chain-backward": 1000,
  "chain-group": 1000,
  "group-backward": 500,
  "archives-backward": 500,
  prefix: 2000,
  weak: 2000,
  commons: 2000,
  "archive-commons": 1000,
  versions: 1000,
  "library-versions": 1000,
  sizes: 1000,
  copies: 500,
  externals: 1000,
  undefined: 1000,
  duplicates: 1000,
  ifuncs: 1000,
};

// The kernel's steps cannot be counted; it does what the code here does.
switchKernel(false);

describe("twice as much to link is twice as much work", () => {
  for (const [name, n] of Object.entries(sizes)) {
    test(name, async () => {
      const session = await openSession();
      try {
        // What every link does whatever its size does not count, nor what the first link of a session does.
        await workOf(session, name, Math.ceil(n / 50));
        const fixed = await workOf(session, name, Math.ceil(n / 100));
        const once = (await workOf(session, name, n)) - fixed;
        const twice = (await workOf(session, name, 2 * n)) - fixed;
        assert.ok(once > n / 2, `only ${once} steps for ${n}: nothing is counted that this shape needs`);
        assert.ok(twice / once < MOST, `${once} steps for ${n}, ${twice} for ${2 * n}`);
      } finally {
        await session.endSession();
      }
    });
  }
});
