import { readFileSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";

/** Where the numbers were taken. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly distribution: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model.trim() ?? "unknown processor",
    cores: all.length,
    memoryGiB: Math.round((10 * totalmem()) / 2 ** 30) / 10,
    system: `${type()} ${release()} ${arch()}`,
    distribution: distribution(),
    node: process.version,
  };
}

/** CPU time that all processes of this machine have used so far, in ms; undefined where /proc does not say. */
export function machineCpuTime(): number | undefined {
  try {
    // proc(5), /proc/stat: user nice system idle iowait irq softirq steal, in ticks of 10 ms.
    const [user, nice, system, , , irq, softirq, steal] = readFileSync("/proc/stat", "latin1")
      .slice(5, 200)
      .trim()
      .split(/\s+/)
      .map(Number);
    return 10 * (user + nice + system + irq + softirq + steal);
  } catch {
    return undefined;
  }
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown distribution";
  } catch {
    return "unknown distribution";
  }
}
