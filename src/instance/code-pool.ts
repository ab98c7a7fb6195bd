import { type CallCode, IMPORT_FUNCTION, shimCode, thunkCode } from "../arch/x86_64-call.ts";
import { alignUp, hex } from "../bytes/address.ts";
import { LinkError, SlablinkError } from "../errors.ts";
import { Protection } from "../host/mapping.ts";
import type { FinalizedAlloc } from "../memory/jitlink-memory-manager.ts";
import type { ExecutionSession } from "../orc/execution-session.ts";
import type { CallLayout } from "../signature/call-layout.ts";

/** Room for some hundreds of functions. */
const CHUNK_SIZE = 64 * 1024;
/** A processor fetches code from multiples of this. */
const ALIGNMENT = 16;
/** What is not used yet: int3, in case something jumps there. */
const UNUSED = 0xcc;
/** The psABI's PC32 form, which calls have: S + A − P in 32 bits. */
const FIELD_SIZE = 4;

interface Chunk {
  readonly alloc: FinalizedAlloc;
  readonly address: number;
  /** The same pages, writable: the code's own mapping never is. */
  readonly bytes: Uint8Array;
  used: number;
}

/**
 * Machine code around calls, made when a call first wants it and written into pages that the executor has mapped already: no request, so
 * that a synchronous call can do it. Only for memory that this process shares with the executor, or its own.
 */
export class CodePool {
  readonly #session: ExecutionSession;
  readonly #chunks: Chunk[] = [];
  readonly #shims = new Map<string, number>();
  #growing: Promise<void> | undefined;
  /** Address of `__slablink_import`, once there is a call channel. */
  importFunction: number | undefined;

  /** `session`: whose backtraces end in these functions. */
  constructor(session: ExecutionSession) {
    this.#session = session;
  }

  /** Makes room for the next functions, if there is little left; to be awaited before the first. */
  async prepare(): Promise<void> {
    if (this.#room() >= CHUNK_SIZE / 2) return;
    this.#growing ??= this.#grow().finally(() => {
      this.#growing = undefined;
    });
    await this.#growing;
  }

  /** The shim for calls of a layout. Errors: code "memory" when a great many have been wanted in one turn of the event loop. */
  shim(layout: CallLayout): number {
    let address = this.#shims.get(layout.key);
    if (address === undefined) {
      address = this.#place(shimCode(layout));
      this.#shims.set(layout.key, address);
    }
    return address;
  }

  /** A function with the C signature of a layout that calls import `id` of the call channel. Errors: as of `shim`. */
  thunk(layout: CallLayout, id: number): number {
    return this.#place(thunkCode(layout, id));
  }

  /** Gives its pages back; none of its functions may be used any more. */
  async dispose(): Promise<void> {
    this.#shims.clear();
    await this.#session.memoryManager.deallocate(this.#chunks.splice(0).map(({ alloc }) => alloc));
  }

  #room(): number {
    const last = this.#chunks.at(-1);
    return last === undefined ? 0 : CHUNK_SIZE - last.used;
  }

  async #grow(): Promise<void> {
    const alloc = await this.#session.memoryManager.allocate({
      size: CHUNK_SIZE,
      alignment: ALIGNMENT,
      name: "call shims",
    });
    const { address, memory } = alloc;
    const bytes = memory.bytes.subarray(address - memory.base, address - memory.base + CHUNK_SIZE);
    bytes.fill(UNUSED);
    const protection = Protection.read | Protection.exec;
    const segment = { address, contentSize: CHUNK_SIZE, zeroFillSize: 0, protection };
    this.#session.callCode.push({ start: address, end: address + CHUNK_SIZE });
    this.#chunks.push({ alloc: await alloc.finalize([segment], []), address, bytes, used: 0 });
  }

  #place({ bytes, relocations }: CallCode): number {
    const chunk = this.#chunks.at(-1);
    const at = chunk === undefined ? 0 : chunk.used;
    if (chunk === undefined || at + bytes.length > CHUNK_SIZE) {
      throw new SlablinkError(
        "memory",
        `${CHUNK_SIZE} bytes for call shims are used up, and more come with the event loop's next turn`,
      );
    }
    const address = chunk.address + at;
    chunk.bytes.set(bytes, at);
    const view = new DataView(chunk.bytes.buffer, chunk.bytes.byteOffset + at, bytes.length);
    for (const { offset, symbol, addend } of relocations) {
      if (symbol !== IMPORT_FUNCTION || this.importFunction === undefined) {
        throw new LinkError("undefined-symbol", `call shims refer to ${symbol}, which is not there`);
      }
      if (offset + FIELD_SIZE > bytes.length)
        throw new LinkError("relocation", `${symbol}: outside of the shim's code`);
      const distance = this.importFunction + addend - (address + offset);
      if (distance !== (distance | 0))
        throw new LinkError("relocation", `${symbol} is ${hex(distance)} away from its caller`);
      view.setInt32(offset, distance, true);
    }
    chunk.used = alignUp(at + bytes.length, ALIGNMENT);
    if (this.#room() < CHUNK_SIZE / 2) this.prepare().catch(() => {}); // Who finds no room says so.
    return address;
  }
}
