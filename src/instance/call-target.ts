import { UsageError } from "../errors.ts";
import type { CallHost } from "./call-host.ts";

/** How long an instance's code is there; one for all of its functions. */
export interface CodeLife {
  /** The code has been taken out: what would be jumped to may be unmapped, or another function by now. */
  isOver: boolean;
}

/** A native function, wherever it is at the moment: address and host are others when its executor has been started again. */
export class CallTarget {
  address: number;
  calls: CallHost;
  /** Waits until another executor is there, if there is to be another. */
  readonly revive: () => Promise<void>;
  readonly #life: CodeLife;

  constructor(address: number, calls: CallHost, life: CodeLife, revive: () => Promise<void>) {
    this.address = address;
    this.calls = calls;
    this.#life = life;
    this.revive = revive;
  }

  /** A call can be made on this thread. */
  get isDirect(): boolean {
    return !this.#life.isOver && this.calls.isDirect;
  }

  /** Errors: UsageError when the code has been taken out; `name`: whose. */
  check(name: string | undefined): void {
    if (this.#life.isOver) throw new UsageError(`${name ?? "the function"}: its instance has been disposed of`);
  }
}
