import { readdirSync, readFileSync } from "node:fs";

/** Process numbers of this process's children. */
export const children = (): string[] => {
  const list = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim();
  return list === "" ? [] : list.split(" ");
};

/** Mappings of memory files: what the engine maps comes and goes. */
export const memoryMappings = (): number => readFileSync("/proc/self/maps", "utf8").split("memfd:").length;

/** Open descriptors of this process. */
export const descriptors = (): number => readdirSync("/proc/self/fd").length;
