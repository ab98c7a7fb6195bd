import type { Instance } from "./instance.ts";

/** A module whose constructors crash must not keep the machine busy with starting executors, in ms. */
const BETWEEN_TRIES = 1000;

/** One executor of a pool, whichever process that is at the moment. */
export class Member {
  readonly instance: Instance;
  readonly #onReplaced: () => void;
  #outstanding = 0;
  #replacing: Promise<void> | undefined;
  /** When another executor may be tried, if the last one could not be had; ms of the clock. */
  #nextTry: number | undefined;
  #onIdle: (() => void) | undefined;

  /** `onReplaced`: there is another executor, and the module is in it. */
  constructor(instance: Instance, onReplaced: () => void) {
    this.instance = instance;
    this.#onReplaced = onReplaced;
  }

  /** Calls that are outstanding; more than any when there is no executor that could answer one now. */
  get load(): number {
    const isThere = this.#replacing === undefined && !this.#hasEnded;
    return isThere ? this.#outstanding : Number.MAX_SAFE_INTEGER + this.#outstanding;
  }

  /** A call, or what is to be waited for in its place, begins. */
  begin(): void {
    this.#outstanding++;
  }

  /** It has been answered, or has failed. */
  end(): void {
    this.#outstanding--;
    this.replaceIfEnded();
    if (this.#outstanding === 0) this.#onIdle?.();
  }

  /** Starts another executor, if there is none any more. What goes wrong with it is told to the call that is made next. */
  replaceIfEnded(): void {
    if (!this.#hasEnded || this.#replacing !== undefined || this.#onIdle !== undefined) return;
    if (this.#nextTry !== undefined && Date.now() < this.#nextTry) return;
    const done = (nextTry?: number): void => {
      this.#nextTry = nextTry;
      this.#replacing = undefined;
      if (nextTry === undefined) this.#onReplaced();
    };
    this.#replacing = this.instance.session.restart().then(
      () => done(),
      () => done(Date.now() + BETWEEN_TRIES),
    );
  }

  get #hasEnded(): boolean {
    return this.#nextTry !== undefined || this.instance.session.hasEnded;
  }

  /** Waits until all its calls are over, and ends it. No more are made. */
  async leave(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#outstanding > 0) await idle;
    await this.dispose();
  }

  /** Ends it now, in the middle of its being replaced as well. */
  async dispose(): Promise<void> {
    this.#onIdle ??= () => {};
    await this.instance.end();
    await this.#replacing;
  }
}
