import { Slablink } from "../epc/dialect.ts";
import type { AllocActionPair, ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SpsWriter } from "../epc/sps-writer.ts";
import { LinkError } from "../errors.ts";
import { buildLinkGraph } from "../formats/elf/build-link-graph.ts";
import { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import type { SymbolStringPool } from "../graph/symbol-string-pool.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import {
  type AnchorPlan,
  type AnchorSizes,
  AnchorWord,
  anchorFileSize,
  foreignWord,
  measureAnchor,
  writeAnchor,
} from "../link/anchor.ts";
import { bindDefinitions, bindReferences, countIndirectFunctions } from "../link/bind-symbols.ts";
import { copyContents, copyThreadLocals } from "../link/copy-contents.ts";
import { Demand } from "../link/direct-references.ts";
import { ExternalKind, Externals } from "../link/externals.ts";
import { Fixups } from "../link/fixups.ts";
import { type Layout, layOut, measureThreadLocals, placeLayout } from "../link/layout.ts";
import { GOT_BYTES_PER_SYMBOL, LinkageTables } from "../link/linkage-tables.ts";
import { isLinkerDefined, linkerDefined, type SetBound, setBound, TLS_MODULE_BASE } from "../link/linker-defined.ts";
import type { FinalizedAlloc, InFlightAlloc, JITLinkMemoryManager } from "../memory/jitlink-memory-manager.ts";
import type { Segment } from "../memory/memory-mapper.ts";
import { writeEhFrameTable } from "../passes/eh-frame-table.ts";
import { reverseFunctionArrays } from "../link/reverse-function-arrays.ts";
import { ArchiveSource } from "./archive-source.ts";
import type { SharedLibraryGenerator } from "./definition-generator.ts";
import { exportedSymbols } from "./exported-symbols.ts";
import { type ExternalNames, findExternalNames, kindOfSymbol } from "./external-names.ts";
import type { JITDylib } from "./jit-dylib.ts";
import { libraryAddresses } from "./library-addresses.ts";
import type { LinkTimes } from "./link-times.ts";
import { planCopies } from "./plan-copies.ts";
import { SymbolResolution } from "./symbol-resolution.ts";
import { duplicateSymbols, undefinedSymbols } from "./undefined-symbols.ts";

const STUB_BYTES = 8;
const RESOLVED_SLOT_BYTES = 8;
const R_EXEC = 5;
const R_ONLY = 1;
const R_WRITE = 3;

/** The process has no room left for the job's thread-locals at fixed distances from the thread pointer. */
export class StaticTlsError extends LinkError {
  /** Room that would be enough, in bytes. */
  readonly size: number;
  readonly alignment: number;

  constructor(name: string, size: number, alignment: number, cause: unknown) {
    super(
      "link",
      `${name}: the process has no room for ${size} bytes of static thread-local storage; start it with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=${size}, or run in the executor`,
      { cause },
    );
    this.size = size;
    this.alignment = alignment;
  }
}

/** What a link job works with. */
export interface MaterializationContext {
  readonly epc: ExecutorProcessControl;
  readonly memoryManager: JITLinkMemoryManager;
  readonly runtime: RuntimeLibraries;
  readonly pool: SymbolStringPool;
  readonly times: LinkTimes;
  /** Contents lie in memory that the executor shares, so an anchor need not travel. */
  readonly sharedMemory: boolean;
  /** Libraries that the session has opened already, by load name. */
  readonly openedLibraries: Map<string, number>;
  /** Number of the job, for names. */
  readonly serial: number;
}

/** A link job that is in the executor, ready to run. */
export interface LinkedJob {
  readonly tables: GraphTables;
  readonly resolution: SymbolResolution;
  readonly layout: Layout;
  readonly alloc: FinalizedAlloc;
  readonly image: number;
  readonly externals: Externals;
  readonly libraries: readonly string[];
  readonly counts: { objects: number; archives: number; relocations: number; bytesCopied: number; mappings: number };
  /** Address of a symbol by name; undefined if the job does not define it. */
  address(name: string): number | undefined;
}

/**
 * Links what defines `names`, with all it needs, into the executor: one link job. Each step is one line below; nothing of
 * the job is visible in the executor before the last.
 */
