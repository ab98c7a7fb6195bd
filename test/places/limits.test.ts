import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type ExecutionSession, type ExecutorProcessControl, ProcessSymbolsGenerator, readingOpener } from "slablink";
import { call, type Mode, modes, openSession } from "../api/modes.ts";
import { holdingOf } from "../load/measure.ts";
import { compile, mustRun } from "../support/compile.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";

const inExecutor: readonly (readonly [string, Mode])[] = [
  ["executor, shared", modes[1]],
  ["executor, rpc", modes[2]],
];

/** Takes all mappings but twice `LEAVE`, and gives them back: every second page of a range gets another protection. */
const HOARD = `
#include <sys/mman.h>
static char *range;
static long pages = 400000;
int take(void) {
  range = mmap(0, pages << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) return -1;
  int taken = 0;
  for (long i = 1; i < pages; i += 2, taken++) if (mprotect(range + (i << 12), 4096, PROT_READ) != 0) break;
  for (int i = 0; i < LEAVE; i++) mprotect(range + (1 << 12) + ((long)i << 13), 4096, PROT_NONE);
  return taken;
}
int give(void) { return munmap(range, pages << 12); }
`;

const PART = `
static int counter = 41;
const char *const names[] = {"a", "b"};
int f(void) { return ++counter; }
`;

async function link(session: ExecutionSession, name: string, source: string, wanted: string[], ...flags: string[]) {
  const dylib = session.createJITDylib(name);
  dylib.addGenerator(new ProcessSymbolsGenerator());
  dylib.addObject(readingOpener.open(await compile(["gcc", "-O1", "-fPIE", ...flags], "part.c", source)));
  try {
    return { dylib, addresses: await session.lookup(dylib, wanted) };
  } catch (error) {
    await session.removeJITDylib(dylib);
    throw error;
  }
}

const pidOf = (epc: ExecutorProcessControl) => (epc as { pid?: number }).pid as number;

async function linksAndRuns(session: ExecutionSession, name: string): Promise<void> {
  const { dylib, addresses } = await link(session, name, PART, ["f"]);
  assert.equal(await call(session.epc, addresses.get("f")), 42);
  await session.removeJITDylib(dylib);
}

for (const [name, mode] of inExecutor) {
  test(`${name}: with all mappings in use but a few, a job is refused; afterwards the next one runs`, async (t) => {
    if (!has(t, "gcc")) return;
    const most = Number(readFileSync("/proc/sys/vm/max_map_count", "latin1"));
    if (most > 190_000) return t.skip(`vm.max_map_count is ${most}: too many to use up`);
    const { session, manager } = await openSession(mode);
    try {
      await linksAndRuns(session, "before");
      const hoards = await Promise.all(
        [1, 2, 3].map((left) => link(session, `hoard ${left}`, HOARD, ["take", "give"], `-DLEAVE=${left}`)),
      );
      const free = manager.slabs[0].freeSize;
      let refused = 0;
      const before = holdingOf(pidOf(session.epc));
      for (const [i, { addresses }] of hoards.entries()) {
        assert.ok((await call(session.epc, addresses.get("take"))) > 1000);
        // With some left it may fit.
        const said = await link(session, `full ${i}`, PART, ["f"]).then(
          ({ dylib }) => session.removeJITDylib(dylib),
          (error: Error) => error.message,
        );
        if (said !== undefined) {
          refused++;
          assert.match(said, /^(loading an image|initializing memory): .*(memory|map|loader)/);
          assert.doesNotMatch(said, /\n/);
        }
        assert.equal(await call(session.epc, addresses.get("give")), 0);
        await linksAndRuns(session, `after ${i}`);
        assert.equal(manager.slabs[0].freeSize, free);
      }
      assert.ok(refused > 0, "no job was refused");
      const after = holdingOf(pidOf(session.epc));
      assert.equal(after.descriptors, before.descriptors);
      assert.ok(after.mappings - before.mappings <= 8, `${after.mappings - before.mappings} mappings more`);
    } finally {
      await session.endSession();
    }
    tableRow(
      "places",
      "`vm.max_map_count` mappings are nearly used up by linked code",
      name,
      "a job is refused, the next one runs once there are some",
      "which memory, and `vm.max_map_count`",
    );
  });

  test(`${name}: limits that are lowered and raised between jobs`, async (t) => {
    if (!has(t, "gcc", "prlimit")) return;
    const { session } = await openSession(mode);
    const pid = pidOf(session.epc);
    const limit = (words: string) => mustRun("prlimit", ["--pid", String(pid), ...words.split(" ")]);
    try {
      await linksAndRuns(session, "before");
      for (const [lowered, raised, said] of [
        ["--as=1000000:", "--as=unlimited:", /memory|cannot be|failed to map/i],
        ["--nofile=3:", "--nofile=1024:", /Too many open files/],
      ] as const) {
        await limit(lowered);
        await assert.rejects(link(session, `limited ${lowered}`, PART, ["f"]), said);
        await limit(raised);
        await linksAndRuns(session, `after ${lowered}`);
      }
    } finally {
      await session.endSession();
    }
    tableRow(
      "places",
      "address space (`ulimit -v`) or descriptors (`ulimit -n`) of the executor are used up",
      name,
      "a job is refused, the next one runs once there are some",
      "`Cannot allocate memory`, `Too many open files`",
    );
  });
}
