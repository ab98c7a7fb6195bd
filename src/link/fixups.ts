import {
  R_X86_64_32,
  R_X86_64_32S,
  R_X86_64_64,
  R_X86_64_GOTPCREL,
  R_X86_64_GOTPCRELX,
  R_X86_64_PC32,
  R_X86_64_PLT32,
  R_X86_64_REX_GOTPCRELX,
  R_X86_64_TLSGD,
  R_X86_64_TLSLD,
  STUB_SIZE,
} from "../arch/x86_64.ts";
import { relaxGotLoad } from "../arch/x86_64-relax.ts";
import { RELA_SIZE } from "../formats/elf/constants.ts";
import { SectionKind } from "../graph/section-table.ts";
import type { Looping } from "../kernel/loop.ts";
import { INDIRECT_END } from "../kernel/record.ts";
import type { KernelThreads } from "../kernel/threads.ts";
import type { FixupInputs } from "./fixup-inputs.ts";
import { type KernelJob, kernelJob } from "./kernel-job.ts";
import { LeftEntries } from "./left-entries.ts";
import { RowFixups } from "./row-fixups.ts";

const TWO_32 = 0x1_0000_0000;

/**
 * Applies relocations to the contents of a job's sections in working memory. The loop handles the five hottest types itself;
 * all others, and every value that does not fit, go through the rows of the architecture.
 */
export class Fixups {
  readonly #in: FixupInputs;
  readonly #value: Float64Array;
  readonly #rows: RowFixups;
  /** End of the stubs of indirect functions, which are the first ones. */
  readonly #indirectEnd: number;
  /** Relocation entries applied so far. */
  applied = 0;

  constructor(inputs: FixupInputs) {
    this.#in = inputs;
    this.#value = inputs.tables.symbols.value;
    this.#rows = new RowFixups(inputs);
    this.#indirectEnd = inputs.linkage.stubs + inputs.indirectSlots.size * STUB_SIZE;
  }

  /** Some symbol's address changed after uses of it were written: copy the contents and apply everything once more. */
  get again(): boolean {
    return this.#rows.again;
  }

  /** Words of data that are to hold the address of an indirect function: place → the slot whose value they get. */
  get resolvedWords(): ReadonlyMap<number, number> {
    return this.#rows.resolvedWords;
  }

  /** Fixes up all sections but the thread-local ones, whose contents are in place. */
  *applyAll(threads?: KernelThreads): Looping<void> {
    this.applied = 0;
    const { tables, memory } = this.#in;
    const fast = kernelJob(tables, memory);
    if (fast !== undefined) {
      yield* this.#applyFast(fast, threads);
      return;
    }
    const { sections } = tables;
    const left = new Left();
    for (let row = 0; row < sections.count; row++) {
      if (sections.relocationCount[row] === 0 || sections.kind[row] === SectionKind.tlsData) continue;
      this.#applyUsual(row, left);
    }
    this.#applyLeft(left);
  }

