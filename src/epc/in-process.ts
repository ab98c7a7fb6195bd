import { realpathSync } from "node:fs";
import { type AddressRange, alignDown, alignUp, hex } from "../bytes/address.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ExecutorError } from "../errors.ts";
import { inheritStandardDescriptors } from "../host/descriptors.ts";
import {
  findSymbols,
  isLoaded,
  LoadFlag,
  loadBias,
  loadLibrary,
  PROCESS,
  unloadLibrary,
} from "../host/dynamic-loader.ts";
import { shareEnvironment } from "../host/environment.ts";
import { createLoadableFile, type LoadableFile } from "../host/loadable-file.ts";
import { PAGE_SIZE, reserveAddressSpace, unmapMemory } from "../host/mapping.ts";
import { readMaps } from "../host/maps.ts";
import { closeNative } from "../host/native-descriptor.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import { readMemory } from "../host/view.ts";
import { DlsymShim } from "../native/dlsym-shim.ts";
import type { Program, ProgramEnd } from "../native/program.ts";
import { programRunner } from "../native/program-runner.ts";
import type { ExecutorProcessControl, ImageLoad, LoadedImage, ProtocolCounters } from "./executor-process-control.ts";
import { inProcessWrappers } from "./in-process-wrappers.ts";
import { SpsReader } from "./sps-reader.ts";

interface Image {
  readonly file: LoadableFile;
  readonly start: number;
  readonly size: number;
}

interface MappedSlab {
  readonly start: number;
  readonly memory: SlabMemory;
}

/**
 * This process as the executor: the same requests, served natively. Bootstrap names have address 0 here, since their
 * functions are TypeScript. Libraries stay loaded for good, as threads of theirs may still run.
 */
export class InProcessExecutorProcessControl implements ExecutorProcessControl {
  readonly kind = "in-process";
  readonly pageSize = PAGE_SIZE;
  readonly triple = "x86_64-pc-linux-gnu";
  readonly bootstrap: ReadonlyMap<string, number>;
  readonly counters: ProtocolCounters = { requests: 0, bytesSent: 0, bytesReceived: 0 };
  readonly ended: Promise<ProgramEnd>;

  readonly #wrappers = inProcessWrappers();
  readonly #images = new Map<number, Image>();
  readonly #slabs: MappedSlab[] = [];
  readonly #libraries = new Set<number>();
  #dlsym: DlsymShim | undefined;
  #mainProgram: AddressRange | undefined;
  #end: (end: ProgramEnd) => void = () => {};

