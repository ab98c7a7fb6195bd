import { LinkError } from "../errors.ts";
import { viewSymbol } from "../orc/view-symbol.ts";
import type { ExecutorMemory } from "../runtime-memory/executor-memory.ts";
import type { TypedArrayConstructor, TypedArrayOf } from "../runtime-memory/typed-array.ts";
import type { NoTypes } from "../signature/inferred.ts";
import type { Signature, TypeTable } from "../signature/native-type.ts";
import { runFinalizers } from "./initializers.ts";
import type { Module } from "./module.ts";
import { makeFunction } from "./native-function.ts";
import type { IsolatedFunction, LocalFunction, NativeFunctions, Signatures } from "./native-functions.ts";
import type { LinkedModule, Session } from "./session.ts";

/** How an instance was made, for itself. */
export interface InstanceParts {
  readonly module: Module;
  readonly session: Session;
  readonly linked: LinkedModule;
  /** The session is the instance's own, and ends with it. */
  readonly ownsSession: boolean;
  readonly types: TypeTable | undefined;
  readonly signatures: Signatures;
}

/**
 * A module that is linked into a process and whose constructors have run. `dispose` (or `await using`) runs its destructors and takes it out
 * again.
 */
export class Instance<
  E extends Signatures = Signatures,
  Isolated extends boolean = boolean,
  T extends TypeTable = NoTypes,
> {
  readonly module: Module;
  readonly session: Session<Isolated>;
  /** The functions for which `instantiate` was given signatures. */
  readonly exports: NativeFunctions<E, Isolated, T>;
  readonly #parts: InstanceParts;
  #isDisposed = false;

  /** @internal */
  constructor(parts: InstanceParts) {
    this.module = parts.module;
    this.session = parts.session as Session<Isolated>;
    this.#parts = parts;
    const functions = Object.entries(parts.signatures).map(([name, signature]) => [
      name,
      this.function(name, signature),
    ]);
    this.exports = Object.freeze(Object.fromEntries(functions));
  }

  /** The executor's memory by its addresses. */
  get memory(): ExecutorMemory {
    return this.session.execution.memory;
  }

  /** Address of a linked symbol. Errors: LinkError with code "undefined-symbol". */
  address(name: string): number {
    const { dylib, job } = this.#parts.linked;
    const address = dylib.find(name) ?? job.address(name);
    if (address !== undefined) return address;
    throw new LinkError(
      "undefined-symbol",
      `${name} is not among the symbols that have been linked (a member of an archive is linked when \`exports\` or \`symbols\` name what it defines)`,
    );
  }

  /**
   * A typed array over a variable, by its name, or over `length` elements at an address: the memory that the code uses. Errors: RangeError when
   * it does not fit the variable or its alignment; UsageError for functions, constants and thread-local variables; LinkError.
   */
  view<C extends TypedArrayConstructor>(variable: string, type: C, length?: number): TypedArrayOf<C> {
    return viewSymbol(this.session.execution, this.#parts.linked.dylib, variable, type, length);
  }

  /** A function by its symbol's name or address. Errors: LinkError; TypeError for a signature that is none. */
  function<const S extends Signature>(
    target: string | number,
    signature: S,
  ): Isolated extends true ? IsolatedFunction<S, T> : LocalFunction<S, T> {
    const address = typeof target === "number" ? target : this.address(target);
    const { session, types } = this.#parts;
    // biome-ignore lint/suspicious/noExplicitAny: the types have been computed from the signature's
    return makeFunction(session.calls, address, signature, types) as any;
  }

  /** Runs what the module's code has left to be run at its end, and takes it out of the process; ends the session if it is the instance's own. */
  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { session, linked, ownsSession } = this.#parts;
    try {
      if (!session.hasEnded) {
        await runFinalizers(linked.job.layout, this.memory, session.execution.epc, session.calls.run);
        if (!ownsSession) await session.unlink(linked);
      }
    } finally {
      if (ownsSession) await session.dispose();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
