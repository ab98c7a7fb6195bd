import { UsageError } from "../errors.ts";
import { type CallLayout, callLayout } from "../signature/call-layout.ts";
import type { Signature, TypeTable } from "../signature/native-type.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";
import type { FunctionType, ResolvedSignature } from "../signature/value-type.ts";
import { splitVariableArguments } from "../signature/variable-arguments.ts";
import type { CallTarget } from "./call-target.ts";
import type { Callback, Callbacks } from "./callbacks.ts";
import { checkCallOptions } from "./known-options.ts";
import type { CallOptions } from "./native-functions.ts";
import { scalarCall } from "./scalar-call.ts";

type Call = (...values: unknown[]) => unknown;
type Form = Call & { sync?: Call; async?: Call; with?: (options: CallOptions) => unknown };

/** Makes the JavaScript function for a native one: a LocalFunction or an IsolatedFunction (native-functions.ts). */
export function makeFunction(target: CallTarget, signature: Signature, types?: TypeTable): unknown {
  const resolved = resolveSignature(signature, types);
  return target.calls.isolated ? isolatedForm(target, resolved, types) : localForm(target, resolved, types);
}

function localForm(target: CallTarget, signature: ResolvedSignature, types?: TypeTable): Form {
  const call = new PreparedCall(target, signature, types);
  const sync: Call = (...values) => call.sync(values);
  const form: Form = scalarCall(target.address, signature, sync, target) ?? ((...values) => call.sync(values));
  const async: Call = (...values) => call.async(values);
  form.sync = sync;
  form.async = async;
  return form;
}

function isolatedForm(
  target: CallTarget,
  signature: ResolvedSignature,
  types: TypeTable | undefined,
  options?: CallOptions,
): Form {
  const call = new PreparedCall(target, signature, types, options);
  const form: Form = (...values) => call.async(values);
  const sync: Call = (...values) => call.sync(values);
  const withMore = (more: CallOptions): Form => {
    checkCallOptions(more);
    return isolatedForm(target, signature, types, { ...options, ...more });
  };
  form.sync = sync;
  form.async = form;
  form.with = withMore;
  return form;
}

/** A native function that stands for an argument until it is released. */
interface HeldFunction {
  readonly position: number;
  readonly callback: Callback;
}

/** The same, which may still have to be linked. */
interface PassedFunction {
  readonly position: number;
  readonly callback: Callback | Promise<Callback>;
}

function withAddresses(values: readonly unknown[], held: readonly HeldFunction[]): unknown[] {
  const addresses = values.slice();
  for (const { position, callback } of held) addresses[position] = callback.address;
  return addresses;
}

function release(held: readonly PassedFunction[]): void {
  for (const { callback } of held) {
    if (!(callback instanceof Promise)) callback.release();
    // One that could not be linked is none, and is told of where it is waited for.
    else void callback.then((made) => made.release()).catch(() => {});
  }
}

/** Calls of one function: what depends on the signature alone is found out once. */
class PreparedCall {
  readonly #target: CallTarget;
  readonly #signature: ResolvedSignature;
  readonly #types: TypeTable | undefined;
  readonly #options: CallOptions | undefined;
  readonly #layout: CallLayout;
  /** Parameters that are functions, by position. */
  readonly #functions: readonly (readonly [position: number, type: FunctionType])[];

  constructor(target: CallTarget, signature: ResolvedSignature, types: TypeTable | undefined, options?: CallOptions) {
    this.#target = target;
    this.#signature = signature;
    this.#types = types;
    this.#options = options;
    this.#layout = callLayout(signature);
    this.#functions = signature.parameters.flatMap(({ type }, i) =>
      type.kind === "function" ? [[i, type] as const] : [],
    );
  }

  sync(values: readonly unknown[]): unknown {
    this.#target.check(this.#signature.name);
    if (this.#options?.signal !== undefined) {
      throw new UsageError("a signal cannot come while `sync` waits: give it a timeout, or call asynchronously");
    }
    const { calls, address } = this.#target;
    const [layout, given] = this.#signature.variadic ? this.#variable(values) : [this.#layout, values];
    if (!this.#takesFunctions(given)) return calls.callSync(address, layout, given, this.#options);
    const held: PassedFunction[] = [];
    try {
      this.#hold(given, calls.callbacks(), held);
      if (held.some(({ callback }) => callback instanceof Promise)) {
        throw new UsageError("the executor's memory is not shared: functions are passed by asynchronous calls only");
      }
      return calls.callSync(address, layout, withAddresses(given, held as HeldFunction[]), this.#options);
    } finally {
      release(held);
    }
  }

  async async(values: readonly unknown[]): Promise<unknown> {
    this.#target.check(this.#signature.name);
    if (this.#target.calls.failure !== undefined) await this.#target.revive();
    const { calls, address } = this.#target;
    const [layout, given] = this.#signature.variadic ? this.#variable(values) : [this.#layout, values];
    if (!this.#takesFunctions(given)) return calls.call(address, layout, given, this.#options);
    await calls.openChannel();
    const held: PassedFunction[] = [];
    try {
      this.#hold(given, calls.callbacks(), held);
      const ready = await Promise.all(
        held.map(async ({ position, callback }) => ({ position, callback: await callback })),
      );
      return await calls.call(address, layout, withAddresses(given, ready), this.#options);
    } finally {
      release(held);
    }
  }

  /** Adds native functions for the JavaScript functions among the arguments; Promises only where thunks have to be linked. */
  #hold(values: readonly unknown[], callbacks: Callbacks, held: PassedFunction[]): void {
    for (const [position, type] of this.#functions) {
      if (typeof values[position] !== "function") continue;
      held.push({ position, callback: callbacks.hold(values[position] as Call, type) });
    }
  }

  #takesFunctions(values: readonly unknown[]): boolean {
    return this.#functions.length > 0 && this.#functions.some(([i]) => typeof values[i] === "function");
  }

  #variable(values: readonly unknown[]): [CallLayout, readonly unknown[]] {
    const { values: given, variable } = splitVariableArguments(this.#signature, values, this.#types);
    return [callLayout(this.#signature, variable), given];
  }
}
