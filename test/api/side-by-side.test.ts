import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import { endThreads } from "../../src/kernel/threads.ts";
import { IndependentJobs, sumOf, watchThreads } from "./independent-jobs.ts";
import { call, modes, openSession, SLAB_SIZE } from "./modes.ts";

const COUNT = 14;
const wrong: Readonly<Record<number, "undefined" | "damaged">> = { 3: "undefined", 8: "damaged" };
/** Far longer than the process needs. */
const PATIENCE = 30_000;

const jobs = await IndependentJobs.prepare();
after(() => jobs.dispose());

for (const mode of modes) {
  for (const threads of [2, 3]) {
    test(`${mode.name}, ${threads} threads: jobs looked up at once all run, but those that are wrong`, async () => {
      const warnings: Error[] = [];
      const note = (warning: Error): unknown => warnings.push(warning);
      process.on("warning", note);
      const calls = await watchThreads(threads);
      const { session, manager } = await openSession(mode, undefined, threads);
      try {
        const dylibs = Array.from({ length: COUNT }, (_, i) => jobs.add(session, `${i}`, 10 * i, wrong[i]));
        const found = await Promise.allSettled(dylibs.map((dylib) => session.lookup(dylib, ["f"])));
        for (const [i, result] of found.entries()) {
          if (wrong[i] !== undefined) {
            assert.equal(result.status, "rejected", `job ${i}`);
            const expected =
              wrong[i] === "damaged"
                ? /lib8\.a\(f30\.o\): /
                : /^undefined symbol: nowhere\n>>> referenced by table\.o:\(\.data\.table\+0x1e0\)$/;
            assert.match(result.reason.message, expected);
            continue;
          }
          if (result.status === "rejected") throw result.reason;
          // Its data is its own as well: the second call gives one more.
          const address = result.value.get("f");
          assert.equal(await call(session.epc, address), sumOf(10 * i), `job ${i}`);
          assert.equal(await call(session.epc, address), sumOf(10 * i) + 1, `job ${i}`);
        }
        assert.ok((calls.get("offerIndex") ?? 0) > 0, [...calls.keys()].join(" "));
        for (const dylib of dylibs) await session.removeJITDylib(dylib);
        assert.equal(manager.slabs[0].freeSize, SLAB_SIZE);
        assert.deepEqual(warnings, []);
      } finally {
        process.off("warning", note);
        await session.endSession();
        await endThreads();
      }
    });
  }

  test(`${mode.name}: threads that have had loops of jobs do not keep the process alive`, () => {
    const script = join(import.meta.dirname, "two-at-once.js");
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script, mode.name], {
      encoding: "utf8",
      timeout: PATIENCE,
    });
    assert.deepEqual([status, signal, stderr], [0, null, ""]);
    assert.deepEqual(JSON.parse(stdout), { values: [sumOf(1), sumOf(2)], given: true });
  });
}
