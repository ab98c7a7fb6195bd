import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { UsageError } from "../errors.ts";
import { SymbolStringPool } from "../graph/symbol-string-pool.ts";
import { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { JITLinkMemoryManager } from "../memory/jitlink-memory-manager.ts";
import { JITDylib } from "./jit-dylib.ts";
import { type LinkedJob, materialize } from "./materialize.ts";

/** What a session is made of; `runtime` finds the libraries that programs use without naming them. */
export interface ExecutionSessionOptions {
  readonly epc: ExecutorProcessControl;
  readonly memoryManager: JITLinkMemoryManager;
  /** The executor sees the controller's working memory (shared or the same process). */
  readonly sharedMemory: boolean;
  readonly runtime?: RuntimeLibraries;
  /** Gives back this side's memory when the session has ended. */
  readonly dispose?: () => void;
}

/** One executor and what is linked into it (LLVM's ExecutionSession). */
export class ExecutionSession {
  readonly epc: ExecutorProcessControl;
  readonly memoryManager: JITLinkMemoryManager;
  readonly #options: ExecutionSessionOptions;
  readonly #pool = new SymbolStringPool();
  readonly #dylibs = new Map<string, JITDylib>();
  readonly #openedLibraries = new Map<string, number>();
  readonly #jobs: LinkedJob[] = [];
  #serial = 0;

  constructor(options: ExecutionSessionOptions) {
    this.#options = options;
    this.epc = options.epc;
    this.memoryManager = options.memoryManager;
  }

  /** Errors: UsageError when the name is taken. */
  createJITDylib(name: string): JITDylib {
    if (this.#dylibs.has(name)) throw new UsageError(`there is a JITDylib called ${name} already`);
    const dylib = new JITDylib(name);
    this.#dylibs.set(name, dylib);
    return dylib;
  }

  getJITDylib(name: string): JITDylib | undefined {
    return this.#dylibs.get(name);
  }

  /**
   * Addresses of `names` in `dylib`; links whatever they need that is not linked yet, as one job.
   * Errors: LinkError and its kin; nothing of a failed job stays in the executor.
   */
  async lookup(dylib: JITDylib, names: readonly string[]): Promise<Map<string, number>> {
    const addresses = new Map<string, number>();
    const missing = names.filter((name) => !dylib.symbols.has(name) && !dylib.absolutes.has(name));
    if (missing.length > 0 || dylib.pending.length > 0) await this.link(dylib, missing);
    for (const name of names) {
      const address = dylib.symbols.get(name) ?? dylib.absolutes.get(name);
      if (address !== undefined) addresses.set(name, address);
    }
    return addresses;
  }

  /** As `lookup`, but gives the whole job. */
  async link(dylib: JITDylib, names: readonly string[]): Promise<LinkedJob> {
    const job = await materialize(dylib, names, {
      epc: this.epc,
      memoryManager: this.memoryManager,
      runtime: this.#options.runtime ?? new RuntimeLibraries(),
      pool: this.#pool,
      sharedMemory: this.#options.sharedMemory,
      openedLibraries: this.#openedLibraries,
      serial: ++this.#serial,
    });
    this.#jobs.push(job);
    const { tables, resolution } = job;
    for (let id = 0; id < tables.pool.size; id++) {
      const row = (resolution.definition[id] ?? 0) - 1;
      if (row >= 0) dylib.symbols.set(tables.pool.name(id), tables.symbols.value[row]!);
    }
    for (const name of names) {
      const address = job.address(name);
      if (address !== undefined) dylib.symbols.set(name, address);
    }
    return job;
  }

  /** Takes a job's code and data out of the executor; its symbols must not be used any more. */
  async remove(job: LinkedJob): Promise<void> {
    const at = this.#jobs.indexOf(job);
    if (at < 0) throw new UsageError("this job is not part of the session");
    this.#jobs.splice(at, 1);
    await this.memoryManager.deallocate([job.alloc]);
    await this.epc.unloadImage(job.image);
    const { start, end } = { start: job.alloc.address, end: job.alloc.address + job.alloc.size };
    for (const dylib of this.#dylibs.values()) {
      for (const [name, address] of dylib.symbols) if (address >= start && address < end) dylib.symbols.delete(name);
    }
  }

  /** Ends the executor (or, in-process, gives back what it can) and fails all that is pending. */
  async endSession(): Promise<void> {
    await this.epc.disconnect();
    this.#options.dispose?.();
  }
}
