import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  ByteReader,
  type ExecutionSession,
  ProcessSymbolsGenerator,
  type RemoteExecutorProcessControl,
} from "slablink";
import { call, modes, openSession } from "../api/modes.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { type Holding, holdingOf, ownHolding } from "./measure.ts";

/** Code, data, zero-fill, unwind information, a relocation against each, and names of the process. */
const SOURCE = `
int puts(const char *);
static int counter = 41, zero[1000];
const char *const names[] = {"a", "b"};
int (*const say)(const char *) = puts;
int f(void) { return ++counter + zero[counter]; }
`;

/** Jobs that are linked and released, and after how many of them what is held is looked at first. */
const loads = [
  { mode: modes[1], jobs: 10_000, first: 1000 },
  { mode: modes[2], jobs: 2000, first: 500 },
  { mode: modes[0], jobs: 2000, first: 500 },
] as const;

/** What may come on top without being held for a job: code that the engine makes, pages of its heap (256 KiB each); KiB and mappings. */
const OWN_MARGIN = { resident: 12 * 1024, mappings: 200 };
const EXECUTOR_MARGIN = { resident: 512, mappings: 8 };

function checkFlat(who: string, before: Holding, after: Holding, margin: typeof OWN_MARGIN): void {
  assert.equal(after.descriptors, before.descriptors, `descriptors of ${who}`);
  const resident = after.resident - before.resident;
  assert.ok(resident <= margin.resident, `${who} has ${resident} KiB more than after the first jobs`);
  const mappings = after.mappings - before.mappings;
  assert.ok(mappings <= margin.mappings, `${who} has ${mappings} mappings more than after the first jobs`);
}

function holdings(session: ExecutionSession): { own: Holding; executor: Holding | undefined } {
  const { pid } = session.epc as Partial<RemoteExecutorProcessControl>;
  return { own: ownHolding(), executor: pid === undefined ? undefined : holdingOf(pid) };
}

for (const { mode, jobs, first } of loads) {
  test(`${mode.name}: ${jobs} jobs, one after the other, leave nothing`, async (t) => {
    if (!has(t, "gcc")) return;
    const path = await compile(["gcc", "-O1", "-fPIE"], "part.c", SOURCE);
    const bytes = readFileSync(path);
    const { session, manager } = await openSession(mode);
    try {
      let before: ReturnType<typeof holdings> | undefined;
      for (let i = 0; i < jobs; i++) {
        if (i === first) before = holdings(session);
        const dylib = session.createJITDylib(`job ${i}`);
        dylib.addGenerator(new ProcessSymbolsGenerator());
        dylib.addObject(ByteReader.of(bytes, "part.o"));
        const address = (await session.lookup(dylib, ["f"])).get("f");
        assert.equal(await call(session.epc, address), 42, `job ${i}`);
        await session.removeJITDylib(dylib);
      }
      const after = holdings(session);
      checkFlat("this process", before!.own, after.own, OWN_MARGIN);
      if (after.executor !== undefined) checkFlat("the executor", before!.executor!, after.executor, EXECUTOR_MARGIN);
      for (const slab of manager.slabs)
        assert.equal(slab.freeSize, slab.range.end - slab.range.start, "the slab is free");
    } finally {
      await session.endSession();
    }
  });
}
