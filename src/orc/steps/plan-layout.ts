import { STUB_SIZE } from "../../arch/x86_64.ts";
import { alignUp } from "../../bytes/address.ts";
import { C_LIBRARY, isOfEveryProcess } from "../../inputs/runtime-libraries.ts";
import { populateSoon } from "../../kernel/populate.ts";
import { measureAnchor } from "../../link/anchor.ts";
import { countIndirectFunctions } from "../../link/bind-symbols.ts";
import { Demand } from "../../link/direct-references.ts";
import { type Layout, layOut, measureThreadLocals, PAGE, placeLayout } from "../../link/layout.ts";
import { GOT_BYTES_PER_SYMBOL } from "../../link/linkage-tables.ts";
import { exportsOf } from "../exports-of-job.ts";
import type { LinkJob } from "../link-job.ts";
import { planCopies } from "../plan-copies.ts";
import { sharedEnd, sharesData } from "../shared-data.ts";

/** Bytes of the slot of an indirect function. */
export const RESOLVED_SLOT_SIZE = 8;

/** Decides what the executor's loader is to know of the job, how large everything is, and where it goes. */
export async function planLayout(job: LinkJob): Promise<void> {
  const { tables, resolution, external, dylib } = job;
  const { epc, runtime, openedLibraries, memoryManager, serial } = job.context;
  const isLoaded = (loadName: string): boolean => openedLibraries.has(loadName);
  const planned = planCopies(resolution, external, epc, runtime, isLoaded, job.libraryAddresses);
  const { copies, functions, names, demands } = planned;
  job.plan = {
    name: `slablink-job-${serial}`,
    exports: exportsOf(job),
    copies,
    functions,
    names,
    foreignTls: external.threadLocals.map((id) => ({
      id,
      name: tables.pool.bytes(id).slice(),
      staticTls: ((demands.get(id) ?? 0) & Demand.staticTls) !== 0,
    })),
    needed: librariesOfAnchor(job),
    initializer: job.interposition?.hold ?? 0,
    tls: measureThreadLocals(tables),
    staticTls: true,
    executableStack: tables.executableStacks.length > 0,
  };
  job.sizes = measureAnchor(job.plan);
  const indirect = countIndirectFunctions(tables);
  const extra = {
    header: job.sizes.header,
    headerData: job.sizes.headerData,
    dsoHandle: job.sizes.dsoHandle,
    stubs: STUB_SIZE * (external.known.length + external.fromLibraries.length + job.aliases.size + indirect),
    globalOffsetTable: GOT_BYTES_PER_SYMBOL * (tables.symbols.count + 1),
    resolvedSlots: RESOLVED_SLOT_SIZE * indirect,
  };
  const sets = new Set([...job.setBounds.values()].map((bound) => bound.section));
  job.layout = layOut(tables, sets, extra, memoryManager.perObject);
  const { size, alignment, contentSize, nearSize } = job.layout;
  const backedSize = sharesData(job) ? sharedEnd(job.layout) : contentSize;
  const parts = memoryManager.perObject ? partsOf(job.layout) : undefined;
  job.alloc = await memoryManager.allocate({
    size,
    alignment,
    contentSize,
    backedSize,
    nearSize,
    parts,
    name: dylib.name,
  });
  const { memory, address } = job.alloc;
  // While the anchor is written, unless threads copy: those get their pages side by side. What is not written in place has large pages.
  if (job.threads === undefined && memory.publish === undefined) {
    populateSoon(memory.view, address - memory.base, contentSize);
  }
  placeLayout(tables, job.layout, address);
}

/** Where each object's memory begins, and what they share behind them. */
function partsOf({ code, objectBlocks }: Layout): number[] {
  const last = objectBlocks.at(-1)?.segments.at(-1);
  if (last === undefined) return [];
  const parts = objectBlocks.map(({ address }) => code.address + address);
  return [...parts, code.address + alignUp(last.address + last.size, PAGE)];
}

/**
 * What the loader is to bring in, by load name. Every job holds the libraries it uses, so that none goes away with the job that
 * brought it in first; the C library comes last, as in an ordinary link, for dlsym(RTLD_NEXT) to find there.
 */
function librariesOfAnchor(job: LinkJob): string[] {
  // In this process libraries are opened by handle: what Node exports must not get into their scope, nor they into Node's. What
  // Node has itself is there already, and libraries that refer to the program's names have to come with it. Only for what the
  // anchor needs does the loader say where a thread-local variable is.
  const byHandle = job.context.epc.kind === "in-process" && job.interposition === undefined;
  const { threadLocalLibraries } = job.external;
  const libraries = job.external.libraries.filter((generator) => {
    const { library } = generator;
    return (
      library.soname !== C_LIBRARY &&
      (!byHandle || isOfEveryProcess(library.soname) || threadLocalLibraries.has(generator))
    );
  });
  return [...libraries.map(({ loadName }) => loadName), C_LIBRARY];
}
