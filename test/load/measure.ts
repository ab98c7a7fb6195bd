import { readdirSync, readFileSync } from "node:fs";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What a process holds: resident memory in KiB, descriptors, mappings, and those of them that are a file's, of memory or on disk. */
export interface Holding {
  readonly resident: number;
  readonly descriptors: number;
  readonly mappings: number;
  readonly fileMappings: number;
}

/** What process `pid` holds, as the kernel counts it. */
export function holdingOf(pid: number | "self"): Holding {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const mappings = readFileSync(`/proc/${pid}/maps`, "latin1").trimEnd().split("\n");
  return {
    resident: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]),
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    mappings: mappings.length,
    // Address, permissions, offset, device, inode.
    fileMappings: mappings.filter((line) => line.split(/ +/)[4] !== "0").length,
  };
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/**
 * As `holdingOf("self")`, without what the next collection would free, and without the heap's young generation, which has 16 MiB or 32 as the
 * engine thinks best, whatever is in it.
 */
export function ownHolding(): Holding {
  for (let i = 0; i < 3; i++) collect();
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space")!;
  const holding = holdingOf("self");
  return { ...holding, resident: holding.resident - Math.round(young.physical_space_size / 1024) };
}
