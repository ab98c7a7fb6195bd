import { ExecutorError, UsageError } from "../errors.ts";
import type { BlockLayout, PointerContext } from "./block-layout.ts";
import type { CallExecutor } from "./call-executor.ts";
import { type ImportHandler, ImportTable } from "./import-table.ts";

/** How a call may be cut short. The executor is killed then, as nothing else stops code that runs. */
export interface CallOptions {
  /** For `call`: when it fires, the call rejects with its reason. */
  readonly signal?: AbortSignal;
  /** For `callSync`, in ms: afterwards it throws an Error whose name is TimeoutError. */
  readonly timeout?: number;
}

/** What a channel asks about addresses. Strings and arrays that only JavaScript sees are the channel's own affair. */
export interface ChannelPointers extends PointerContext {
  /** Where the executor has an array; undefined if it lies in JavaScript's memory alone. Without this method all do. */
  addressOfArray?(array: ArrayBufferView | ArrayBufferLike): number | undefined;
}

/** Makes a channel's pointers: values that are functions may become imports of it. */
export type PointerContextFactory = (channel: CallChannel) => ChannelPointers;

/** What all channels are made with. */
export interface ChannelOptions {
  readonly executor: CallExecutor;
  readonly pointers: PointerContextFactory;
  /** Takes what imports throw that a thread outside of any call has called; by default it is thrown as an uncaught exception. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Calls from JavaScript to linked code, and from linked code to JavaScript. Arguments and results go through a block that `shim`
 * (`void shim(void *block, void *target)`) and a layout understand.
 *
 * An import that throws gives its native caller 0, and the exception is thrown at the call. When the executor dies, all calls fail with an
 * ExecutorError that says how. An open channel without outstanding calls does not keep Node alive.
 */
export abstract class CallChannel {
  protected readonly imports = new ImportTable();
  protected readonly executor: CallExecutor;
  protected readonly pointers: ChannelPointers;
  readonly #onError: (error: unknown) => void;
  #failure: Error | undefined;

  constructor({ executor, pointers, onError = throwLater }: ChannelOptions) {
    this.executor = executor;
    this.pointers = pointers(this);
    this.#onError = onError;
    void executor.failed.then((error) => this.fail(error));
  }

  /**
   * Calls on a thread of its own; calls that are outstanding at the same time run side by side, 64 at most. Rejects with what encoding throws
   * (TypeError, RangeError), an import's exception, `signal.reason`, or ExecutorError.
   */
  abstract call(
    shim: number,
    target: number,
    layout: BlockLayout,
    values: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown>;

  /** As `call`, but blocks until there is a result. Imports are served meanwhile; one that answers with a Promise is an error. */
  abstract callSync(
    shim: number,
    target: number,
    layout: BlockLayout,
    values: readonly unknown[],
    options?: CallOptions,
  ): unknown;

  /** Ends the channel: what is outstanding fails, and imports answer 0. Rejects where code in this process goes on running. */
  abstract close(): Promise<void>;

  /** Makes a function callable by thunks; answers the number that they pass. The function may answer with a Promise, see `callSync`. */
  addImport(layout: BlockLayout, handler: ImportHandler): number {
    return this.imports.add(layout, handler);
  }

  /** Linked code that calls it nevertheless gets 0, and its caller an ExecutorError. */
  removeImport(id: number): void {
    this.imports.remove(id);
  }

  /** Why nothing can be called any more. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Fails everything outstanding and to come; the first reason counts. */
  protected fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.rejectAll(error);
  }

  /** Rejects what is outstanding. */
  protected abstract rejectAll(error: Error): void;

  /** Kills the executor because of `what`. */
  protected kill(what: string): void {
    this.executor.kill?.();
    this.fail(new ExecutorError(`the executor was killed: ${what}`));
  }

  /** Errors: UsageError with the option's name where nothing can stop code that runs. */
  checkKillable(option: "signal" | "timeout"): void {
    if (this.executor.kill === undefined) throw new UsageError(`${option}: ${this.executor.whyNotKilled}`);
  }

  /** Looks whether the executor lives; for a caller that blocks the event loop. */
  protected checkAlive(): void {
    const end = this.#failure === undefined ? this.executor.endNow() : undefined;
    if (end !== undefined) this.fail(end);
  }

  /** An exception that belongs to no call. */
  protected reportStray(error: unknown): void {
    try {
      this.#onError(error);
    } catch (thrown) {
      throwLater(thrown); // whoever looks after events goes on
    }
  }
}

/** The error of a call that took too long. */
export function timeoutError(milliseconds: number): Error {
  const error = new Error(`the call was not over after ${milliseconds} ms`);
  error.name = "TimeoutError";
  return error;
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
