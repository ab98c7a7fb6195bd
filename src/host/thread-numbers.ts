import { readdirSync } from "node:fs";
import { SlablinkError } from "../errors.ts";

/** The numbers of this process's threads. Errors: code "executor" where /proc does not say. */
export function threadNumbers(): string[] {
  try {
    return readdirSync("/proc/self/task");
  } catch (cause) {
    const what =
      "/proc/self/task, which has this process's threads, cannot be read: mount /proc, or run in the executor";
    throw new SlablinkError("executor", what, { cause });
  }
}
