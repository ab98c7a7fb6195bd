import { readFileSync } from "node:fs";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import type { ExecutorProcessControl, ImageLoad, LoadedImage } from "../../src/epc/executor-process-control.ts";
import { SlablinkError } from "../../src/errors.ts";
import { Archive } from "../../src/formats/archive.ts";
import { SymbolStringPool } from "../../src/graph/symbol-string-pool.ts";
import type { FileArena } from "../../src/host/arena.ts";
import { takeWorkingMemory } from "../../src/host/work-buffer.ts";
import { RuntimeLibraries } from "../../src/inputs/runtime-libraries.ts";
import type { Segment, WorkingMemory } from "../../src/memory/memory-mapper.ts";
import { type DefinitionGenerator, StaticArchiveGenerator } from "../../src/orc/definition-generator.ts";
import { JITDylib } from "../../src/orc/jit-dylib.ts";
import type { JobsInFlight } from "../../src/orc/jobs-in-flight.ts";
import type { LinkedJob } from "../../src/orc/linked-job.ts";
import { materialize } from "../../src/orc/materialize.ts";

export interface PlainJobOptions {
  /** Address of the job's first byte. */
  readonly base?: number;
  /** Addresses of names from outside. */
  readonly externals?: Readonly<Record<string, number>>;
  /** Of those, the ones that are functions of a library. */
  readonly functions?: readonly string[];
  /** Names that are looked up. */
  readonly names?: readonly string[];
  /** Archives whose members are taken when something needs them. */
  readonly archives?: readonly Archive[];
  /** Archives and libraries, in their order, whose files lie where `place` puts them. */
  readonly generators?: (place: (reader: ByteReader) => ByteReader) => Iterable<DefinitionGenerator>;
  /** Address of everything that a shared library defines; without it, libraries have nothing. */
  readonly libraryAddress?: number;
  /** Largest job in bytes. */
  readonly room?: number;
  /** Where inputs and contents lie in the reach of the kernel, which a plain job's do not. */
  readonly arena?: FileArena;
  readonly threads?: number;
  /** The jobs that go on side by side with this one. */
  readonly inFlight?: JobsInFlight;
}

/** Module number that the pretended loader gives to the job's thread-local block. */
export const TLS_MODULE = 0x77;

/** A job that was linked into an ordinary buffer, for any address, and never runs. */
export class PlainJob {
  readonly job: LinkedJob;
  readonly memory: WorkingMemory;
  readonly segments: readonly Segment[];
  /** The anchor as the loader would have got it. */
  readonly anchor: Uint8Array;

  /** Gives the working memory back, of a job in the kernel's reach. */
  readonly release: () => void;

  constructor(
    job: LinkedJob,
    memory: WorkingMemory,
    segments: readonly Segment[],
    anchor: Uint8Array,
    release: () => void,
  ) {
    this.release = release;
    this.job = job;
    this.memory = memory;
    this.segments = segments;
    this.anchor = anchor;
  }

  /** Row of the section with this name in the given input. */
  section(name: string, input = 0): number {
    const { graphs } = this.job.tables;
    const graph = graphs[input];
    for (let row = graph.firstSection + 1; row < graph.firstSection + graph.sectionCount; row++) {
      if (graph.sectionName(row) === name) return row;
    }
    throw new Error(`no section ${name} in ${graph.name}`);
  }

  addressOfSection(name: string, input = 0): number {
    return this.job.tables.sections.address[this.section(name, input)];
  }

  /** A section's bytes as linked. */
  bytesOf(name: string, input = 0): Uint8Array {
    const row = this.section(name, input);
    const { address, size } = this.job.tables.sections;
    return this.bytesAt(address[row], size[row]);
  }

  bytesAt(address: number, size: number): Uint8Array {
    const at = address - this.memory.base;
    return this.memory.bytes.slice(at, at + size);
  }

  u64At(address: number): number {
    return Number(this.memory.view.getBigInt64(address - this.memory.base, true));
  }

  i32At(address: number): number {
    return this.memory.view.getInt32(address - this.memory.base, true);
  }

  /** Address of a global symbol. */
  address(name: string): number {
    const address = this.job.address(name);
    if (address === undefined) throw new Error(`${name} has no address`);
    return address;
  }
}

/** A reader of a file, named as itself. */
export function readerOf(path: string, name = path): ByteReader {
  return ByteReader.of(readFileSync(path), name);
}