  constructor() {
    this.bootstrap = new Map([...this.#wrappers.keys()].map((name) => [name, 0]));
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Tells which memory lies behind a slab, so that images can be taken from it. */
  addSlab(start: number, memory: SlabMemory): void {
    this.#slabs.push({ start, memory });
  }

  /** Forgets the slab that starts at this address. */
  removeSlab(start: number): void {
    const index = this.#slabs.findIndex((slab) => slab.start === start);
    if (index >= 0) this.#slabs.splice(index, 1);
  }

  /**
   * DEEPBIND: Node exports its own zlib and OpenSSL, to which a library would bind otherwise; LOCAL: nothing else is
   * to bind to the library's names by accident.
   */
  async openLibrary(path: string): Promise<number> {
    if (path === "") return PROCESS;
    // Its exit handler comes before the library's own, and so runs after them.
    programRunner();
    shareEnvironment();
    const handle = loadLibrary(path, LoadFlag.now | LoadFlag.local | LoadFlag.deepBind);
    this.#libraries.add(handle);
    return handle;
  }

  async resolve(handle: number, names: readonly string[]): Promise<Float64Array> {
    const addresses = findSymbols(handle, names);
    // The C library's exit() would tear down Node itself, on the wrong thread.
    if (handle !== PROCESS) return addresses;
    const exit = names.indexOf("exit");
    if (exit >= 0) addresses[exit] = programRunner().exitAddress;
    const onExit = names.indexOf("on_exit");
    if (onExit >= 0) addresses[onExit] = programRunner().onExitAddress;
    this.#replaceLookUps(names, addresses);
    return addresses;
  }

  /** The loader's own look-up would pass over the program, and give it what is Node's. */
  #replaceLookUps(names: readonly string[], addresses: Float64Array): void {
    for (const name of ["dlsym", "dlvsym"]) {
      const at = names.indexOf(name);
      if (at < 0) continue;
      this.#dlsym ??= new DlsymShim();
      addresses[at] = this.#dlsym.address(name)!;
    }
  }

  /** The last image first: each ends with the C library, which would be found there before what later ones define. */
  #updateLookUps(): void {
    this.#dlsym?.update([...this.#images.keys()].reverse(), [...this.#libraries]);
  }

  async callWrapper(name: string, argument: Uint8Array): Promise<Uint8Array> {
    return this.callWrapperSync(name, argument);
  }

  /** callWrapper without the promise: no wrapper of this process waits for anything. */
  callWrapperSync(name: string, argument: Uint8Array): Uint8Array {
    const wrapper = this.#wrappers.get(name);
    if (!wrapper) throw new ExecutorError(`the executor (this process) has no ${name}`);
    return wrapper(new SpsReader(argument, name));
  }

  async loadImage(image: ImageLoad): Promise<LoadedImage> {
    const bytes = image.bytes?.length ? image.bytes : this.#imageBytes(image);
    checkSpan(image, bytes);
    const file = createLoadableFile("slablink-image", bytes);
    // The place is given up for a moment: the loader maps without MAP_FIXED and takes p_vaddr as a hint.
    unmapMemory(image.start, image.size);
    let handle = 0;
    try {
      // The descriptor stays open while the image is loaded: the loader takes equal paths for the same library.
      const scope = image.bindsFirst === true ? LoadFlag.deepBind : 0;
      if (image.bindsFirst === true) programRunner(); // its exit handler: see openLibrary
      try {
        handle = loadLibrary(file.path, LoadFlag.now | LoadFlag.global | scope);
      } finally {
        file.hide();
      }
      const bias = loadBias(handle);
      if (bias !== 0) {
        throw new ExecutorError(`the image for ${hex(image.start)} was loaded ${hex(bias)} away from there`);
      }
      const results = readWords(image.results, image.resultCount);
      this.#images.set(handle, { file, start: image.start, size: image.size });
      this.#updateLookUps();
      return { handle, results };
    } catch (error) {
      if (handle !== 0) unloadLibrary(handle);
      closeNative(file.fd);
      reserveAddressSpace(image.size, image.start);
      throw error;
    }
  }

  async unloadImage(handle: number): Promise<void> {
    const image = this.#images.get(handle);
    if (!image) throw new ExecutorError(`no image has the handle ${hex(handle)}`);
    this.#images.delete(handle);
    this.#updateLookUps();
    unloadLibrary(handle);
    // Libraries that were bound to its symbols keep it; then its pages must stay, and the descriptor with its name.
    if (isLoaded(image.file.path)) {
      throw new ExecutorError(`the image at ${hex(image.start)} is still in use by a library and stays loaded`);
    }
    closeNative(image.file.fd);
    unmapMemory(image.start, image.size);
    reserveAddressSpace(image.size, image.start);
  }

  readMemory(address: number, size: number): Uint8Array {
    return readMemory(address, size).slice();
  }

  isLibraryLoaded(path: string): boolean {
    return isLoaded(path);
  }

  /** Official Node is a non-PIE executable; in any case its mappings carry its path. */
  isInMainProgram(address: number): boolean {
    this.#mainProgram ??= mainProgramRange();
    return address >= this.#mainProgram.start && address < this.#mainProgram.end;
  }

  async runProgram(program: Program): Promise<ProgramEnd> {
    inheritStandardDescriptors();
    shareEnvironment();
    return programRunner().run(program);
  }

  async disconnect(): Promise<void> {
    for (const handle of [...this.#images.keys()].reverse()) await this.unloadImage(handle);
    this.#end({});
  }

  #imageBytes(image: ImageLoad): Uint8Array {
    const { source = 0, sourceSize = 0 } = image;
    const slab = this.#slabs.find(({ start, memory }) => source >= start && source + sourceSize <= start + memory.size);
    if (!slab || sourceSize === 0) {
      throw new ExecutorError(`the image of ${hex(sourceSize)} bytes at ${hex(source)} lies in no slab`);
    }
    const { offset, bytes } = slab.memory.window(source - slab.start, sourceSize);
    const start = source - slab.start - offset;
    return bytes.subarray(start, start + sourceSize);
  }
}

function readWords(address: number, count: number): Float64Array {
  const words = new Float64Array(count);
  if (count === 0) return words;
  const reader = new SpsReader(readMemory(address, 8 * count), "the image's results");
  for (let i = 0; i < count; i++) words[i] = reader.i64(`result ${i}`);
  return words;
}

/**
 * Throws unless the image's PT_LOAD segments (ELF specification, program header) span [start, start + size): the loader
 * must neither leave a hole in the slab nor reach beyond.
 */
function checkSpan({ start, size }: ImageLoad, image: Uint8Array): void {
  const reader = ByteReader.of(image, `image for ${hex(start)}`);
  const table = reader.u64(0x20, "e_phoff");
  const entrySize = reader.u16(0x36, "e_phentsize");
  let lowest = Number.POSITIVE_INFINITY;
  let highest = 0;
  for (let i = 0; i < reader.u16(0x38, "e_phnum"); i++) {
    const header = table + i * entrySize;
    if (reader.u32(header, "p_type") !== 1) continue;
    // The loader does not look: a segment beyond the file's end would be SIGBUS.
    reader.check(reader.u64(header + 0x8, "p_offset"), reader.u64(header + 0x20, "p_filesz"), "PT_LOAD segment");
    const address = reader.u64(header + 0x10, "p_vaddr");
    lowest = Math.min(lowest, alignDown(address, PAGE_SIZE));
    highest = Math.max(highest, alignUp(address + reader.u64(header + 0x28, "p_memsz"), PAGE_SIZE));
  }
  if (lowest === start && highest === start + size) return;
  throw new ExecutorError(
    `the image's segments span [${hex(lowest)}, ${hex(highest)}), expected [${hex(start)}, ${hex(start + size)})`,
  );
}

/** From the first to the last mapping of this process's executable, its zero-filled data behind it included. */
function mainProgramRange(): AddressRange {
  const maps = readMaps();
  const path = realpathSync("/proc/self/exe");
  const all = maps.filter((each) => each.path === path);
  // The engine maps some of the executable's pages a second time, near code of its own.
  const of = all.filter(({ start }) => start - all[0].start < 0x4000_0000);
  const last = of.at(-1);
  if (last === undefined) return { start: 0, end: 0 };
  const behind = maps.find(({ start, path }) => start === last.end && path === "");
  return { start: of[0].start, end: behind?.end ?? last.end };
}
