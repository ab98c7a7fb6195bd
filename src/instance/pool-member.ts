import type { Instance } from "./instance.ts";

/** One executor of a pool, whichever process that is at the moment. */
export class Member {
  readonly instance: Instance;
  readonly #onReplaced: () => void;
  #outstanding = 0;
  #replacing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  /** `onReplaced`: there is another executor, and the module is in it. */
  constructor(instance: Instance, onReplaced: () => void) {
    this.instance = instance;
    this.#onReplaced = onReplaced;
  }

  /** Calls that are outstanding; more than any when there is no executor that could answer one now. */
  get load(): number {
    const isThere = this.#replacing === undefined && !this.instance.session.hasEnded;
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
    const { session } = this.instance;
    if (!session.hasEnded || this.#replacing !== undefined || this.#onIdle !== undefined) return;
    this.#replacing = session
      .restart()
      .then(this.#onReplaced)
      .catch(() => {})
      .finally(() => {
        this.#replacing = undefined;
      });
  }

  /** Waits until all its calls are over, and ends it. No more are made. */
  async leave(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    if (this.#outstanding > 0) await idle;
    await this.dispose();
  }

  /** Ends it now. */
  async dispose(): Promise<void> {
    this.#onIdle ??= () => {};
    await this.#replacing;
    await this.instance.dispose();
  }
}
