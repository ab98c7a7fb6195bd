import { join } from "node:path";
import { keepKernelCode, loadKernelCode } from "../host/kernel-code.ts";
import { type LinearMemory, linearMemory } from "../host/linear-memory.ts";
import { packageFile } from "../host/package-files.ts";
import { type WasmModule, wasm } from "../host/webassembly.ts";

/**
 * The functions of the kernel (kernel/, AssemblyScript). Positions are those of the linear memory; `record` is the position of a record
 * (record.ts), rows are ranges [first, last). Each does what the file of the same name in src/ does, and leaves to that what it cannot.
 */
export interface Kernel {
  /** Number of sections, or -1. */
  scanObject(file: number, length: number, out: number): number;
  /** 1 when it has read everything. */
  readSymbols(
    record: number,
    pool: number,
    file: number,
    graph: number,
    firstSection: number,
    firstSymbol: number,
    out: number,
  ): number;
  /** 1 when it has read everything. */
  readSections(record: number, file: number, length: number, graph: number, firstSection: number): number;
  /** Number of files. */
  readQueued(record: number, queue: number, waits: number): number;
  /** The identifier, or -1 when there is no room for the name's bytes. */
  intern(pool: number, position: number): number;
  /** 1 when it has offered all names of the index. */
  offerIndex(
    record: number,
    pool: number,
    table: number,
    count: number,
    word: number,
    names: number,
    end: number,
    length: number,
    source: number,
  ): number;
  /** Number of rows left, in the room of the record. */
  resolve(record: number, first: number, last: number): number;
  /** Why it has come back: one of WALK_…; `queue` is 0, or where sections are left to other threads. */
  takeMembers(record: number, pool: number, queue: number, most: number): number;
  /** Number of identifiers written to `out`. */
  directReferences(
    record: number,
    last: number,
    candidates: number,
    demands: number,
    demandOf: number,
    out: number,
    sample: number,
  ): number;
  /** Number of rows written to `out`. */
  placeSections(
    record: number,
    last: number,
    stripeOf: number,
    cursors: number,
    alignments: number,
    huge: number,
    out: number,
  ): number;
  moveSections(record: number, last: number, base: number): void;
  /** Number of rows written to `out`. */
  sectionsOfKinds(record: number, last: number, mask: number, out: number): number;
  moveBytes(to: number, from: number, count: number): void;
  countIndirectFunctions(record: number, last: number): number;
  /** Number of identifiers written to `out`. */
  listExports(record: number, pool: number, names: number, out: number): number;
  hashNames(pool: number, ids: number, count: number, out: number): void;
  /** Number of positions written to `out`. */
  filterByGnuHash(hashes: number, count: number, table: number, symbolCount: number, out: number): number;
  /** Bytes of the string table. */
  writeExports(
    record: number,
    pool: number,
    graphCount: number,
    ids: number,
    count: number,
    symbols: number,
    first: number,
    strings: number,
    used: number,
    buckets: number,
    bucketCount: number,
  ): number;
  /** Bytes copied. */
  copySections(record: number, first: number, last: number): number;
  /** Bytes copied by this thread. */
  copyChunks(record: number, counter: number, last: number, size: number): number;
  applyChunks(record: number, out: number, counter: number, last: number, size: number): void;
  /** Number of indirect functions seen. */
  bindDefinitions(record: number, first: number, last: number): number;
  bindReferences(record: number, first: number, last: number): void;
  /** Number of stubs; bytes of the table in the record. */
  linkFar(record: number, names: number, near: number, nearEnd: number, used: number, stubs: number): number;
  applyRelocations(record: number, out: number, last: number): void;
  /** Number of rows; -1 when the records have to be read by the other one. */
  writeEhFrameTable(
    base: number,
    begin: number,
    end: number,
    table: number,
    scratch: number,
    code: number,
    codeEnd: number,
    data: number,
    dataEnd: number,
  ): number;
}

/** The compiled module, which threads share, and its functions; set when the kernel is first used. */
export const kernelCode: {
  module: WasmModule | undefined;
  exports: Kernel | undefined;
  /** A member, so that a trace can watch it. */
  instantiate(linear: LinearMemory): Kernel;
} = { module: undefined, exports: undefined, instantiate };

let isOff = false;

/** The kernel on the process's linear memory; undefined where there is no such memory, or when it was switched off. */
export function kernel(): Kernel | undefined {
  if (isOff) return undefined;
  if (kernelCode.exports !== undefined) return kernelCode.exports;
  const linear = linearMemory();
  if (linear !== undefined) kernelCode.exports = kernelCode.instantiate(linear);
  return kernelCode.exports;
}

/** The kernel, if it reaches tables by their record. */
export function kernelFor(record: number | undefined): Kernel | undefined {
  return record === undefined ? undefined : kernel();
}

/** For tests that hold the kernel against the code that does everything: links of this process do without it, or with it again. */
export function switchKernel(on: boolean): void {
  isOff = !on;
}

function instantiate(linear: LinearMemory): Kernel {
  const path = kernelPath();
  const module = kernelCode.module ?? loadKernelCode(path);
  kernelCode.module = module;
  const { exports } = new wasm.Instance(module, { env: { memory: linear.memory } });
  keepKernelCode(path, module);
  return exports as Kernel;
}

/** The bundle has it beside itself; modules are two directories deeper. */
function kernelPath(): string {
  const place = packageFile("kernel.wasm");
  if (place !== undefined) return place;
  const isBundled = import.meta.url.endsWith(".cjs");
  return join(import.meta.dirname, isBundled ? "kernel.wasm" : "../../kernel.wasm");
}
