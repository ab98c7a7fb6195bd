import { test } from "node:test";
import { has } from "../support/tools.ts";
import { runAsTold } from "./run-example.ts";

test("the example of callbacks sorts as its README says, in this process and isolated", async (context) => {
  if (!has(context, "cc")) return;
  await runAsTold("callback");
});
