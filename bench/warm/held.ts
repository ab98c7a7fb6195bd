import { readdirSync, readFileSync } from "node:fs";

/** What a process holds at one moment. */
export interface Held {
  /** Resident, in MiB. */
  readonly memory: number;
  readonly descriptors: number;
  readonly mappings: number;
}

/** What the process with this id holds (proc(5)). */
export function heldBy(pid: number): Held {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return {
    memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    mappings: readFileSync(`/proc/${pid}/maps`, "latin1").split("\n").length - 1,
  };
}
