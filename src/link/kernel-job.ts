import type { GraphTables } from "../graph/graph-tables.ts";
import { type Kernel, kernel } from "../kernel/kernel.ts";
import { WORK_BASE } from "../kernel/record.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";

/** The kernel, ready to work on a job. */
export interface KernelJob {
  readonly kernel: Kernel;
  /** Position of the record of the job's tables. */
  readonly record: number;
  /** The linear memory. */
  readonly view: DataView;
}

/** The kernel, when everything of the job, its working memory included, lies where it reaches; undefined otherwise. */
export function kernelJob(tables: GraphTables, memory: WorkingMemory): KernelJob | undefined {
  const { record, columns } = tables;
  if (record === undefined || memory.view.buffer !== columns.buffer) return undefined;
  const found = kernel();
  if (found === undefined) return undefined;
  memory.view.setFloat64(record + WORK_BASE, memory.base, true);
  return { kernel: found, record, view: memory.view };
}
