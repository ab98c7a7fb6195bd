import type { ImageLoad } from "./executor-process-control.ts";

/** Asks the process for the addresses of names, 0 where it has none. */
type Ask = (names: readonly string[]) => Promise<Float64Array>;

/**
 * Addresses of what an executor's process had from its start: the C library and its like. Programs that are linked one after the other
 * ask for the same names of it, and these libraries are never unloaded and come before whatever is loaded later.
 *
 * What is found while anything else is loaded may be in that, and is asked for again; so is everything while a program is there
 * whose definitions come before the libraries'.
 */
export class ProcessNames {
  readonly #addresses = new Map<string, number>();
  /** Answers that are not in the map yet: most executors link one program and are asked once. */
  readonly #answers: { readonly names: readonly string[]; readonly addresses: Float64Array }[] = [];
  /** What is loaded, or being loaded; whether it comes first. */
  readonly #loaded = new Map<object | number, boolean>();
  #loads = 0;

  /** As the process would answer now. */
  async resolve(names: readonly string[], ask: Ask): Promise<Float64Array> {
    for (const isFirst of this.#loaded.values()) if (isFirst) return ask(names);
    this.#enterAnswers();
    const missing = this.#addresses.size === 0 ? names : names.filter((name) => !this.#addresses.has(name));
    const loads = this.#loads;
    const found = missing.length === 0 ? new Float64Array(0) : await ask(missing);
    if (missing.length > 0 && this.#loaded.size === 0 && this.#loads === loads) {
      this.#answers.push({ names: missing, addresses: found });
    }
    if (missing.length === names.length) return found;
    let next = 0;
    return Float64Array.from(names, (name) => this.#addresses.get(name) ?? found[next++]!);
  }

  /** Loads something: `load` does, `handleOf` says by which handle it is unloaded. */
  async during<T>(
    { bindsFirst = false }: Pick<ImageLoad, "bindsFirst">,
    load: () => Promise<T>,
    handleOf: (loaded: T) => number,
  ): Promise<T> {
    const pending = {};
    this.#loads++;
    this.#loaded.set(pending, bindsFirst);
    try {
      const loaded = await load();
      this.#loaded.set(handleOf(loaded), bindsFirst);
      return loaded;
    } finally {
      this.#loaded.delete(pending);
    }
  }

  /** Says that a program begins: what it loads and unloads itself is not known here. */
  noteProgram(): void {
    this.#loads++;
    this.#loaded.set(this, false);
  }

  unload(handle: number): void {
    this.#loaded.delete(handle);
  }

  #enterAnswers(): void {
    for (const { names, addresses } of this.#answers.splice(0)) {
      names.forEach((name, i) => {
        if (addresses[i] !== 0) this.#addresses.set(name, addresses[i]!);
      });
    }
  }
}
