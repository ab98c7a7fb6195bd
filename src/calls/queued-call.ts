import type { BlockLayout } from "./block-layout.ts";

/** A call that has been asked for. */
export interface QueuedCall {
  readonly shim: number;
  readonly target: number;
  readonly layout: BlockLayout;
  readonly values: readonly unknown[];
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  /** It has been given to the executor. */
  started: boolean;
}

/** Has the call end with the signal's reason when that fires, after `stop`, if it has not ended before. */
export function settleByAbort(call: QueuedCall, signal: AbortSignal, stop: () => void): void {
  const { resolve, reject } = call;
  const abort = (): void => {
    reject(signal.reason);
    stop();
  };
  signal.addEventListener("abort", abort, { once: true });
  call.resolve = (value) => {
    signal.removeEventListener("abort", abort);
    resolve(value);
  };
  call.reject = (error) => {
    signal.removeEventListener("abort", abort);
    reject(error);
  };
}
