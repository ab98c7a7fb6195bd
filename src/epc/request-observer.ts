/**
 * Is told what goes through a connection to an executor, as it happens, for a trace. Sequence numbers are those of the wire:
 * the executor's own spans name them too.
 */
export interface RequestObserver {
  /** The executor has been started as this process. */
  started(pid: number): void;
  /** It has said which names it has. */
  connected(symbols: ReadonlyMap<string, number>): void;
  /** A call is about to be sent; `bytes` of argument. */
  sent(sequence: number, tag: number, bytes: number): void;
  /** Its result is here; `bytes` of it. */
  answered(sequence: number, bytes: number): void;
  /** A call from the executor; true if it was one for the observer, which gets no result. */
  called(tag: number, payload: Uint8Array): boolean;
  /** Linked code calls a handler of the controller's; the function is called when that has answered, with the bytes of the result. */
  handling(tag: number, bytes: number): (bytes: number) => void;
  /** Spans that were asked for (`Slablink.traceTake`). */
  batch(payload: Uint8Array): void;
  /** The connection is over: nothing that is outstanding will be answered. */
  ended(reason: string): void;
}
