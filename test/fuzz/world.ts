import type { Random } from "../support/mutate.ts";
import { FieldWriter } from "./field-writer.ts";
import { pick } from "./mutate-payload.ts";

/** Memory that no mutated request may change: code that is safe to call, and what initializers and tables point to. */
export const STABLE = 0x5f00_0000n;
export const STABLE_SIZE = 0x4000n;
const DATA = STABLE + 0x1000n;
const SLOTS = STABLE + 0x2000n;

/** Code of the stable memory: an empty wrapper result; a wrapper result that is an SPS Error of success; both answer 0 as functions. */
export const EMPTY_RESULT = STABLE;
export const SUCCESS = STABLE + 0x10n;
/** A wrapper only: its result is what the controller answers to a call of ECHO_TAG with the same arguments. */
export const CALL_OUT = STABLE + 0x40n;
export const ECHO_TAG = 0x1234;
const EMPTY_RESULT_CODE = [0x31, 0xc0, 0x31, 0xd2, 0xc3]; // xor eax, eax; xor edx, edx; ret
const SUCCESS_CODE = [0x31, 0xc0, 0xba, 1, 0, 0, 0, 0xc3]; // xor eax, eax; mov edx, 1; ret

export const INITIALIZERS = { start: DATA, end: DATA + 0x18n };
export const IFUNCS = { start: DATA + 0x100n, end: DATA + 0x120n };
export const FRAMES = { start: DATA + 0x200n, end: DATA + 0x234n };

/** A CIE, an FDE of the stable code, and the end mark. */
export function frameSection(): Uint8Array {
  const out = new FieldWriter().u32(20).u32(0).u8(1).u8(0x7a).u8(0x52).u8(0).u8(1).u8(0x78).u8(16).u8(1).u8(0x1b);
  out.u8(0x0c).u8(7).u8(8).u8(0x90).u8(1).u8(0).u8(0);
  out.u32(20).u32(28).u32(0).u32(16).u8(0).zeros(7);
  return out.u32(0).bytes.slice();
}

export function stableCode(world: World): Uint8Array {
  const page = new Uint8Array(0x60);
  page.set(EMPTY_RESULT_CODE);
  page.set(SUCCESS_CODE, 0x10);
  page.set(callOutCode(world), 0x40);
  return page;
}

/** A wrapper function that asks the controller for its result: dispatch(context, tag, arguments, size). */
function callOutCode(world: World): Uint8Array {
  const low = (name: string): number => Number(world.addressOf(`__llvm_orc_SimpleRemoteEPC_dispatch_${name}`));
  const out = new FieldWriter().raw(Uint8Array.of(0x48, 0x89, 0xf1, 0x48, 0x89, 0xfa)); // mov rcx, rsi; mov rdx, rdi
  out.u8(0xbe).u32(ECHO_TAG).u8(0xbf).u32(low("ctx")); // mov esi, tag; mov edi, context
  return out.u8(0xb8).u32(low("fn")).u8(0xff).u8(0xe0).bytes; // mov eax, dispatch; jmp rax
}

export function stableData(): Uint8Array {
  const page = new Uint8Array(0x1000);
  const words = new BigUint64Array(page.buffer);
  words.set([SUCCESS, 0n, (1n << 64n) - 1n]);
  words.set([SLOTS, SUCCESS, SLOTS + 8n, EMPTY_RESULT], 0x100 / 8);
  page.set(frameSection(), 0x200);
  return page;
}

/** A shared object, and the pages that it was linked for. */
export interface Image {
  bytes: Uint8Array;
  start: number;
  size: number;
}

export interface Range {
  start: bigint;
  size: bigint;
}

export interface Reservation extends Range {
  kind: "memory" | "shared" | "slab";
  /** A slab with a file. */
  backed: boolean;
}

/** What the executor has handed out in this session, as far as its answers told. */
export class World {
  readonly reservations: Reservation[] = [];
  /** All that ever were, also those given up: a page may be somebody's again. */
  readonly ever: Range[] = [];
  readonly keys: bigint[] = [];
  readonly handles: bigint[] = [0n];
  /** Addresses outside of the linked memory that a confused controller could name. */
  foreign: readonly bigint[] = [];
  readonly symbols: ReadonlyMap<string, number>;
  readonly backingPath: string;
  /** What the loader may be given, and nothing else. */
  readonly image: Image;

  constructor(symbols: ReadonlyMap<string, number>, backingPath: string, image: Image) {
    this.symbols = symbols;
    this.backingPath = backingPath;
    this.image = image;
  }

  addressOf(name: string): bigint {
    const address = this.symbols.get(name);
    if (address === undefined) throw new Error(`the executor has no ${name}`);
    return BigInt(address);
  }

  reserved(reservation: Reservation): void {
    this.reservations.push(reservation);
    this.ever.push(reservation);
    if (this.reservations.length > 64) this.reservations.shift();
  }

  finalized(key: bigint): void {
    this.keys.push(key);
    if (this.keys.length > 64) this.keys.shift();
  }

  /** Addresses that the executor has reason to know. */
  values(): bigint[] {
    const values = [...this.foreign, ...this.keys, ...this.handles, STABLE, SUCCESS, DATA];
    for (const { start, size } of this.reservations.slice(-16)) values.push(start, start + size, size);
    return values;
  }

  /** One of the reservations that `wanted` accepts, or a place that is none. */
  somewhere(random: Random, wanted: (reservation: Reservation) => boolean = () => true): Reservation {
    const fitting = this.reservations.filter(wanted);
    if (fitting.length > 0) return pick(fitting, random);
    return { kind: "slab", backed: false, start: 0x6000_0000n, size: 0x10000n };
  }
}
