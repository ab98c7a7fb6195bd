import { test } from "node:test";
import fc from "fast-check";
import { checkCases } from "./linked-cases.ts";
import { callCase } from "./random-cases.ts";

// Change it to look further; a failure names the signature.
const seed = 20261129;

for (const compiler of ["gcc", "clang"]) {
  for (const level of ["-O0", "-O2"]) {
    test(`calls of 150 random signatures agree with ${compiler} ${level}, both ways`, async () => {
      await checkCases(fc.sample(callCase, { seed, numRuns: 150 }), [compiler, level, "-fPIE", "-w"]);
    });
  }
}