/** Links through the same code as a real job, with a pretended executor that only says where things are. */
export async function linkPlainly(
  inputs: readonly (ByteReader | string)[],
  options: PlainJobOptions = {},
): Promise<PlainJob> {
  const base = options.base ?? 0x5000_0000;
  const dylib = new JITDylib("main");
  const place = (reader: ByteReader): ByteReader =>
    options.arena?.place(reader.bytes(0, reader.length, "file"), reader.name) ?? reader;
  for (const input of inputs) dylib.addObject(place(typeof input === "string" ? readerOf(input) : input));
  for (const generator of options.generators?.(place) ?? []) dylib.addGenerator(generator);
  for (const archive of options.archives ?? []) dylib.addGenerator(new StaticArchiveGenerator(archive));
  for (const [name, address] of Object.entries(options.externals ?? {})) dylib.define(name, address);
  let memory: WorkingMemory | undefined;
  let segments: readonly Segment[] = [];
  let anchor = new Uint8Array();
  let release = (): void => {};
  const job = await materialize(dylib, options.names ?? [], {
    epc: pretendedExecutor((image) => {
      anchor = image.bytes!.slice();
      return loaderWords(anchor, image.resultCount);
    }, options.libraryAddress),
    memoryManager: {
      pageSize: 4096,
      async allocate({ size, alignment }) {
        if (size > (options.room ?? 1 << 28)) throw new SlablinkError("memory", `no room for ${size} bytes`);
        if (base % alignment !== 0) throw new SlablinkError("memory", `no place aligned to ${alignment}`);
        const buffer = options.arena === undefined ? undefined : takeWorkingMemory(size);
        const bytes = buffer?.bytes ?? new Uint8Array(size);
        memory = { bytes, view: new DataView(bytes.buffer), base: base - (buffer?.position ?? 0) };
        release = () => buffer?.release();
        return {
          address: base,
          size,
          memory,
          async finalize(given) {
            segments = given;
            return { address: base, size, key: 1 };
          },
          async abandon() {
            release();
          },
        };
      },
      async deallocate() {},
    },
    runtime: new PretendedLibraries(options.functions ?? []),
    pool: new SymbolStringPool(),
    sharedMemory: false,
    openedLibraries: new Map(),
    linkInto: () => Promise.reject(new Error("there is no other JITDylib")),
    threads: options.threads ?? 1,
    inFlight: options.inFlight,
    serial: 1,
  });
  job.settle(true);
  return new PlainJob(job, memory!, segments, anchor, () => release());
}

/** An archive at a path, for `PlainJobOptions.archives`. */
export function archiveAt(path: string): Archive {
  return Archive.read(readerOf(path));
}

/** Says of the names it was given that they are functions, and knows no other. */
class PretendedLibraries extends RuntimeLibraries {
  readonly #functions: ReadonlySet<string>;

  constructor(functions: readonly string[]) {
    super();
    this.#functions = new Set(functions);
  }

  override *ofProcess(): ReturnType<RuntimeLibraries["ofProcess"]> {
    const lookup = (name: string): unknown => (this.#functions.has(name) ? { name, type: 2 } : undefined);
    yield { soname: "pretended", library: { lookup } as never };
  }
}

/** What glibc would fill in for an executable: its block ends at the thread pointer. */
function loaderWords(anchor: Uint8Array, count: number): Float64Array {
  const words = new Float64Array(count);
  const view = new DataView(anchor.buffer, anchor.byteOffset, anchor.byteLength);
  for (let at = 64, n = view.getUint16(56, true); n > 0; n--, at += 56) {
    if (view.getUint32(at, true) !== 7) continue;
    const size = Number(view.getBigUint64(at + 40, true));
    const alignment = Math.max(1, Number(view.getBigUint64(at + 48, true)));
    words[0] = TLS_MODULE;
    words[1] = -Math.ceil(size / alignment) * alignment;
  }
  return words;
}

/** Handle of any library. */
const LIBRARY = 1;

function pretendedExecutor(load: (image: ImageLoad) => Float64Array, libraryAddress = 0): ExecutorProcessControl {
  return {
    kind: "in-process",
    pageSize: 4096,
    triple: "x86_64-unknown-linux-gnu",
    bootstrap: new Map(),
    counters: { requests: 0, bytesSent: 0, bytesReceived: 0 },
    openLibrary: async () => LIBRARY,
    resolve: async (handle, names) => new Float64Array(names.length).fill(handle === LIBRARY ? libraryAddress : 0),
    callWrapper: async () => new Uint8Array(),
    loadImage: async (image): Promise<LoadedImage> => ({ handle: 1, results: load(image) }),
    unloadImage: async () => {},
    runProgram: async () => ({ status: 0 }),
    ended: new Promise(() => {}),
    disconnect: async () => {},
  };
}
