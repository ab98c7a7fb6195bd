import { linearMemory } from "../../src/host/linear-memory.ts";
import { type Kernel, kernel, kernelCode } from "../../src/kernel/kernel.ts";
import { GRAPH_COUNT } from "../../src/kernel/record.ts";

/** What the kernel did of a link. */
export interface KernelWatch {
  /** Members that it took out of archives. */
  taken: number;
  /** Why it came back from that, each time. */
  readonly reasons: number[];
  /** Leaves the kernel as it was. */
  stop(): void;
}

/** Counts the members that the kernel takes. */
export function watchKernel(): KernelWatch {
  const original = kernel()!;
  const { view } = linearMemory()!;
  const watch: KernelWatch = {
    taken: 0,
    reasons: [],
    stop: () => {
      kernelCode.exports = original;
    },
  };
  const takeMembers: Kernel["takeMembers"] = (record, ...rest) => {
    const before = view.getInt32(record + GRAPH_COUNT, true);
    const reason = original.takeMembers(record, ...rest);
    watch.taken += view.getInt32(record + GRAPH_COUNT, true) - before;
    watch.reasons.push(reason);
    return reason;
  };
  kernelCode.exports = { ...original, takeMembers };
  return watch;
}
