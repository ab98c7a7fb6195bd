import { LinkError } from "../../errors.ts";
import { SectionKind } from "../../graph/section-table.ts";
import { anchorFileSize, writeAnchor } from "../../link/anchor.ts";
import { bindDefinitions, bindReferences } from "../../link/bind-symbols.ts";
import { copyThreadLocals } from "../../link/copy-contents.ts";
import type { Fixups } from "../../link/fixups.ts";
import { LinkageTables } from "../../link/linkage-tables.ts";
import { sectionsOfKinds } from "../../link/sections-of-kinds.ts";
import { fixupsOf } from "../fixups-of-job.ts";
import type { LinkJob } from "../link-job.ts";
import { linkerNames } from "../linker-names.ts";
import { staticTlsError } from "../static-tls-error.ts";
import { RESOLVED_SLOT_SIZE } from "./plan-layout.ts";

/** Binds what has an address by now, writes the anchor with the thread-local image, and hands it to the loader. */
export async function loadAnchor(job: LinkJob): Promise<void> {
  const { alloc, layout, plan, sizes } = job;
  const { memory, address } = alloc;
  const { epc, sharedMemory } = job.context;
  makeLinkage(job);
  writeAnchor(memory.view, address - memory.base, plan, sizes, layout);
  // The thread-local image is part of the file, so the little that it refers to is bound before the loader reads it.
  if (plan.tls.imageSize > 0) writeThreadLocalImage(job);
  const source = layout.header.address;
  const sourceSize = anchorFileSize(layout);
  memory.publish?.(source, sourceSize);
  const file = sharedMemory
    ? { source, sourceSize }
    : { bytes: memory.bytes.slice(source - memory.base, source - memory.base + sourceSize) };
  const results = layout.headerData.address + sizes.words;
  try {
    const image = {
      start: address,
      size: alloc.size,
      results,
      resultCount: sizes.wordCount,
      bindsFirst: job.interposition !== undefined,
      ...file,
    };
    const loaded = await epc.loadImage(image);
    job.image = loaded.handle;
    job.loaderWords = loaded.results;
  } catch (error) {
    if (plan.executableStack && String(error).includes("executable stack")) throw executableStackError(job, error);
    throw staticTlsError(job, error);
  }
}

/** The C library from 2.41 on makes stacks executable only as the process starts. */
function executableStackError(job: LinkJob, cause: unknown): LinkError {
  const objects = job.tables.executableStacks.map(({ name }) => name).join(", ");
  return new LinkError(
    "link",
    `${objects}: asks for executable stacks (.note.GNU-stack), which this process cannot be given any more: ${cause}; start slablink with GLIBC_TUNABLES=glibc.rtld.execstack=2, or link nothing that takes the address of a nested function`,
    { cause },
  );
}

/** Gives definitions their addresses, indirect functions a stub each. */
function makeLinkage(job: LinkJob): void {
  const { layout, tables } = job;
  const tableRoom = layout.readOnly.address + layout.readOnly.size - layout.globalOffsetTable;
  const stubRoom = layout.code.address + layout.code.size - layout.stubs;
  const { memory } = job.alloc;
  const place = { table: layout.globalOffsetTable, tableRoom, stubs: layout.stubs, stubRoom };
  job.linkage = new LinkageTables(memory, place, tables.pool.size, tables.columns);
  for (const { symbol, resolver } of bindDefinitions(tables)) {
    const slot = layout.resolvedSlots + RESOLVED_SLOT_SIZE * job.resolved.length;
    job.resolved.push({ slot, resolver });
    const stub = job.linkage.jump(slot);
    job.indirectSlots.set(stub, slot);
    tables.symbols.value[symbol] = stub;
  }
}

function writeThreadLocalImage(job: LinkJob): void {
  const { tables, resolution } = job;
  const { sections } = tables;
  copyThreadLocals(tables, job.alloc.memory, job.tlsImage);
  let fixups: Fixups | undefined;
  for (const row of Array.from(sectionsOfKinds(tables, SectionKind.tlsData))) {
    if (sections.relocationCount[row] === 0) continue;
    if (fixups === undefined) {
      const externals = linkerNames(job);
      bindReferences(tables, resolution.definition, externals);
      fixups = fixupsOf(job, externals);
    }
    fixups.apply(row);
  }
}
