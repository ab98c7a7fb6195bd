import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import { type Looping, loop } from "../kernel/loop.ts";
import type { KernelThreads } from "../kernel/threads.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";
import { type KernelJob, kernelJob } from "./kernel-job.ts";
import { sectionsOfKinds } from "./sections-of-kinds.ts";

/** Rows that a thread takes at a time. */
const CHUNK = 512;

/**
 * Copies the contents of all live sections but the thread-local ones to where they will run, with other threads if there are any; gives
 * the number of bytes.
 */
export function* copyContents(tables: GraphTables, memory: WorkingMemory, threads?: KernelThreads): Looping<number> {
  const { sections } = tables;
  const fast = kernelJob(tables, memory);
  if (fast !== undefined) return yield* copyFast(tables, fast, threads);
  let total = 0;
  const copier = new SectionCopier(tables, memory);
  for (let row = 0; row < sections.count; row++) {
    const kind = sections.kind[row]!;
    if (kind === SectionKind.none || kind === SectionKind.discarded) continue;
    if (kind === SectionKind.zeroFill || kind === SectionKind.largeZeroFill) continue;
    if (kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill) continue;
    copier.copy(row, sections.address[row]!);
    total += sections.size[row]!;
  }
  return total;
}

function* copyFast(
  { sections, columns }: GraphTables,
  fast: KernelJob,
  threads: KernelThreads | undefined,
): Looping<number> {
  const { kernel, record } = fast;
  if (threads === undefined) return yield* loop(kernel.copySections, record, 0, sections.count);
  const counter = columns.block(64);
  const values = [record, counter.position, sections.count, CHUNK] as const;
  const calls = threads.callAll(kernel.copyChunks, () => values);
  let bytes = kernel.copyChunks(...values);
  for (const call of calls) bytes += call.wait();
  counter.release();
  return bytes;
}

/** Copies the initial contents of thread-local variables to the image at `tlsImage`. */
export function copyThreadLocals(tables: GraphTables, memory: WorkingMemory, tlsImage: number): void {
  const { sections } = tables;
  const copier = new SectionCopier(tables, memory);
  const rows = sectionsOfKinds(tables, SectionKind.tlsData);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    copier.copy(row, tlsImage + sections.address[row]!);
  }
}

/** Keeps the view on the input file from one section to the next, as most files have many. */
class SectionCopier {
  readonly #tables: GraphTables;
  readonly #memory: WorkingMemory;
  #source: Uint8Array = new Uint8Array();

  constructor(tables: GraphTables, memory: WorkingMemory) {
    this.#tables = tables;
    this.#memory = memory;
  }

  copy(row: number, address: number): void {
    const { sections, graphs } = this.#tables;
    const size = sections.size[row]!;
    if (size === 0 || sections.content[row] === -1) return;
    const { view } = graphs[sections.graph[row]!]!.reader;
    if (view.buffer !== this.#source.buffer) this.#source = new Uint8Array(view.buffer);
    const from = view.byteOffset + sections.content[row]!;
    this.#memory.bytes.set(this.#source.subarray(from, from + size), address - this.#memory.base);
  }
}
