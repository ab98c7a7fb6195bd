import { test } from "node:test";
import { has } from "../support/tools.ts";
import { runAsTold } from "./run-example.ts";

test("the example of a plugin counts the calls that its README shows", async (context) => {
  if (!has(context, "cc")) return;
  await runAsTold("count-calls");
});
