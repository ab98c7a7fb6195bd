// The call block: memory that a shim, a thunk and TypeScript share for one call.
//
//     0        the result: up to 16 bytes as they come in registers, or the whole struct when it is returned in memory
//     16 …     the arguments in order, each at a multiple of 8, of 16 where its alignment asks for it
//
// Values have their own width; the machine code extends them. Whoever makes the block aligns it to 16.

import { alignUp } from "../bytes/address.ts";
import type { Place } from "./integer-codec.ts";
import { layoutKey } from "./layout-key.ts";
import type { PointerContext } from "./pointer-context.ts";
import { MOST_BYTES } from "./struct-layout.ts";
import { readUsual, Usual, usualOf, writeUsual } from "./usual-values.ts";
import { type Decoder, decoderOf, type Encoder, encoderOf } from "./value-codec.ts";
import type { Parameter, ResolvedSignature, ValueType } from "./value-type.ts";

export type { PointerContext } from "./pointer-context.ts";

/** Bytes at a block's start that every result has: two registers. */
const RESULT_SIZE = 16;

/** Where a parameter's value lies in the block. */
export interface BlockSlot {
  /** Bytes from the block's start. */
  readonly offset: number;
  /** What lies there. */
  readonly type: ValueType;
}

/** How one signature's values lie in a call block. All offsets are bytes; `offset` is where the block begins in `view`. */
export interface CallLayout {
  /** Whose values these are. */
  readonly signature: ResolvedSignature;
  /** Letters, digits and "_"; where it is equal, shim and thunk have the same code. */
  readonly key: string;
  /** A multiple of 16. */
  readonly blockSize: number;
  /** The arguments, variable ones included. */
  readonly slots: readonly BlockSlot[];
  /** Errors: TypeError for a wrong kind or count, RangeError for what does not fit; both name the parameter. */
  encodeArguments(values: readonly unknown[], view: DataView, offset: number, pointers: PointerContext): void;
  /** undefined for void. */
  decodeResult(view: DataView, offset: number, pointers: PointerContext): unknown;
  /** The arguments of a call from linked code, at `offset` of the view. */
  decodeArguments(view: DataView, offset: number, pointers: PointerContext): unknown[];
  /** Errors: as of encodeArguments. */
  encodeResult(value: unknown, view: DataView, offset: number, pointers: PointerContext): void;
}

const layouts = new WeakMap<ResolvedSignature, Map<string, CallLayout>>();

/**
 * The layout of calls with a signature and, where it is variadic, further arguments of these types; made once for each.
 * Errors: TypeError for variable arguments where the signature has none, and for more than 64 KiB by value.
 */
export function callLayout(signature: ResolvedSignature, variable: readonly ValueType[] = []): CallLayout {
  if (variable.length > 0 && !signature.variadic) {
    throw new TypeError(`${signature.name ?? "a function"} takes no variable arguments, ${variable.length} are given`);
  }
  let known = layouts.get(signature);
  if (known === undefined) {
    known = new Map();
    layouts.set(signature, known);
  }
  const name = variable.map(({ kind, size }) => `${kind}${size}`).join();
  // Structs of one size may differ in their members, and functions in their signatures.
  const isScalar = variable.every(({ kind }) => kind !== "struct" && kind !== "function");
  let layout = isScalar ? known.get(name) : undefined;
  if (layout === undefined) {
    layout = new Layout(signature, variable);
    if (isScalar) known.set(name, layout);
  }
  return layout;
}

class Layout implements CallLayout {
  readonly signature: ResolvedSignature;
  readonly key: string;
  readonly blockSize: number;
  readonly slots: readonly BlockSlot[];
  readonly #offsets: readonly number[];
  readonly #usual: readonly number[];
  readonly #usualResult: number;
  readonly #encoders: readonly Encoder[];
  readonly #decoders: readonly Decoder[];
  readonly #encodeResult: Encoder;
  readonly #decodeResult: Decoder;

  constructor(signature: ResolvedSignature, variable: readonly ValueType[]) {
    this.signature = signature;
    const { result } = signature;
    const parameters: Parameter[] = [...signature.parameters, ...variable.map((type) => ({ name: undefined, type }))];
    const types = parameters.map(({ type }) => type);
    let end = alignUp(Math.max(result?.size ?? 0, RESULT_SIZE), RESULT_SIZE);
    this.slots = types.map((type) => {
      const offset = alignUp(end, Math.max(type.alignment, 8));
      end = offset + type.size;
      return { offset, type };
    });
    this.blockSize = alignUp(end, 16);
    if (this.blockSize > MOST_BYTES) {
      const what = signature.name ?? "a function";
      throw new TypeError(`${what} passes ${this.blockSize} bytes by value, ${MOST_BYTES} is the most: pass pointers`);
    }
    this.key = layoutKey(types, result);
    this.#offsets = this.slots.map(({ offset }) => offset);
    this.#usual = types.map(usualOf);
    this.#usualResult = result === undefined ? Usual.none : usualOf(result);
    this.#encoders = parameters.map(({ name, type }, i) => encoderOf(type, () => argumentPlace(signature, i, name)));
    this.#decoders = types.map(decoderOf);
    const resultPlace: Place = () => `the result${signature.name === undefined ? "" : ` of ${signature.name}`}`;
    this.#encodeResult = result === undefined ? () => {} : encoderOf(result, resultPlace);
    this.#decodeResult = result === undefined ? () => undefined : decoderOf(result);
  }

  encodeArguments(values: readonly unknown[], view: DataView, offset: number, pointers: PointerContext): void {
    const encoders = this.#encoders;
    if (values.length !== encoders.length) throw this.#countError(values.length);
    for (let i = 0; i < encoders.length; i++) {
      const at = offset + this.#offsets[i];
      if (!writeUsual(this.#usual[i], values[i], view, at)) encoders[i](values[i], view, at, pointers);
    }
  }

  decodeResult(view: DataView, offset: number, pointers: PointerContext): unknown {
    return readUsual(this.#usualResult, view, offset) ?? this.#decodeResult(view, offset, pointers);
  }

  decodeArguments(view: DataView, offset: number, pointers: PointerContext): unknown[] {
    const values: unknown[] = [];
    for (let i = 0; i < this.#decoders.length; i++) {
      const at = offset + this.#offsets[i];
      values.push(readUsual(this.#usual[i], view, at) ?? this.#decoders[i](view, at, pointers));
    }
    return values;
  }

  encodeResult(value: unknown, view: DataView, offset: number, pointers: PointerContext): void {
    if (!writeUsual(this.#usualResult, value, view, offset)) this.#encodeResult(value, view, offset, pointers);
  }

  #countError(given: number): TypeError {
    const { length } = this.#encoders;
    return new TypeError(
      `${this.signature.name ?? "a function"} takes ${length} ${length === 1 ? "argument" : "arguments"}, ${given} are given`,
    );
  }
}

function argumentPlace(signature: ResolvedSignature, index: number, name: string | undefined): string {
  const what = name === undefined ? `argument ${index + 1}` : `argument ${index + 1} (${name})`;
  return signature.name === undefined ? what : `${signature.name}: ${what}`;
}
