import { type CallChannel, timeoutError } from "../calls/call-channel.ts";
import { ExecutorError, UsageError } from "../errors.ts";
import { bufferAddress } from "../host/buffer-address.ts";
import type { ExecutionSession } from "../orc/execution-session.ts";
import { openCallChannel } from "../orc/open-call-channel.ts";
import type { CallLayout } from "../signature/call-layout.ts";
import type { ValueType } from "../signature/value-type.ts";
import { BlockCaller } from "./block-call.ts";
import { Callbacks } from "./callbacks.ts";
import { CodePool } from "./code-pool.ts";
import type { CallOptions } from "./native-functions.ts";
import { LinkedShims, type Shims, sharedShims } from "./shims.ts";

interface Opened {
  readonly channel: CallChannel;
  readonly importFunction: number;
  readonly callbacks: Callbacks;
}

/**
 * How JavaScript calls the code of one session. In this process a call is made on this thread, which is the fastest, until linked code may
 * call back: from then on calls run on threads of their own, as in an executor, so that this thread is free to serve what they and other native
 * threads call.
 */
export class CallHost {
  readonly isolated: boolean;
  /** Calls are made on this thread. A field, as every direct call reads it. */
  isDirect: boolean;
  /** Asynchronous calls that have not been answered. */
  outstanding = 0;
  readonly #session: ExecutionSession;
  readonly #pool: CodePool | undefined;
  readonly #blocks: BlockCaller | undefined;
  #shims: Shims | undefined;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #isClosed = false;

  constructor(session: ExecutionSession) {
    this.#session = session;
    this.isolated = session.epc.kind === "remote";
    this.isDirect = !this.isolated;
    if (session.sharesMemory) {
      this.#pool = new CodePool(session);
      this.#shims = sharedShims(this.#pool);
    }
    if (!this.isolated) this.#blocks = new BlockCaller(this.#pool!, (address) => this.#readString(address));
  }

  /** Why nothing can be called any more: the executor has ended. */
  get failure(): Error | undefined {
    return this.#opened?.channel.failure;
  }

  /** Makes everything there for synchronous calls of these layouts; `callsBack`: linked code may call JavaScript. */
  async prepare(layouts: readonly CallLayout[], callsBack: boolean): Promise<void> {
    await this.#pool?.prepare();
    if (this.isolated || callsBack) await this.openChannel();
    await this.#shims?.prepare(layouts);
  }

  /** Opens the channel for calls on threads of their own, if it is not yet. */
  async openChannel(): Promise<Opened> {
    this.#check();
    this.#opening ??= this.#open();
    return this.#opening;
  }

  callSync = (target: number, layout: CallLayout, values: readonly unknown[], options?: CallOptions): unknown => {
    this.#check();
    if (this.#opened === undefined) {
      if (this.#blocks === undefined) throw new ExecutorError("the session's calls have not been opened");
      if (options?.timeout !== undefined)
        throw new UsageError("timeout: code that runs in this process cannot be stopped");
      return this.#blocks.call(target, layout, values);
    }
    return this.#opened.channel.callSync(this.#shims!.shim(layout), target, layout, values, options);
  };

  call = async (
    target: number,
    layout: CallLayout,
    values: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown> => {
    this.outstanding++;
    try {
      return await this.#call(target, layout, values, options);
    } finally {
      this.outstanding--;
    }
  };

  #call = async (
    target: number,
    layout: CallLayout,
    values: readonly unknown[],
    options?: CallOptions,
  ): Promise<unknown> => {
    this.#check();
    const { channel } = this.#opened ?? (await this.openChannel());
    await this.#shims!.prepare([layout]);
    const shim = this.#shims!.shim(layout);
    if (options?.timeout === undefined) return channel.call(shim, target, layout, values, options);
    channel.checkKillable("timeout");
    const limit = limitSignal(options.timeout, options.signal);
    return channel.call(shim, target, layout, values, limit).finally(limit.clear);
  };

  /** Calls a function the cheapest way there is, and waits for its end. */
  run = async (target: number, layout: CallLayout, values: readonly unknown[]): Promise<unknown> =>
    this.isDirect ? this.callSync(target, layout, values) : this.call(target, layout, values);

  /** Errors: UsageError before the channel is open, since linked code runs on this thread then. */
  callbacks(): Callbacks {
    if (this.#opened !== undefined) return this.#opened.callbacks;
    throw new UsageError(
      "a function can be passed to code that runs on this thread only after `instance.callback` or an import has been made; `async` can always take one",
    );
  }

  /** Imports of code that has been taken out. */
  forget(ids: readonly number[]): void {
    for (const id of ids) this.#opened?.channel.removeImport(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.isDirect = false;
    const opened = await this.#opening?.catch(() => undefined);
    await opened?.channel.close();
    await this.#shims?.dispose();
  }

  /** Nothing of the session can be called any more; where its executor has died, the channel says how. */
  #check(): void {
    if (this.#isClosed) throw new ExecutorError("the session has ended");
  }

  async #open(): Promise<Opened> {
    const { memory } = this.#session;
    await this.#pool?.prepare();
    const addressOf = (value: unknown, { kind }: ValueType): number => {
      const address =
        typeof value === "object" && value !== null ? memory.addressOf(value as ArrayBufferView) : undefined;
      if (address !== undefined) return address;
      throw new TypeError(`a ${kind} cannot be ${typeof value === "object" ? "this object" : `a ${typeof value}`}`);
    };
    const { channel, importAddress } = await openCallChannel(this.#session, () => ({
      addressOf,
      readString: (address) => this.#readString(address),
      addressOfArray: (array) => memory.addressOf(array) ?? (this.isolated ? undefined : bufferAddress(array)),
    }));
    if (this.#pool !== undefined) this.#pool.importFunction = importAddress;
    this.#shims ??= new LinkedShims(this.#session, importAddress);
    const callbacks = new Callbacks(channel, this.#shims);
    this.#opened = { channel, importFunction: importAddress, callbacks };
    this.isDirect = false;
    return this.#opened;
  }

  #readString(address: number): string | null {
    return address === 0 ? null : this.#session.memory.readString(address);
  }
}

/** The longest that a timer of Node's waits, in ms: a larger number is 1 to it. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A signal that comes after so many ms, or with another one. */
function limitSignal(timeout: number, other: AbortSignal | undefined): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const wait = (left: number): void => {
    const step = Math.min(left, LONGEST_TIMER);
    const next = (): void => (left > step ? wait(left - step) : controller.abort(timeoutError(timeout)));
    timer = setTimeout(next, step);
  };
  if (timeout !== Number.POSITIVE_INFINITY) wait(timeout);
  const signal = other === undefined ? controller.signal : AbortSignal.any([controller.signal, other]);
  return { signal, clear: () => clearTimeout(timer) };
}
