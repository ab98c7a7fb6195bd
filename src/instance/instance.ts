import { ExecutorError, LinkError, UsageError } from "../errors.ts";
import type { JITDylib } from "../orc/jit-dylib.ts";
import type { Replacement } from "../orc/replace/replaceable-objects.ts";
import { viewAddress, viewSymbol } from "../orc/view-symbol.ts";
import type { ExecutorMemory } from "../runtime-memory/executor-memory.ts";
import type { TypedArrayConstructor, TypedArrayOf } from "../runtime-memory/typed-array.ts";
import type { ImportFunctionOf, NoTypes } from "../signature/inferred.ts";
import type { Signature, TypeTable } from "../signature/native-type.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";
import { functionType } from "../signature/value-type.ts";
import { CallTarget, type CodeLife } from "./call-target.ts";
import type { Callback } from "./callbacks.ts";
import { type CompileOptions, compile, type ModuleInput, SECTIONS } from "./compile.ts";
import type { Import } from "./import-function.ts";
import { flushOutput, LastCalls, runFinalizers } from "./initializers.ts";
import { COMPILE_OPTIONS, checkOptions, optionsOf, REPLACE_OPTIONS } from "./known-options.ts";
import { type InstanceRecipe, linkInstance } from "./link-instance.ts";
import { linkWithImports } from "./link-with-imports.ts";
import type { Module } from "./module.ts";
import { makeFunction } from "./native-function.ts";
import type { IsolatedFunction, LocalFunction, NativeFunctions, Signatures } from "./native-functions.ts";
import { type ObjectVersion, versionOf } from "./object-version.ts";
import type { LinkedModule, Session } from "./session.ts";

/** How a new version of an object is made. */
export interface ReplaceOptions extends CompileOptions {
  /** Imports that the version needs and the instance does not have, or others in place of those that it has: as of `instantiate`. */
  readonly imports?: { readonly [name: string]: Import };
}

/** How an instance was made, for itself. */
export interface InstanceParts {
  readonly recipe: InstanceRecipe;
  readonly session: Session;
  readonly linked: LinkedModule;
  /** The session is the instance's own, and ends with it. */
  readonly ownsSession: boolean;
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
  /** What was linked. */
  readonly module: Module;
  /** Where it was linked to. */
  readonly session: Session<Isolated>;
  /** The functions for which `instantiate` was given signatures. */
  readonly exports: NativeFunctions<E, Isolated, T>;
  #recipe: InstanceRecipe;
  readonly #ownsSession: boolean;
  /** By symbol, one for all functions that have been made for it. */
  readonly #targets = new Map<string, CallTarget>();
  /** New versions of objects, in their order: their bytes are read as long as they are linked. */
  readonly #versions: ObjectVersion[] = [];
  #linked: LinkedModule;
  readonly #life: CodeLife = { isOver: false };
  #ending: Promise<void> | undefined;

  /** @internal */
  constructor({ recipe, session, linked, ownsSession }: InstanceParts) {
    this.module = recipe.module;
    this.session = session as Session<Isolated>;
    this.#recipe = recipe;
    this.#ownsSession = ownsSession;
    this.#linked = linked;
    const functions = Object.entries(recipe.signatures).map(([name, signature]) => [
      name,
      this.function(name, signature),
    ]);
    this.exports = Object.freeze(Object.fromEntries(functions));
    session.add(this);
  }

  /** The executor's memory by its addresses. */
  get memory(): ExecutorMemory {
    return this.session.execution.memory;
  }

  /** Address of a linked symbol. Errors: LinkError with code "undefined-symbol"; ExecutorError when its executor has ended. */
  address(name: string): number {
    this.#check(name);
    return this.#addressOf(name);
  }

