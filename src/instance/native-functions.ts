import type { Arguments, NoTypes, Result } from "../signature/inferred.ts";
import type { Signature, TypeTable } from "../signature/native-type.ts";

/** What one call may be given beside its arguments; only where code is isolated, since what runs here cannot be stopped. */
export interface CallOptions {
  /** Ends the executor when it is aborted; the call rejects with its reason. Not for `sync`. */
  readonly signal?: AbortSignal;
  /** Ends the executor after so many ms; the call fails with a TimeoutError. */
  readonly timeout?: number;
}

/** Both ways to call a native function, whichever process it is in. */
export interface CallForms<S extends Signature, T extends TypeTable = NoTypes> {
  /** Waits for the result on the spot. */
  sync(...values: Arguments<S, T>): Result<S, T>;
  /** Runs on a thread of the code's own; several calls go on side by side. */
  async(...values: Arguments<S, T>): Promise<Result<S, T>>;
}

/** A function in this process: a call gives its value. */
export interface LocalFunction<S extends Signature, T extends TypeTable = NoTypes> extends CallForms<S, T> {
  (...values: Arguments<S, T>): Result<S, T>;
}

/** A function in an executor: a call gives a Promise, `sync` the value. */
export interface IsolatedFunction<S extends Signature, T extends TypeTable = NoTypes> extends CallForms<S, T> {
  (...values: Arguments<S, T>): Promise<Result<S, T>>;
  /** The same function with a limit: `f.with({ timeout: 100 })(1, 2)`. */
  with(options: CallOptions): IsolatedFunction<S, T>;
}

/** Signatures by name. */
export type Signatures = { readonly [name: string]: Signature };

/** The functions for signatures, each as its process has it. */
export type NativeFunctions<E extends Signatures, Isolated extends boolean, T extends TypeTable = NoTypes> = {
  readonly [Name in keyof E]: Isolated extends true ? IsolatedFunction<E[Name], T> : LocalFunction<E[Name], T>;
};
