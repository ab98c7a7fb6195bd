import { alignUp } from "../bytes/address.ts";
import { bufferAddress } from "../host/buffer-address.ts";
import type { NativeFunction } from "../host/koffi.ts";
import { nativeFunction } from "../host/native-function.ts";
import type { CallLayout } from "../signature/call-layout.ts";
import type { PointerContext } from "../signature/pointer-context.ts";
import type { ValueType } from "../signature/value-type.ts";
import type { CodePool } from "./code-pool.ts";

/** What a call block is aligned to (x86_64-call.ts). */
const BLOCK_ALIGNMENT = 16;
const FIRST_SIZE = 4096;

/**
 * Calls functions of this process on this thread, through shims and a call block: the way for values that koffi is not given as they are.
 * Nothing that is called comes back into JavaScript here, so there is one block.
 */
export class BlockCaller {
  readonly #pool: CodePool;
  readonly #pointers: LocalPointers;
  readonly #shims = new Map<number, NativeFunction>();
  #view = new DataView(new ArrayBuffer(0));
  #address = 0;

  constructor(pool: CodePool, readString: PointerContext["readString"]) {
    this.#pool = pool;
    this.#pointers = new LocalPointers(readString);
  }

  /** Errors: TypeError and RangeError about the values. */
  call(target: number, layout: CallLayout, values: readonly unknown[]): unknown {
    if (layout.blockSize > this.#view.byteLength) this.#grow(layout.blockSize);
    const view = this.#view;
    try {
      layout.encodeArguments(values, view, 0, this.#pointers);
      this.#shim(layout)(this.#address, target);
      return layout.decodeResult(view, 0, this.#pointers);
    } finally {
      this.#pointers.release();
    }
  }

  #shim(layout: CallLayout): NativeFunction {
    const address = this.#pool.shim(layout);
    let shim = this.#shims.get(address);
    if (shim === undefined) {
      shim = nativeFunction(address, "void", ["intptr_t", "intptr_t"]);
      this.#shims.set(address, shim);
    }
    return shim;
  }

  #grow(size: number): void {
    const buffer = new ArrayBuffer(Math.max(size, FIRST_SIZE) + BLOCK_ALIGNMENT);
    const start = bufferAddress(buffer);
    const block = alignUp(start, BLOCK_ALIGNMENT);
    this.#view = new DataView(buffer, block - start);
    this.#address = block;
  }
}

/** Values in JavaScript's own memory are passed where they are. */
class LocalPointers implements PointerContext {
  readonly readString: PointerContext["readString"];
  /** Strings of the call that goes on: nobody else holds them. */
  readonly #texts: Uint8Array[] = [];

  constructor(readString: PointerContext["readString"]) {
    this.readString = readString;
  }

  addressOf(value: unknown, type: ValueType): number {
    if (typeof value === "string") {
      const text = Buffer.from(`${value}\0`);
      this.#texts.push(text);
      return bufferAddress(text);
    }
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
      return bufferAddress(value);
    }
    throw new TypeError(`a ${type.kind} cannot be ${typeof value === "function" ? "a function here" : typeof value}`);
  }

  release(): void {
    if (this.#texts.length > 0) this.#texts.length = 0;
  }
}