  /** The kernel applies what it can; the entries that it leaves are applied here, in their order. */
  *#applyFast({ kernel, record, view }: KernelJob, threads: KernelThreads | undefined): Looping<void> {
    const { tables, linkage } = this.#in;
    const indirectEnd = this.#rows.stubsAreAddresses ? linkage.stubs : this.#indirectEnd;
    view.setFloat64(record + INDIRECT_END, indirectEnd, true);
    const left = new LeftEntries(tables.columns, view);
    yield* left.collect(kernel, record, tables.sections.count, threads);
    this.applied = left.applied;
    this.#applyLeft(left);
  }

  /** Entries that are not usual, behind all others: what they make (stubs, table entries) is then the same whoever applied those. */
  #applyLeft({ rows, entries }: Pick<Left, "rows" | "entries">): void {
    const { sections, graphs } = this.#in.tables;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      const graph = graphs[sections.graph[row]!]!;
      const end = sections.relocations[row]! + sections.relocationCount[row]! * RELA_SIZE;
      // What belongs to a thread-local sequence was left behind it.
      i += this.#rows.apply(graph, row, graph.relocationEntries(row), entries[i]!, end);
    }
  }

  /** Fixes up one section, whose contents are in place. */
  apply(section: number): void {
    const left = new Left();
    this.#applyUsual(section, left);
    this.#applyLeft(left);
  }

  /** What the kernel does (kernel/apply-relocations.ts), for jobs that are out of its reach. */
  #applyUsual(section: number, left: Left): void {
    const { tables, memory } = this.#in;
    const { sections } = tables;
    const graph = tables.graphs[sections.graph[section]!]!;
    const entries = graph.relocationEntries(section);
    const out = memory.view;
    const address = this.#rows.addressOf(section);
    const at = address - memory.base;
    const size = sections.size[section]!;
    const count = sections.relocationCount[section]!;
    const first = sections.relocations[section]!;
    const end = first + count * RELA_SIZE;
    const { firstSymbol, symbolCount } = graph;
    const values = this.#value;
    const ids = tables.symbols.id;
    const { stubOfName, slotOfName, base: table } = this.#in.linkage;
    const isFrames = sections.kind[section] === SectionKind.ehFrame;
    const indirectStart = this.#in.linkage.stubs;
    const indirectEnd = this.#rows.stubsAreAddresses ? indirectStart : this.#indirectEnd;
    this.applied += count;
    for (let entry = first; entry < end; entry += RELA_SIZE) {
      const offset = entries.getUint32(entry, true);
      const type = entries.getUint32(entry + 8, true);
      const symbol = entries.getUint32(entry + 12, true);
      const width = type === R_X86_64_64 ? 8 : 4;
      if (symbol < symbolCount && offset + width <= size && entries.getUint32(entry + 4, true) === 0) {
        const A = entries.getInt32(entry + 20, true) * TWO_32 + entries.getUint32(entry + 16, true);
        const S = values[firstSymbol + symbol]!;
        switch (type) {
          case R_X86_64_PC32:
          case R_X86_64_PLT32: {
            if (S >= indirectStart && S < indirectEnd && type === R_X86_64_PC32) break;
            const value = S + A - address - offset;
            if (value >= -0x8000_0000 && value <= 0x7fff_ffff) {
              out.setInt32(at + offset, value, true);
              continue;
            }
            if (type === R_X86_64_PLT32) {
              // A call of a far function that has its stub already: in CPython 15 000 calls go to 500 functions.
              const id = ids[firstSymbol + symbol]!;
              const stub = id < 0 ? 0 : stubOfName[id]!;
              const reached = indirectStart + (stub - 1) * STUB_SIZE + A - address - offset;
              if (stub !== 0 && symbol >= graph.localCount && isInt32(reached)) {
                out.setInt32(at + offset, reached, true);
                continue;
              }
            } else if (Number.isNaN(S) && isFrames) {
              // The frame of a dropped function: a start of zero distance lies in the table itself, where no function is.
              out.setInt32(at + offset, 0, true);
              continue;
            }
            break;
          }
          case R_X86_64_64: {
            const value = S + A;
            if (value >= 0 && value <= Number.MAX_SAFE_INTEGER && (S < indirectStart || S >= indirectEnd)) {
              out.setUint32(at + offset, value, true);
              out.setUint32(at + offset + 4, value / TWO_32, true);
              continue;
            }
            break;
          }
          case R_X86_64_32: {
            if (S >= indirectStart && S < indirectEnd) break;
            const value = S + A;
            if (value >= 0 && value <= 0xffff_ffff) {
              out.setUint32(at + offset, value, true);
              continue;
            }
            break;
          }
          case R_X86_64_32S: {
            if (S >= indirectStart && S < indirectEnd) break;
            const value = S + A;
            if (value >= -0x8000_0000 && value <= 0x7fff_ffff) {
              out.setInt32(at + offset, value, true);
              continue;
            }
            break;
          }
          case R_X86_64_GOTPCREL:
          case R_X86_64_GOTPCRELX:
          case R_X86_64_REX_GOTPCRELX: {
            if (S >= indirectStart && S < indirectEnd) break;
            if (
              type !== R_X86_64_GOTPCREL &&
              A === -4 &&
              offset >= 3 &&
              relaxGotLoad(out, at + offset, S, address + offset, type === R_X86_64_GOTPCRELX ? "none" : "rex")
            ) {
              continue;
            }
            const id = ids[firstSymbol + symbol]!;
            const slot = id < 0 ? 0 : slotOfName[id]!;
            const value = table + (slot - 1) + A - (address + offset);
            if (slot !== 0 && isInt32(value)) {
              out.setInt32(at + offset, value, true);
              continue;
            }
            break;
          }
        }
      }
      left.add(section, entry);
      // A thread-local sequence takes the call behind it along.
      if ((type === R_X86_64_TLSGD || type === R_X86_64_TLSLD) && entry + RELA_SIZE < end) {
        entry += RELA_SIZE;
        left.add(section, entry);
      }
    }
  }
}

/** Entries that are left, with the rows of their sections. */
class Left {
  readonly rows: number[] = [];
  readonly entries: number[] = [];

  add(row: number, entry: number): void {
    this.rows.push(row);
    this.entries.push(entry);
  }
}

function isInt32(value: number): boolean {
  return value >= -0x8000_0000 && value <= 0x7fff_ffff;
}