export async function materialize(
  dylib: JITDylib,
  names: readonly string[],
  context: MaterializationContext,
): Promise<LinkedJob> {
  const { times } = context;
  const job = new Materialization(dylib, context);
  times.begin("parse and resolve");
  job.collect(names);
  times.begin("process symbols");
  await job.findExternals();
  times.begin("layout");
  job.planAnchor();
  await job.allocate();
  try {
    times.begin("load anchor");
    const loading = job.loadAnchor();
    loading.catch(() => {}); // awaited in bind
    times.begin("copy");
    job.copy();
    times.begin("bind");
    await job.bind(loading);
    times.begin("fix up");
    job.fixUp();
    times.begin("finalize");
    return await job.finalize();
  } catch (error) {
    await job.abandon();
    throw error;
  } finally {
    times.end();
  }
}

class Materialization {
  readonly #dylib: JITDylib;
  readonly #context: MaterializationContext;
  readonly #tables: GraphTables;
  readonly #resolution: SymbolResolution;
  readonly #linkerDefined: number[] = [];
  readonly #setBounds = new Map<number, SetBound>();
  readonly #aliases = new Map<number, number>();
  #archives = 0;
  #external!: ExternalNames;
  #externals!: Externals;
  #plan!: AnchorPlan;
  #sizes!: AnchorSizes;
  #layout!: Layout;
  #alloc!: InFlightAlloc;
  #linkage!: LinkageTables;
  #fixups!: Fixups;
  #image = 0;
  #bytesCopied = 0;
  #relocations = 0;
  readonly #resolved: { slot: number; resolver: number }[] = [];
  /** Stub of each indirect function → its slot. */
  readonly #indirectSlots = new Map<number, number>();

  constructor(dylib: JITDylib, context: MaterializationContext) {
    this.#dylib = dylib;
    this.#context = context;
    this.#tables = new GraphTables(context.pool);
    this.#resolution = new SymbolResolution(this.#tables);
  }

