import { B, D, M, OURS, S } from "../executor/protocol.ts";
import { CALL_OUT, EMPTY_RESULT, type Range, STABLE, STABLE_SIZE, SUCCESS, type World } from "./world.ts";

/*
 * Requests that may bring an executor down however careful it is, because they are what they are for:
 *
 *   a call of code at an address of somebody's choice (a tag, an action, main, an initializer, an ifunc's resolver);
 *   a raw write (mem_write_*, an ifunc's slot) to memory of the process that is not linked memory;
 *   anything that replaces an image's own tables, which the loader goes by;
 *   loading a library or an image, which runs whatever is in it; exit after a program.
 *
 * Each is let through only when what it names is known to be harmless. Everything else must be survived.
 */

/** Reads as the executor does: nothing fails loudly, `failed` tells at the end. */
class Scanner {
  failed = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(size: number): number {
    if (this.failed || this.#at + size > this.#bytes.length) {
      this.failed = true;
      return -1;
    }
    this.#at += size;
    return this.#at - size;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#bytes[at];
  }

  u64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at, true);
  }

  skip(size: number): void {
    this.#take(size);
  }

  count(elementSize: number): number {
    const count = this.u64();
    if (this.failed || count > BigInt(Math.floor((this.#bytes.length - this.#at) / elementSize))) {
      this.failed = true;
      return 0;
    }
    return Number(count);
  }

  sequence(): Uint8Array {
    const size = this.count(1);
    const at = this.#take(size);
    return at < 0 ? new Uint8Array() : this.#bytes.subarray(at, at + size);
  }

  list(elementSize: number): bigint[] {
    return Array.from({ length: this.count(elementSize) }, () => this.u64());
  }
}

export class Hazards {
  readonly #world: World;
  readonly #executable: Range;
  readonly #names: ReadonlyMap<bigint, string>;

  /** `executable`: where the executor's own file is mapped. */
  constructor(world: World, executable: Range) {
    this.#world = world;
    this.#executable = executable;
    this.#names = new Map([...world.symbols].map(([name, address]) => [BigInt(address), name]));
  }

  /** Whether this call may do harm that is not the executor's fault. */
  includes(tag: bigint, payload: Uint8Array): boolean {
    const name = this.#names.get(tag);
    if (name === undefined) return !this.#isWrapper(tag);
    const scanner = new Scanner(payload);
    if (name.startsWith(`${B}mem_write`)) return this.#writes(name, scanner);
    if (name.startsWith(`${B}run_as`)) return !this.#callable(scanner.u64());
    switch (name) {
      case `${M}initialize_wrapper`:
      case `${S}Initialize`:
        return this.#initializes(name.startsWith(S), scanner);
      case `${M}deinitialize_wrapper`:
      case `${S}Deinitialize`:
      case `${M}release_wrapper`:
      case `${S}Release`:
        scanner.u64();
        return scanner.list(8).some((address) => this.#isStable(address, 1n));
      case `${OURS}slab_release`:
        return this.#isStable(scanner.u64(), 1n);
      case `${OURS}resolve_ifuncs`:
        return this.#isDynamic(scanner.u64(), scanner.u64());
      case `${OURS}program_run`:
        return this.#runs(scanner);
      case `${OURS}image_load`:
        return this.#loads(scanner);
      case `${D}open_wrapper`:
        scanner.u64();
        scanner.sequence();
        // What deep binding does to a sanitizer, it refuses by ending the process.
        return scanner.u64() === 0x100n;
      default:
        return false;
    }
  }

  #isWrapper(address: bigint): boolean {
    return address === CALL_OUT || this.#callable(address);
  }

  /** Code of the stable memory, or never code at all. */
  #callable(address: bigint): boolean {
    if (address === EMPTY_RESULT || address === SUCCESS || this.#names.has(address)) return true;
    return address < 0x1_0000n || address >= 1n << 47n;
  }

  #isStable(address: bigint, size: bigint): boolean {
    return address < STABLE + STABLE_SIZE && address + size > STABLE;
  }

  #isImage(address: bigint, size: bigint): boolean {
    const { start, size: extent } = this.#world.image;
    return address < BigInt(start + extent) && address + size > BigInt(start);
  }

  /** Whether a range reaches into memory whose contents requests decide. */
  #isDynamic(start: bigint, end: bigint): boolean {
    return this.#world.ever.some((range) => start < range.start + range.size && end > range.start);
  }

  #writes(name: string, scanner: Scanner): boolean {
    const width = /uint(\d+)s/.exec(name)?.[1];
    const size = name.includes("buffers") ? 0 : width === undefined ? 8 : Number(width) / 8;
    const count = scanner.count(8 + (size || 8));
    for (let i = 0; i < count && !scanner.failed; i++) {
      const address = scanner.u64();
      const length = size || scanner.sequence().length;
      if (size) scanner.skip(size);
      if (!this.#writable(address, BigInt(length))) return true;
    }
    return false;
  }

  /** Linked memory, the executable (which executors protect), or nothing at all. */
  #writable(address: bigint, size: bigint): boolean {
    if (this.#isStable(address, size)) return true;
    if (this.#isImage(address, size)) return false;
    const { start, size: extent } = this.#executable;
    if (address >= start && address + size <= start + extent) return true;
    if (this.#world.ever.some((range) => address >= range.start && address + size <= range.start + range.size))
      return true;
    return address + size < start || address >= 1n << 47n;
  }

  #initializes(shared: boolean, scanner: Scanner): boolean {
    scanner.u64();
    if (shared && this.#isStable(scanner.u64(), 1n)) return true;
    let hazard = false;
    const count = scanner.count(shared ? 17 : 25);
    for (let i = 0; i < count; i++) {
      scanner.u8();
      const address = scanner.u64();
      const size = scanner.u64();
      hazard ||= this.#isStable(address, size) || this.#isImage(address, size);
      if (!shared) scanner.sequence();
    }
    for (let i = 2 * scanner.count(32); i > 0; i--) {
      const fn = scanner.u64();
      const argument = scanner.sequence();
      if (fn === 0n) continue;
      hazard ||= !this.#isWrapper(fn) || (this.#names.has(fn) && this.includes(fn, argument));
    }
    return hazard && !scanner.failed;
  }

  #runs(scanner: Scanner): boolean {
    const functions = [scanner.u64()];
    for (let i = scanner.count(8); i > 0; i--) scanner.sequence();
    let hazard = false;
    for (let list = 0; list < 2; list++) {
      for (let i = scanner.count(16); i > 0; i--) {
        const dynamic = this.#isDynamic(scanner.u64(), scanner.u64());
        hazard ||= dynamic;
      }
    }
    const exits = scanner.u8() === 1;
    hazard ||= exits;
    functions.push(...scanner.list(8), ...scanner.list(8));
    const calls = functions.filter((address) => address !== 0n && address !== (1n << 64n) - 1n);
    return !scanner.failed && (hazard || !calls.every((address) => this.#callable(address)));
  }

  /** An image that the loader would take. */
  #loads(scanner: Scanner): boolean {
    scanner.u64();
    scanner.u64();
    const bytes = scanner.sequence();
    return bytes.length > 64 && Buffer.compare(bytes, this.#world.image.bytes) !== 0;
  }
}
