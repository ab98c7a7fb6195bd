import { IMPORT_FUNCTION } from "../arch/x86_64-call.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ExecutorError } from "../errors.ts";
import { shimName, writeCallObject } from "../formats/elf/call-object.ts";
import type { ExecutionSession } from "../orc/execution-session.ts";
import type { JITDylib } from "../orc/jit-dylib.ts";
import type { CallLayout } from "../signature/call-layout.ts";
import type { CodePool } from "./code-pool.ts";

/** Where the machine code around calls comes from. */
export interface Shims {
  /** The shim for calls of a layout, at once. Errors: ExecutorError where it would have to be linked first. */
  shim(layout: CallLayout): number;
  /** Makes the shims there. */
  prepare(layouts: readonly CallLayout[]): Promise<void>;
  /** A function that calls an import of the call channel, by its number. */
  thunk(layout: CallLayout, id: number): number | Promise<number>;
  dispose(): Promise<void>;
}

/** Shims in memory that this process shares with the executor. */
export function sharedShims(pool: CodePool): Shims {
  return {
    shim: (layout) => pool.shim(layout),
    prepare: () => pool.prepare(),
    thunk: (layout, id) => pool.thunk(layout, id),
    dispose: () => pool.dispose(),
  };
}

/** Shims for an executor whose memory is filled by messages: objects that are linked, before a call can be made. */
export class LinkedShims implements Shims {
  readonly #session: ExecutionSession;
  readonly #importFunction: number;
  readonly #addresses = new Map<string, number>();
  readonly #dylibs: JITDylib[] = [];

  constructor(session: ExecutionSession, importFunction: number) {
    this.#session = session;
    this.#importFunction = importFunction;
  }

  shim(layout: CallLayout): number {
    const address = this.#addresses.get(layout.key);
    if (address !== undefined) return address;
    const { name, variadic } = layout.signature;
    const how = variadic
      ? `${name ?? "a function"} is called asynchronously with variable arguments of these types before it can be called with them by \`sync\``
      : "a function is called asynchronously before it can be called by `sync`, or named in `exports`";
    throw new ExecutorError(`the executor's memory is not shared, so ${how}`);
  }

  async prepare(layouts: readonly CallLayout[]): Promise<void> {
    const missing = layouts.filter(({ key }) => !this.#addresses.has(key));
    if (missing.length === 0) return;
    const found = await this.#link(writeCallObject(missing), missing.map(shimName));
    for (const layout of missing) this.#addresses.set(layout.key, found.get(shimName(layout))!);
  }

  async thunk(layout: CallLayout, id: number): Promise<number> {
    const name = `__slablink_callback_${id}`;
    return (await this.#link(writeCallObject([], [{ name, layout, id }]), [name])).get(name)!;
  }

  async dispose(): Promise<void> {
    for (const dylib of this.#dylibs.splice(0)) await this.#session.removeJITDylib(dylib);
  }

  async #link(object: Uint8Array, names: readonly string[]): Promise<Map<string, number>> {
    const dylib = this.#session.createJITDylib(`slablink-shims-${this.#dylibs.length}`);
    this.#dylibs.push(dylib);
    dylib.define(IMPORT_FUNCTION, this.#importFunction);
    dylib.addObject(ByteReader.of(object, "call shims"));
    return this.#session.lookup(dylib, names);
  }
}
