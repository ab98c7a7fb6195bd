import { SectionKind } from "../../graph/section-table.ts";
import { copyContents } from "../../link/copy-contents.ts";
import type { Fixups } from "../../link/fixups.ts";
import { reverseFunctionArrays } from "../../link/reverse-function-arrays.ts";
import { writeStartCode } from "../../link/start-code.ts";
import { writeEhFrameTable } from "../../passes/eh-frame-table.ts";
import { fixupsOf } from "../fixups-of-job.ts";
import type { LinkJob } from "../link-job.ts";
import { asLowMemoryError } from "../low-memory-error.ts";

/** Puts the contents in place: needs addresses of nothing, so it goes on while the loader works. */
export function copy(job: LinkJob): void {
  job.bytesCopied = copyContents(job.tables, job.alloc.memory);
}

/** Applies all relocations and makes what depends on fixed-up contents. */
export function fixUp(job: LinkJob): void {
  const { tables, layout } = job;
  const { memory } = job.alloc;
  const fixups = fixupsOf(job, job.externals);
  try {
    applyAll(job, fixups);
    if (fixups.again) {
      // A function got its stub for an address after other uses had been written: once more, from the files.
      copyContents(tables, memory);
      applyAll(job, fixups);
    }
  } catch (error) {
    throw asLowMemoryError(error, job.alloc.address, job.alloc.size);
  }
  job.resolvedWords = fixups.resolvedWords;
  reverseFunctionArrays(tables, layout.arrays, memory);
  for (const code of layout.startCode) writeStartCode(code, memory);
  const contentsEnd = layout.header.address + layout.contentSize;
  const data = { address: layout.writableCode.address, size: contentsEnd - layout.writableCode.address };
  writeEhFrameTable(memory, layout.ehFrame, layout.ehFrameTable, layout.code, data);
}

function applyAll(job: LinkJob, fixups: Fixups): void {
  const { sections } = job.tables;
  fixups.applied = 0;
  for (let row = 0; row < sections.count; row++) {
    if (sections.relocationCount[row] === 0 || sections.kind[row] === SectionKind.tlsData) continue;
    fixups.apply(row);
  }
  job.relocations = fixups.applied;
}
