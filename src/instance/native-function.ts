import { UsageError } from "../errors.ts";
import { type CallLayout, callLayout } from "../signature/call-layout.ts";
import type { Signature, TypeTable } from "../signature/native-type.ts";
import { resolveSignature } from "../signature/resolve-signature.ts";
import type { FunctionType, ResolvedSignature } from "../signature/value-type.ts";
import { splitVariableArguments } from "../signature/variable-arguments.ts";
import type { CallTarget } from "./call-target.ts";
import type { Callback } from "./callbacks.ts";
import { CALL_OPTIONS, checkOptions } from "./known-options.ts";
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
  form.sync = sync;
  form.async = (...values) => call.async(values);
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
  form.sync = (...values) => call.sync(values);
  form.async = form;
  form.with = (more) => {
    checkOptions("with", more, CALL_OPTIONS);
    return isolatedForm(target, signature, types, { ...options, ...more });
  };
  return form;
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
    const callbacks: Callback[] = [];
    try {
      const addresses = given.slice();
      for (const [i, type] of this.#functions) {
        if (typeof given[i] !== "function") continue;
        const callback = calls.callbacks().hold(given[i] as Call, type);
        if (callback instanceof Promise) {
          throw new UsageError("the executor's memory is not shared: functions are passed by asynchronous calls only");
        }
        callbacks.push(callback);
        addresses[i] = callback.address;
      }
      return calls.callSync(address, layout, addresses, this.#options);
    } finally {
      for (const callback of callbacks) callback.release();
    }
  }

  async async(values: readonly unknown[]): Promise<unknown> {
    this.#target.check(this.#signature.name);
    if (this.#target.calls.failure !== undefined) await this.#target.revive();
    const { calls, address } = this.#target;
    const [layout, given] = this.#signature.variadic ? this.#variable(values) : [this.#layout, values];
    if (!this.#takesFunctions(given)) return calls.call(address, layout, given, this.#options);
    await calls.openChannel();
    const callbacks: Callback[] = [];
    try {
      const addresses = given.slice();
      for (const [i, type] of this.#functions) {
        if (typeof given[i] !== "function") continue;
        const callback = await calls.callbacks().hold(given[i] as Call, type);
        callbacks.push(callback);
        addresses[i] = callback.address;
      }
      return await calls.call(address, layout, addresses, this.#options);
    } finally {
      for (const callback of callbacks) callback.release();
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