  #addressOf(name: string): number {
    const { dylib, job } = this.#linked;
    const address = dylib.find(name) ?? job.address(name);
    if (address !== undefined) return address;
    throw new LinkError(
      "undefined-symbol",
      `${name} is not among the symbols that have been linked (a member of an archive is linked when \`exports\` or \`symbols\` name what it defines)`,
    );
  }

  /**
   * A typed array over a variable, by its name, or over `length` elements at an address: the memory that the code uses. What is at an address
   * that no variable or `session.allocate` has is read and written by its elements where it is not this process's memory (`RemoteArray`). Errors:
   * RangeError when it does not fit the variable or its alignment; UsageError for functions, constants and thread-local variables; LinkError;
   * ExecutorError when the executor has ended.
   */
  view<C extends TypedArrayConstructor>(variable: string, type: C, length?: number): TypedArrayOf<C>;
  view<C extends TypedArrayConstructor>(address: number, type: C, length: number): TypedArrayOf<C>;
  view<C extends TypedArrayConstructor>(where: string | number, type: C, length?: number): TypedArrayOf<C> {
    const { execution } = this.session;
    this.#check(typeof where === "string" ? where : "view");
    if (typeof where === "string") return viewSymbol(execution, this.#linked.dylib, where, type, length);
    return viewAddress(execution, where, type, length ?? 1);
  }

  /** A function by its symbol's name or address. Errors: LinkError; TypeError for a signature that is none; ExecutorError when the executor has ended. */
  function<const S extends Signature>(
    target: string | number,
    signature: S,
  ): Isolated extends true ? IsolatedFunction<S, T> : LocalFunction<S, T> {
    this.#check(typeof target === "string" ? target : "function");
    const place = typeof target === "number" ? this.#fixed(target) : this.#target(target);
    // biome-ignore lint/suspicious/noExplicitAny: the types have been computed from the signature's
    return makeFunction(place, signature, this.#recipe.types) as any;
  }

  /**
   * A native function that calls a JavaScript one, for code that keeps its address: until it is released, or the session ends. Errors: TypeError
   * for a signature that is none; ExecutorError when the executor has ended.
   */
  async callback<const S extends Signature>(signature: S, handler: ImportFunctionOf<S, T>): Promise<Callback> {
    this.#check("callback");
    const { callbacks } = await this.session.calls.openChannel();
    return callbacks.hold(
      handler as (...values: unknown[]) => unknown,
      functionType(resolveSignature(signature, this.#recipe.types)),
    );
  }

  /**
   * Exchanges one of the module's objects for a new version of it, which is told by its name, while code runs: calls from now on go to the new
   * functions, variables keep their values (docs/replacement.md). Errors: UsageError for an object that the module does not have, or an instance
   * that is not `replaceable`; LinkError and its kin: everything is as before then.
   */
  async replace(input: ModuleInput, options: ReplaceOptions = {}): Promise<Replacement> {
    this.#checkLife("replace");
    if (!this.#recipe.replaceable) {
      throw new UsageError("replace: the instance was not made to be changed: instantiate it with `replaceable: true`");
    }
    checkOptions("replace", options, REPLACE_OPTIONS);
    const flags = [...SECTIONS, ...(options.flags ?? [])];
    const version = await compile(input, { ...optionsOf<CompileOptions>(options, COMPILE_OPTIONS), flags });
    const { replaced, reader } = versionOf(version, this.module);
    const { session } = this;
    await session.revive();
    this.#check("replace");
    // What is begun in one executor is not gone on with in another.
    const [{ execution }, linked] = [session, this.#linked];
    const { types } = this.#recipe;
    const given = Object.entries(options.imports ?? {});
    const imports = Object.fromEntries(given.filter(([name, value]) => this.#recipe.imports[name] !== value));
    const done = await linkWithImports(session, linked, { imports, types }, (beside) =>
      execution.replace(linked.dylib, reader, beside),
    );
    this.#recipe = { ...this.#recipe, imports: { ...this.#recipe.imports, ...imports } };
    this.#versions.push({ module: version, replaced, reader });
    return done;
  }

  /**
   * Runs what the module's code has left to be run at its end, and takes it out of the process; ends the session if it is the instance's own.
   * Errors: UsageError, with nothing done, while instances are there that were linked with this one, and for a pool's member; ExecutorError when
   * it is this code that ends the executor. One that has ended for another reason is none.
   */
  async dispose(): Promise<void> {
    if (this.#ownsSession && this.session.isPooled) {
      throw new UsageError(
        `${this.module.files.join(", ")}: dispose: the instance is a pool's: resize or dispose of the pool`,
      );
    }
    return this.end();
  }

  /** @internal `dispose`, of a pool's member as well. */
  end(): Promise<void> {
    this.#ending ??= this.#end().finally(() => {
      if (!this.#life.isOver) this.#ending = undefined;
    });
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { session } = this;
    // It is linked again at this moment, or others that need it are. A session of its own ends in the middle of that.
    if (!this.#ownsSession && session.isRestarting) await session.settle();
    if (!this.#ownsSession && session.has(this.#linked) && session.isUsed(this)) {
      throw new UsageError(
        `${this.module.files.join(", ")}: other instances are linked with it, and have to be disposed of first`,
      );
    }
    this.#life.isOver = true;
    session.remove(this);
    try {
      if (session.has(this.#linked)) await session.finish(() => this.#finish());
    } finally {
      if (this.#ownsSession) await session.end();
    }
  }

  /** Does what is left to do in an executor that is there. */
  async #finish(): Promise<void> {
    const { session } = this;
    const { execution, calls } = session;
    const last = new LastCalls(calls);
    try {
      await runFinalizers(this.#linked.job.layout, this.memory, execution.epc, last.run);
      if (session.isolated) await flushOutput(this.memory, execution.epc, last.run);
      if (!this.#ownsSession) await session.unlink(this.#linked);
    } catch (error) {
      if (!(error instanceof ExecutorError) || (last.haveEnded && !session.hasLeft(calls))) throw error;
    }
  }

  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** @internal It has been copied from another session's executor. */
  get isCopy(): boolean {
    return this.#linked.job.isCopy;
  }

  /** @internal Where other instances of its session find what it defines. */
  get dylib(): JITDylib {
    return this.#linked.dylib;
  }

  /** @internal Whether its code refers to another one's. */
  isLinkedWith(other: object): boolean {
    return this.#recipe.link.some((each) => each === other);
  }

  /** @internal Links it into the executor that the session has now. */
  async relink(): Promise<void> {
    this.#linked = await linkInstance(this.session, this.#recipe);
    const last = new Map(this.#versions.map(({ replaced, reader }) => [replaced, reader]));
    for (const reader of last.values()) await this.session.execution.replace(this.#linked.dylib, reader);
    for (const [name, target] of this.#targets) {
      target.address = this.#addressOf(name);
      target.calls = this.session.calls;
    }
  }

  /** Errors: UsageError after `dispose`; ExecutorError when the session has ended, or what was linked into it is not there. */
  #check(what: string): void {
    this.#checkLife(what);
    this.session.check(this.#linked, what);
  }

  #checkLife(what: string): void {
    if (this.#life.isOver) throw new UsageError(`${what}: the instance has been disposed of`);
    if (this.session.isDisposed) throw new ExecutorError("the session has ended");
  }

  #target(name: string): CallTarget {
    let target = this.#targets.get(name);
    if (target === undefined) {
      target = new CallTarget(this.#addressOf(name), this.session.calls, this.#life, () => this.session.revive());
      this.#targets.set(name, target);
    }
    return target;
  }

  /** An address means nothing in another executor. */
  #fixed(address: number): CallTarget {
    return new CallTarget(address, this.session.calls, this.#life, async () => {});
  }
}
