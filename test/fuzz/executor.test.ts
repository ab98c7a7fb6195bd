import assert from "node:assert/strict";
import { test } from "node:test";
import { has } from "../support/tools.ts";
import { buildSanitizedExecutor } from "./executors.ts";
import { fuzzExecutor } from "./fuzz-executor.ts";

test("mutated requests get one result each, and leave the executor whole under AddressSanitizer and UBSan", async (t) => {
  if (!has(t, "libasan.so", "libubsan.so")) return;
  const path = buildSanitizedExecutor("address,undefined");
  const report = await fuzzExecutor({ path, seed: Number(process.env.SLABLINK_SEED ?? 1), frames: 12_000 });
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.mutated >= 12_000);
  // Mostly requests that are worth something, not only such as are dropped at the door.
  assert.ok(report.valid > 1000 && report.hazards < report.mutated / 5, JSON.stringify(report));
});
