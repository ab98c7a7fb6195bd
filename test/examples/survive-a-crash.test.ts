import { test } from "node:test";
import { has } from "../support/tools.ts";
import { runAsTold } from "./run-example.ts";

test("the example that survives a crash says where it was, and goes on", async (context) => {
  if (!has(context, "cc")) return;
  await runAsTold("survive-a-crash");
});