  /** By symbol tables alone: which objects and archive members the job consists of. */
  collect(names: readonly string[]): void {
    const { pool } = this.#tables;
    const resolution = this.#resolution;
    const sources: ArchiveSource[] = [];
    for (const reader of this.#dylib.pending.splice(0)) resolution.add(buildLinkGraph(this.#tables, reader));
    for (const generator of this.#dylib.generators) {
      if (generator.kind !== "archive") continue;
      this.#archives++;
      const source = new ArchiveSource(generator.archive, this.#tables);
      if (generator.whole) for (const graph of source.extractAll()) resolution.add(graph);
      else sources.push(source);
    }
    for (const source of sources) source.offerTo(resolution);
    for (const name of names) resolution.want(pool.internString(name));
    for (const [alias, target] of this.#dylib.aliases) {
      const id = pool.internString(target);
      this.#aliases.set(pool.internString(alias), id);
      resolution.want(id);
    }
    resolution.close();
    if (resolution.duplicates.length > 0) throw duplicateSymbols(this.#tables, resolution.duplicates);
    resolution.allocateCommons();
  }

  /** Everything that the job refers to and does not define: the linker's own names, libraries, the process. */
  async findExternals(): Promise<void> {
    const { pool } = this.#tables;
    const outside: number[] = [];
    for (const id of this.#resolution.undefinedNames()) {
      if (this.#aliases.has(id)) continue;
      const name = pool.name(id);
      const bound = setBound(this.#tables, name);
      if (isLinkerDefined(name)) this.#linkerDefined.push(id);
      else if (bound !== undefined && this.#hasSection(bound.section)) this.#setBounds.set(id, bound);
      else outside.push(id);
    }
    const { epc, runtime } = this.#context;
    this.#external = await findExternalNames(outside, this.#dylib, this.#resolution, epc, runtime);
    if (this.#external.missing.length > 0) throw undefinedSymbols(this.#tables, this.#external.missing);
    // Here libraries are opened at once; in an executor the anchor brings them in, and they are asked afterwards.
    if (epc.kind === "in-process") this.#libraryAddresses = await this.#askLibraries();
  }

  /** What the executor's loader is to know of the job, and how large everything is. */
  planAnchor(): void {
    const { pool } = this.#tables;
    const { epc, runtime, openedLibraries } = this.#context;
    const { copies, demands } = planCopies(
      this.#resolution,
      this.#external,
      epc,
      runtime,
      (loadName) => openedLibraries.has(loadName),
      this.#libraryAddresses,
    );
    const exports = exportedSymbols(this.#tables, this.#resolution);
    this.#plan = {
      name: `slablink-job-${this.#context.serial}`,
      exports,
      copies,
      foreignTls: this.#external.threadLocals.map((id) => ({
        id,
        name: pool.bytes(id).slice(),
        staticTls: ((demands.get(id) ?? 0) & Demand.staticTls) !== 0,
      })),
      needed: this.#librariesOfAnchor().map((library) => library.loadName),
      tls: measureThreadLocals(this.#tables),
      staticTls: true,
    };
    this.#sizes = measureAnchor(this.#plan);
    const outside = this.#external.known.length + this.#external.fromLibraries.length;
    const indirect = countIndirectFunctions(this.#tables);
    this.#layout = layOut(this.#tables, new Set([...this.#setBounds.values()].map((bound) => bound.section)), {
      header: this.#sizes.header,
      headerData: this.#sizes.headerData,
      dsoHandle: this.#sizes.dsoHandle,
      stubs: STUB_BYTES * (outside + indirect),
      globalOffsetTable: GOT_BYTES_PER_SYMBOL * (this.#tables.symbols.count + 1),
      resolvedSlots: RESOLVED_SLOT_BYTES * indirect,
    });
  }

  async allocate(): Promise<void> {
    const { size, alignment, contentSize, nearSize } = this.#layout;
    const request = { size, alignment, contentSize, nearSize, name: this.#dylib.name };
    this.#alloc = await this.#context.memoryManager.allocate(request);
    placeLayout(this.#tables, this.#layout, this.#alloc.address);
  }

  /** Binds what has an address by now, writes the anchor with the thread-local image, and hands it to the loader. */
  async loadAnchor(): Promise<void> {
    const { memory, address } = this.#alloc;
    const layout = this.#layout;
    const tables = this.#tables;
    this.#linkage = new LinkageTables(
      memory,
      layout.globalOffsetTable,
      layout.readOnly.address + layout.readOnly.size - layout.globalOffsetTable,
      layout.stubs,
      layout.code.address + layout.code.size - layout.stubs,
      tables.pool.size,
    );
    const indirect = bindDefinitions(tables);
    for (const { symbol, resolver } of indirect) {
      const slot = layout.resolvedSlots + RESOLVED_SLOT_BYTES * this.#resolved.length;
      this.#resolved.push({ slot, resolver });
      const stub = this.#linkage.jump(slot);
      this.#indirectSlots.set(stub, slot);
      tables.symbols.value[symbol] = stub;
    }
    writeAnchor(memory.view, address - memory.base, this.#plan, this.#sizes, layout);
    const source = layout.header.address;
    const sourceSize = anchorFileSize(layout);
    const words = layout.headerData.address + this.#sizes.words;
    // The thread-local image is part of the file, so the little that it refers to is bound before the loader reads it.
    if (this.#plan.tls.imageSize > 0) this.#writeThreadLocalImage();
    const { epc, sharedMemory } = this.#context;
    const file = sharedMemory
      ? { source, sourceSize }
      : { bytes: memory.bytes.slice(source - memory.base, source - memory.base + sourceSize) };
    const image = {
      start: address,
      size: this.#alloc.size,
      results: words,
      resultCount: this.#sizes.wordCount,
      ...file,
    };
    try {
      const { handle, results } = await epc.loadImage(image);
      this.#image = handle;
      this.#loaderWords = results;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes("static TLS block")) throw error;
      const { size: block, alignment } = this.#plan.tls;
      // The loader's default room of 1664 bytes, and what libraries may take of it.
      throw new StaticTlsError(this.#dylib.name, block + 2 * alignment + 4096, alignment, error);
    }
  }

  #loaderWords!: Float64Array;
  #libraryAddresses: Float64Array | undefined;

  copy(): void {
    this.#bytesCopied = copyContents(this.#tables, this.#alloc.memory);
  }

  /** Takes the addresses that only the loader and the libraries know, and gives every reference its value. */
  async bind(loading: Promise<void>): Promise<void> {
    await loading;
    const { pool } = this.#tables;
    const externals = this.#makeExternals();
    await this.#bindLibraries(externals);
    this.#external.threadLocals.forEach((id, index) => {
      const at = foreignWord(index);
      const { staticTls } = this.#plan.foreignTls[index]!;
      externals.add(id, 0, ExternalKind.threadLocal);
      externals.threadLocals.set(id, {
        module: this.#loaderWords[at]!,
        offset: this.#loaderWords[at + 1]!,
        threadOffset: staticTls ? this.#loaderWords[at + 2]! : undefined,
      });
    });
    for (const [alias, target] of this.#aliases) {
      const row = this.#resolution.definition[target]! - 1;
      const address = row >= 0 ? this.#tables.symbols.value[row]! : externals.address[target]!;
      if (Number.isNaN(address)) throw new LinkError("link", `--alias: ${pool.name(target)} is not defined`);
      externals.add(alias, address, ExternalKind.unknown);
    }
    bindReferences(this.#tables, this.#resolution.definition, externals);
    this.#externals = externals;
  }

  fixUp(): void {
    this.#fixups = this.#makeFixups(this.#externals);
    this.#applyAll();
    if (this.#fixups.again) {
      // A library's function got its stub for an address after other uses had been written: once more, from the files.
      this.copy();
      this.#applyAll();
    }
    reverseFunctionArrays(this.#tables, this.#layout.arrays, this.#alloc.memory);
    const { code, ehFrame, ehFrameTable } = this.#layout;
    writeEhFrameTable(this.#alloc.memory, ehFrame, ehFrameTable, code);
  }

  async finalize(): Promise<LinkedJob> {
    const actions: AllocActionPair[] = [];
    const resolverOf = new Map(this.#resolved.map(({ slot, resolver }) => [slot, resolver]));
    const pairs = [...this.#resolved];
    for (const [place, slot] of this.#fixups.resolvedWords)
      pairs.push({ slot: place, resolver: resolverOf.get(slot)! });
    if (pairs.length > 0) {
      const start = this.#linkage.append(pairs.flatMap(({ slot, resolver }) => [slot, resolver]));
      const argument = new SpsWriter().u64(start).u64(start + 16 * pairs.length);
      actions.push({ finalize: { name: Slablink.resolveIfuncs, argument: argument.bytes } });
    }
    const { code, readOnly, data } = this.#layout;
    const segments: Segment[] = [];
    const add = (address: number, size: number, protection: number): void => {
      if (size > 0) segments.push({ address, contentSize: size, zeroFillSize: 0, protection });
    };
    const stubsEnd = this.#layout.stubs + STUB_BYTES * this.#linkage.stubCount;
    add(code.address, this.#linkage.stubCount > 0 ? stubsEnd - code.address : code.size, R_EXEC);
    add(readOnly.address, this.#layout.globalOffsetTable + this.#linkage.size - readOnly.address, R_ONLY);
    add(data.address, data.size, R_WRITE);
    const alloc = await this.#alloc.finalize(segments, actions);
    const { tables } = { tables: this.#tables };
    const resolution = this.#resolution;
    const externals = this.#externals;
    for (const library of this.#external.libraries) this.#context.openedLibraries.set(library.loadName, 0);
    return {
      tables,
      resolution,
      layout: this.#layout,
      alloc,
      image: this.#image,
      externals,
      libraries: this.#external.libraries.map((library) => library.loadName),
      counts: {
        objects: tables.graphs.length,
        archives: this.#archives,
        relocations: this.#relocations,
        bytesCopied: this.#bytesCopied,
        // The anchor's two parts, one for each segment, and the zero-fill behind the data.
        mappings: 2 + segments.length + (this.#layout.zeroFill.size > 0 ? 1 : 0),
      },
      address: (name) => {
        const id = tables.pool.internString(name);
        const row = (resolution.definition[id] ?? 0) - 1;
        if (row >= 0) return tables.symbols.value[row];
        const address = externals.address[id];
        return address === undefined || Number.isNaN(address) ? undefined : address;
      },
    };
  }

  /** Gives back memory and image of a job that cannot be completed. */
  async abandon(): Promise<void> {
    try {
      if (this.#image !== 0) await this.#context.epc.unloadImage(this.#image);
      await this.#alloc.abandon();
    } catch {
      // The executor is gone: what it held went with it, and the first error says why.
    }
  }

  #librariesOfAnchor(): SharedLibraryGenerator[] {
    // In this process libraries are opened by handle: what Node exports must not get into their scope, nor they into Node's.
    if (this.#context.epc.kind === "in-process") return [];
    return this.#external.libraries.filter(
      ({ library, loadName }) => library.soname !== "libc.so.6" && !this.#context.openedLibraries.has(loadName),
    );
  }

  #hasSection(name: number): boolean {
    const { sections, graphs, pool } = this.#tables;
    for (let row = 0; row < sections.count; row++) {
      if (sections.kind[row] === SectionKind.none || sections.kind[row] === SectionKind.discarded) continue;
      const { view, start, length } = graphs[sections.graph[row]!]!.reader;
      const at = sections.name[row]!;
      if (at !== 0 && view.getUint8(at) !== 0x2e && pool.intern(view, at, start + length) === name) return true;
    }
    return false;
  }

  #tlsImage(): number {
    return this.#layout.header.address + this.#sizes.tlsImage;
  }

  #makeExternals(): Externals {
    const { pool } = this.#tables;
    const externals = new Externals(pool.size);
    for (const { id, address, kind } of this.#external.known) externals.add(id, address, kind);
    for (const id of this.#linkerDefined) {
      const name = pool.name(id);
      const kind = name === TLS_MODULE_BASE ? ExternalKind.ownThreadLocal : ExternalKind.data;
      externals.add(id, linkerDefined(name, this.#layout), kind);
    }
    for (const [id, bound] of this.#setBounds) {
      const set = this.#layout.sets.get(bound.section)!;
      externals.add(id, bound.end ? set.end : set.start, ExternalKind.data);
    }
    return externals;
  }

  #askLibraries(): Promise<Float64Array> {
    const { epc, openedLibraries } = this.#context;
    return libraryAddresses(epc, this.#external.fromLibraries, openedLibraries);
  }

  /** Addresses of the libraries' symbols, and of the copies that stand for some of them. */
  async #bindLibraries(externals: Externals): Promise<void> {
    const { fromLibraries } = this.#external;
    if (fromLibraries.length > 0) {
      const addresses = this.#libraryAddresses ?? (await this.#askLibraries());
      fromLibraries.forEach(({ id, symbol }, i) => {
        externals.add(id, addresses[i]!, kindOfSymbol(symbol.type));
      });
      const missing = fromLibraries.filter((_, i) => addresses[i] === 0).map(({ id }) => id);
      if (missing.length > 0) throw undefinedSymbols(this.#tables, missing);
    }
    this.#plan.copies.forEach((copy, index) => {
      externals.add(copy.id, this.#layout.headerData.address + this.#sizes.copies[index]!, ExternalKind.data);
    });
  }

  #writeThreadLocalImage(): void {
    const { sections } = this.#tables;
    copyThreadLocals(this.#tables, this.#alloc.memory, this.#tlsImage());
    let fixups: Fixups | undefined;
    for (let row = 0; row < sections.count; row++) {
      if (sections.kind[row] !== SectionKind.tlsData || sections.relocationCount[row] === 0) continue;
      if (fixups === undefined) {
        const externals = this.#makeExternals();
        bindReferences(this.#tables, this.#resolution.definition, externals);
        fixups = this.#makeFixups(externals);
      }
      fixups.apply(row);
    }
  }

  #makeFixups(externals: Externals): Fixups {
    const { symbols } = this.#tables;
    const own = this.#plan.tls.size > 0 && this.#loaderWords !== undefined;
    return new Fixups({
      tables: this.#tables,
      memory: this.#alloc.memory,
      linkage: this.#linkage,
      externals,
      tls: {
        module: own ? this.#loaderWords[AnchorWord.module]! : 0,
        threadOffset: own && this.#plan.staticTls ? this.#loaderWords[AnchorWord.threadOffset]! : undefined,
      },
      tlsImage: this.#tlsImage(),
      indirectSlots: this.#indirectSlots,
      symbolSize: (row) => {
        const id = symbols.id[row]!;
        const definition = id >= 0 ? this.#resolution.definition[id]! - 1 : row;
        const which = definition >= 0 ? definition : row;
        const graph = this.#resolution.graphOfRow(which);
        return graph.symbolSize(which - graph.firstSymbol);
      },
      classify: (id) => this.#classify(id),
    });
  }

  #classify(id: number): ExternalKind {
    const name = this.#tables.pool.name(id);
    for (const { library } of this.#context.runtime.ofProcess()) {
      const symbol = library.lookup(name);
      if (symbol !== undefined) return kindOfSymbol(symbol.type);
    }
    return ExternalKind.unknown;
  }

  #applyAll(): void {
    const { sections } = this.#tables;
    this.#fixups.applied = 0;
    for (let row = 0; row < sections.count; row++) {
      if (sections.relocationCount[row]! === 0 || sections.kind[row] === SectionKind.tlsData) continue;
      this.#fixups.apply(row);
    }
    this.#relocations = this.#fixups.applied;
  }
}
