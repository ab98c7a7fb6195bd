import assert from "node:assert/strict";
import { test } from "node:test";
import { recordSymbols } from "./executors.ts";
import { fuzzController } from "./fuzz-controller.ts";

test("whatever an executor answers, each request of the controller is answered or refused", async (t) => {
  const seed = Number(process.env.SLABLINK_SEED ?? 1);
  const report = await fuzzController({ symbols: await recordSymbols(), seed, frames: 5000 });
  t.diagnostic(JSON.stringify(report));
  assert.ok(report.mutated >= 5000);
  assert.ok(report.answered > 1000 && report.refused > 1000, JSON.stringify(report));
});
