import { type Looping, loop } from "../../kernel/loop.ts";
import { SORT_GROUPS } from "../../kernel/record.ts";
import { copyContents } from "../../link/copy-contents.ts";
import { kernelJob } from "../../link/kernel-job.ts";
import { reverseFunctionArrays } from "../../link/reverse-function-arrays.ts";
import { writeStartCode } from "../../link/start-code.ts";
import { writeEhFrameTable } from "../../passes/eh-frame-table.ts";
import { fixupsOf } from "../fixups-of-job.ts";
import type { LinkJob } from "../link-job.ts";
import { asLowMemoryError } from "../low-memory-error.ts";

/** Puts the contents in place: needs addresses of nothing, so it goes on while the loader works. */
export function* copy(job: LinkJob): Looping<void> {
  job.bytesCopied = yield* copyContents(job.tables, job.alloc.memory, job.threads);
}

/** Applies all relocations and makes what depends on fixed-up contents. */
export function* fixUp(job: LinkJob): Looping<void> {
  const { tables, layout } = job;
  const { memory } = job.alloc;
  const { plugins } = job.context;
  linkFar(job);
  const fixups = fixupsOf(job, job.externals);
  try {
    plugins?.run("preFixup", job);
    yield* fixups.applyAll(job.threads);
    if (fixups.again) {
      // A function got its stub for an address after other uses had been written: once more, from the files.
      yield* copyContents(tables, memory, job.threads);
      plugins?.run("preFixup", job);
      yield* fixups.applyAll(job.threads);
    }
  } catch (error) {
    throw asLowMemoryError(error, job.alloc.address, job.alloc.size);
  }
  job.relocations = fixups.applied;
  job.resolvedWords = fixups.resolvedWords;
  reverseFunctionArrays(tables, layout.arrays, memory);
  for (const code of layout.startCode) writeStartCode(code, memory);
  const contentsEnd = layout.header.address + layout.contentSize;
  const data = { address: layout.writableCode.address, size: contentsEnd - layout.writableCode.address };
  if (!(yield* writeTableFast(job, data)))
    writeEhFrameTable(memory, layout.ehFrame, layout.ehFrameTable, layout.code, data);
}

/** Addresses from the middle of which everything of a job is within 2 GiB count as near. */
function linkFar({ tables, layout, alloc, linkage, externals }: LinkJob): void {
  const { address, memory } = alloc;
  const reach = 2 ** 31 - 2 ** 16;
  linkage.linkFar(externals, address + layout.contentSize - reach, address + reach, kernelJob(tables, memory));
}

/** The kernel reads the frames that compilers write; false when some are of another kind, or damaged. */
function* writeTableFast(
  { tables, layout, alloc }: LinkJob,
  data: { address: number; size: number },
): Looping<boolean> {
  const { memory } = alloc;
  const fast = kernelJob(tables, memory);
  if (fast === undefined) return false;
  const { ehFrame, ehFrameTable, code } = layout;
  const scratch = tables.columns.block(SORT_GROUPS + ehFrameTable.size);
  const begin = ehFrame.address - memory.base;
  const rows = yield* loop(
    fast.kernel.writeEhFrameTable,
    memory.base,
    begin,
    begin + ehFrame.size,
    ehFrameTable.address - memory.base,
    scratch.position,
    code.address,
    code.address + code.size,
    data.address,
    data.address + data.size,
  );
  scratch.release();
  if (rows >= 0) return true;
  const table = ehFrameTable.address - memory.base;
  memory.bytes.fill(0, table, table + ehFrameTable.size);
  return false;
}
