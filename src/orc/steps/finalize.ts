import { STUB_SIZE } from "../../arch/x86_64.ts";
import { alignUp } from "../../bytes/address.ts";
import { Slablink } from "../../epc/dialect.ts";
import type { AllocActionPair } from "../../epc/executor-process-control.ts";
import { SpsWriter } from "../../epc/sps-writer.ts";
import { SectionKind } from "../../graph/section-table.ts";
import { PAGE } from "../../link/layout.ts";
import type { FinalizedAlloc } from "../../memory/jitlink-memory-manager.ts";
import { type Segment, SHARED_DATA, WRITABLE_CODE } from "../../memory/memory-mapper.ts";
import type { LinkJob } from "../link-job.ts";
import { sharedEnd, sharesData } from "../shared-data.ts";

const R__ = 1;
const RW_ = 3;
const R_X = 5;
const RWX = 7 | WRITABLE_CODE;

/** Of what an object has to itself, by kind of section. */
const protectionOf: Record<number, number> = {
  [SectionKind.code]: R_X,
  [SectionKind.readOnly]: R__,
  [SectionKind.data]: RW_,
};

/** A job that is in the executor. */
export interface Finalized {
  readonly alloc: FinalizedAlloc;
  /** Mappings that the job has in the executor. */
  readonly mappings: number;
  /** Changes of protection: memory that contents were sent into becomes what its segment asks for; shared memory is mapped so. */
  readonly protectionChanges: number;
}

/** One request, or one for each object and one for what they share: the stripes get their protections, the executor resolves indirect functions. */
export async function finalize(job: LinkJob): Promise<Finalized> {
  const { layout, linkage, context, external } = job;
  const actions = resolverActions(job);
  const { code, readOnly, writableCode, data } = layout;
  const codeEnd = layout.stubs + STUB_SIZE * linkage.stubCount;
  const readOnlyEnd = layout.globalOffsetTable + linkage.size;
  const segments: Segment[] = [];
  let codeStart = code.address;
  for (const block of layout.objectBlocks) {
    for (const { address, size, kind } of block.segments) {
      segments.push({ address, contentSize: size, zeroFillSize: 0, protection: protectionOf[kind]! });
      codeStart = alignUp(address + size, PAGE);
    }
  }
  for (const [address, end, protection] of [
    [codeStart, linkage.stubCount > 0 ? codeEnd : code.address + code.size, R_X],
    [readOnly.address, readOnlyEnd, R__],
    [writableCode.address, writableCode.address + writableCode.size, RWX],
  ] as const) {
    if (end > address) segments.push({ address, contentSize: end - address, zeroFillSize: 0, protection });
  }
  const shares = sharesData(job);
  const zeroFillSize = shares ? sharedEnd(layout) - data.address - data.size : 0;
  if (data.size + zeroFillSize > 0) {
    const protection = shares ? RW_ | SHARED_DATA : RW_;
    segments.push({ address: data.address, contentSize: data.size, zeroFillSize, protection });
  }
  const alloc = await job.alloc.finalize(segments, actions);
  if (context.epc.kind === "remote") {
    for (const { loadName } of external.libraries) context.openedLibraries.set(loadName, 0);
  }
  // The anchor's two parts, one for each segment, and the zero-fill behind the data.
  const zeroFill = zeroFillSize === 0 && layout.zeroFill.size + layout.largeZeroFill.size > 0 ? 1 : 0;
  const readOnlySegments = segments.filter(({ protection }) => (protection & ~SHARED_DATA) !== RW_).length;
  const sent = context.epc.kind === "remote" && !context.sharedMemory;
  return { alloc, mappings: 2 + segments.length + zeroFill, protectionChanges: sent ? readOnlySegments : 0 };
}

/** The pairs (slot, resolver) are appended to the read-only stripe; the action works them off before anything else runs. */
function resolverActions(job: LinkJob): AllocActionPair[] {
  const resolverOf = new Map(job.resolved.map(({ slot, resolver }) => [slot, resolver]));
  const words = job.resolved.flatMap(({ slot, resolver }) => [slot, resolver]);
  for (const [place, slot] of job.resolvedWords) words.push(place, resolverOf.get(slot)!);
  if (words.length === 0) return [];
  const start = job.linkage.append(words);
  const argument = new SpsWriter().u64(start).u64(start + 8 * words.length).bytes;
  return [{ finalize: { name: Slablink.resolveIfuncs, argument } }];
}

/** Gives back memory and image of a job that cannot be completed. */
export async function abandon(job: LinkJob): Promise<void> {
  try {
    if (job.image !== 0) await job.context.epc.unloadImage(job.image);
    await job.alloc.abandon();
  } catch {
    // The executor is gone: what it held went with it, and the first error says why.
  }
}
