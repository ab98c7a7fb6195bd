import { ExecutorError } from "../errors.ts";
import { whenIdle } from "../host/when-idle.ts";
import type { QueuedCall } from "./queued-call.ts";

/** What is watched. */
export interface StallWatchOptions {
  /** Calls that wait for a thread. */
  readonly queue: QueuedCall[];
  /** How many threads there are. */
  readonly threads: number;
  /** Whether all of them wait for Promises of imports. */
  readonly allWait: () => boolean;
  /** Says whether the calls keep Node alive. */
  readonly hold: (held: boolean) => void;
}

/**
 * Notices calls that wait for each other: all threads wait for Promises of imports, and a call waits for a thread. Something outside may still
 * settle one of those Promises: a timer, an answer from the network. So as long as it goes on the calls do not keep Node alive, and when nothing
 * else does either, the call that waits longest is refused; its caller is such an import, or waits behind one.
 */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #forget: (() => void) | undefined;

  constructor(options: StallWatchOptions) {
    this.#options = options;
  }

  /** To be called when a call has begun to wait, or a thread has changed what it waits for. */
  look(): void {
    const { queue, allWait } = this.#options;
    if (queue.length > 0 || this.#forget !== undefined) this.#tell(queue.length > 0 && allWait());
  }

  /** The calls have failed. */
  stop(): void {
    this.#tell(false);
  }

  #tell(isStalled: boolean): void {
    if (isStalled === (this.#forget !== undefined)) return;
    this.#options.hold(!isStalled);
    this.#forget?.();
    this.#forget = isStalled ? whenIdle(() => this.#end()) : undefined;
  }

  #end(): void {
    const { queue, threads } = this.#options;
    this.#tell(false);
    setImmediate(() => {}); // one more round of the event loop, for what comes of it
    queue.shift()?.reject(stallError("a call", threads, "wait for it"));
    this.look();
  }
}

/** The error of a call that waits for a thread in vain; `what` it is, and why the Promises do not settle. */
export function stallError(what: string, threads: number, why: string): ExecutorError {
  return new ExecutorError(
    `no thread for ${what}: the calls on all ${threads} wait for Promises of imports, which ${why}`,
  );
}
