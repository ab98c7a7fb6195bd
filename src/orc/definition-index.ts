import type { LinkedDefinitions } from "./jit-dylib.ts";

/** With more jobs than this, names are looked up in a table in place of every job. */
const FEW = 8;

/**
 * What the jobs of a JITDylib define: the first strong definition of a name has it, without one the first of those that can be
 * overridden. A session that adds thousands of jobs to one
 * JITDylib, as an interactive one does, asks for each new name once, not each job for it.
 */
export class DefinitionIndex {
  /** In the order of linking. */
  readonly #jobs = new Set<LinkedDefinitions>();
  /** The jobs that define each name, made when there are many jobs. */
  #byName: Map<string, LinkedDefinitions[]> | undefined;

  /** Names that were taken out of jobs that are there. */
  #hidden: WeakMap<LinkedDefinitions, Set<string>> | undefined;

  get size(): number {
    return this.#jobs.size;
  }

  /** The jobs in the order of linking. */
  jobs(): IterableIterator<LinkedDefinitions> {
    return this.#jobs.values();
  }

  add(job: LinkedDefinitions): void {
    this.#jobs.add(job);
    if (this.#byName !== undefined) this.#enter(job);
    else if (this.#jobs.size > FEW) {
      this.#byName = new Map();
      for (const each of this.#jobs) this.#enter(each);
    }
  }

  delete(job: LinkedDefinitions): void {
    if (!this.#jobs.delete(job) || this.#byName === undefined) return;
    if (this.#jobs.size === 0) this.#byName = undefined;
    else for (const name of job.names()) this.#remove(name, job);
  }

  /** Address of the name in the job that has it. */
  find(name: string): number | undefined {
    return this.findDefinition(name)?.address;
  }

  /** The same, and the job. */
  findDefinition(name: string): { address: number; job: LinkedDefinitions } | undefined {
    let first: { address: number; job: LinkedDefinitions } | undefined;
    for (const job of this.#byName === undefined ? this.#jobs : (this.#byName.get(name) ?? [])) {
      const address = this.#hidden?.get(job)?.has(name) ? undefined : job.definition(name);
      if (address === undefined) continue;
      if (job.traits(name)?.isOverridable !== true) return { address, job };
      first ??= { address, job };
    }
    return first;
  }

  /** Leaves out what the jobs so far define under a name, or one of them. */
  hide(name: string, jobs: Iterable<LinkedDefinitions> = this.#byName?.get(name) ?? this.#jobs): void {
    this.#hidden ??= new WeakMap();
    for (const job of jobs) {
      const names = this.#hidden.get(job);
      if (names === undefined) this.#hidden.set(job, new Set([name]));
      else names.add(name);
    }
  }

  #enter(job: LinkedDefinitions): void {
    for (const name of job.names()) {
      const known = this.#byName!.get(name);
      if (known === undefined) this.#byName!.set(name, [job]);
      else known.push(job);
    }
  }

  #remove(name: string, job: LinkedDefinitions): void {
    const known = this.#byName!.get(name);
    const at = known?.indexOf(job) ?? -1;
    if (at < 0) return;
    if (known!.length === 1) this.#byName!.delete(name);
    else known!.splice(at, 1);
  }
}
