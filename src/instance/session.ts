import { ExecutorError, LinkError, UsageError } from "../errors.ts";
import { FileArena } from "../host/arena.ts";
import { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import type { JobTemplates } from "../orc/copies/job-copies.ts";
import { ExecutionSession } from "../orc/execution-session.ts";
import { ExecutorStarts } from "../orc/executor-starts.ts";
import { fillDylib } from "../orc/fill-dylib.ts";
import type { JITDylib } from "../orc/jit-dylib.ts";
import type { LinkedJob } from "../orc/linked-job.ts";
import type { CommonMemory } from "../runtime-memory/common-memory.ts";
import type { TypedArrayConstructor, TypedArrayOf } from "../runtime-memory/typed-array.ts";
import type { Tracer } from "../trace/tracer.ts";
import { CallHost } from "./call-host.ts";
import { type ExecutorChoice, resolveExecutor } from "./executor-choice.ts";
import { checkOptions, SESSION_OPTIONS } from "./known-options.ts";
import type { Module } from "./module.ts";

/** Where modules are linked to. */
export interface SessionOptions<Isolated extends boolean = boolean> {
  /** Code runs in a process of its own, whose crashes are errors here. By default it runs in this process. */
  readonly isolated?: Isolated;
  /** Which executor, for `isolated`; slablink's own, as a child of this process, by default. */
  readonly executor?: ExecutorChoice;
  /** `rpc`: contents travel in messages even where memory could be shared. */
  readonly memory?: "shared" | "rpc";
  /** Where code and data lie; below 2 GiB by default, where code of every model works. */
  readonly placement?: "low" | "near-libc" | "anywhere";
  /** Bytes of address space for code and data; 256 MiB by default, and more where it is needed. */
  readonly slabSize?: number;
  /** Threads that may share the work of a link, this one included; by default as many as pay. */
  readonly threads?: number;
  /**
   * When the executor has ended (a crash, exit(), a time limit), the next asynchronous call starts another one and links everything into it again:
   * variables have their first values, arrays over the old memory are empty. Without it calls fail with the reason of the end.
   */
  readonly restart?: boolean;
  /** Records what is done. */
  readonly trace?: Tracer;
}

/** What is linked beside a module: objects in memory, addresses, and the numbers of its imports in the call channel. */
export interface LinkedBeside {
  readonly objects: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  readonly absolutes: readonly (readonly [name: string, address: number])[];
  readonly ids: readonly number[];
}

/** How a module is linked. */
export interface LinkRequest {
  readonly module: Module;
  /** Looked up, so that members of archives which define them are linked. */
  readonly names: readonly string[];
  /** Its objects can be exchanged for new versions of them. */
  readonly replaceable: boolean;
  /** Asked before each try: where names are looked for that the module does not define, before libraries and the process. */
  link(): readonly JITDylib[];
  /** Asked before each try: the executor may be another one then. */
  prepare(calls: CallHost): Promise<LinkedBeside>;
}

/** A module that is linked: its JITDylib and its job. */
export interface LinkedModule {
  readonly dylib: JITDylib;
  readonly job: LinkedJob;
  /** Holds the objects that are no file's. */
  readonly arena: FileArena;
  /** Of its imports, in the call channel. */
  readonly ids: number[];
}

/** What has to be linked again when a session has another executor. */
interface Relinkable {
  relink(): Promise<void>;
  /** Whether its code refers to another one's. */
  isLinkedWith(other: Relinkable): boolean;
}

/** What opens a session: its executor, and what it has in common with others. */
interface SessionParts {
  readonly starts: ExecutorStarts;
  /** Kept from one executor to the next: what has been read is not read again. */
  readonly runtime: RuntimeLibraries;
  readonly siblings?: Siblings | undefined;
}

/** @internal What sessions that are linked alike have in common. */
export interface Siblings {
  /** What has been linked. `dispose` after all of them. */
  readonly templates: JobTemplates;
  /** To be closed after all of them. */
  readonly memory: CommonMemory;
}

/** A process that code is linked into, this one or an executor, for any number of modules. */
export class Session<Isolated extends boolean = boolean> {
  /** Whether its code runs in a process of its own. */
  readonly isolated: Isolated;
  readonly #options: SessionOptions<Isolated>;
  readonly #starts: ExecutorStarts;
  readonly #runtime: RuntimeLibraries;
  /** Kept as long as their code is linked: a backtrace reads their symbol tables. */
  readonly #modules = new Map<JITDylib, Module>();
  #execution: ExecutionSession;
  #calls: CallHost;
  readonly #instances = new Set<Relinkable>();
  readonly #siblings: Siblings | undefined;
  /** What instances have left to do at their end. */
  readonly #finishing = new Set<Promise<void>>();
  #restarting: Promise<void> | undefined;
  /** Why there is no executor, where it has not ended by itself: it is being started again, or could not be. */
  #lack: unknown;
  /** Another executor is about to be there. */
  #opening: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  #serial = 0;
  #isDisposed = false;

  private constructor(
    options: SessionOptions<Isolated>,
    { starts, runtime, siblings }: SessionParts,
    execution: ExecutionSession,
  ) {
    this.isolated = (options.isolated === true) as Isolated;
    this.#options = options;
    this.#starts = starts;
    this.#runtime = runtime;
    this.#siblings = siblings;
    this.#execution = execution;
    this.#calls = new CallHost(execution);
  }

  /** Starts or reaches the executor, if there is to be one. Errors: ExecutorError; UsageError for an executor that is not to be isolated, or an option that there is not. */
  static async open<Isolated extends boolean = false>(
    options: SessionOptions<Isolated> = {},
  ): Promise<Session<Isolated>> {
    checkOptions("Session.open", options, SESSION_OPTIONS);
    return Session.#open(options, { starts: startsFor(options) });
  }

  /** @internal The first of sessions that are linked alike: each job once, and copied to the others. */
  static openFirst(options: SessionOptions<true>, siblings: Siblings): Promise<Session<true>> {
    return Session.#open(options, { starts: startsFor(options, true), siblings });
  }

  /** @internal One more of them, with an executor of its own. */
  openSibling(): Promise<Session<Isolated>> {
    return Session.#open(this.#options, { starts: this.#starts.another(), siblings: this.#siblings });
  }

  static async #open<Isolated extends boolean>(
    options: SessionOptions<Isolated>,
    { starts, siblings }: Omit<SessionParts, "runtime">,
  ): Promise<Session<Isolated>> {
    const parts = { starts, siblings, runtime: new RuntimeLibraries() };
    return new Session(options, parts, await openExecution(options, parts));
  }

  /** The session in ORC's words: JITDylibs, look-ups, jobs, memory. */
  get execution(): ExecutionSession {
    return this.#execution;
  }

  /** Whether `dispose` has been called, or the executor has gone or could not be started again. */
  get hasEnded(): boolean {
    return this.#isDisposed || this.#lack !== undefined || this.#calls.failure !== undefined;
  }

  /** @internal `dispose` has been called: nothing that was linked is there any more. */
  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** @internal It is a pool's, and ends with that. */
  get isPooled(): boolean {
    return this.#siblings !== undefined;
  }

  /** @internal How its code is called. */
  get calls(): CallHost {
    return this.#calls;
  }

  /**
   * A typed array of `length` elements, all zero, in the executor's own memory: both sides use it without a request or a copy, until it is freed
   * or the session ends. Errors: RangeError for a length that no array has, code "memory" when there is no more.
   */
  async allocate<C extends TypedArrayConstructor>(type: C, length: number): Promise<TypedArrayOf<C>> {
    // Not while modules are linked again: their constructors may wait for JavaScript that allocates.
    if (this.hasEnded) await this.revive();
    return this.#execution.allocate(type, length);
  }

  /** Gives back what `allocate` gave; nobody may use it any more. Errors: UsageError for any other array. */
  async free(array: TypedArrayOf<TypedArrayConstructor>): Promise<void> {
    return this.#execution.free(array);
  }

  /** @internal Links a module as a JITDylib of its own. Errors: LinkError and its kin, after everything has been given back. */
  async link(request: LinkRequest): Promise<LinkedModule> {
    for (;;) {
      this.#checkLasts();
      // The executor may be exchanged at any time: what is begun in one is not gone on with in another.
      const [execution, calls] = [this.#execution, this.#calls];
      const { objects, absolutes, ids } = await request.prepare(calls);
      const dylib = execution.createJITDylib(`instance ${++this.#serial}`);
      const arena = new FileArena();
      const place = (bytes: Uint8Array, name: string) =>
        this.#siblings?.templates.place(bytes, name) ?? arena.place(bytes, name);
      try {
        for (const { name, bytes } of objects) dylib.addObject(place(bytes, name));
        const definitions = { absolutes, aliases: [], processSymbols: true };
        const replaceable = request.replaceable ? await execution.replaceableObjects(dylib, place) : undefined;
        fillDylib(dylib, request.module.inputs, definitions, this.#runtime, replaceable);
        for (const other of request.link()) dylib.addToLinkOrder(other);
        const job = await execution.link(dylib, request.names);
        if (execution !== this.#execution) throw new ExecutorError("the executor has been started again meanwhile");
        this.#modules.set(dylib, request.module);
        return { dylib, job, arena, ids: [...ids] };
      } catch (error) {
        calls.forget(ids);
        await execution.removeJITDylib(dylib).catch(() => {});
        arena.dispose();
        if (!(await this.#restartFor(error))) throw error;
      }
    }
  }

  /** @internal Takes a module's code and data out of the process. */
  async unlink({ dylib, arena, ids }: LinkedModule): Promise<void> {
    // What went with its executor has numbers that mean other imports by now.
    if (this.#modules.delete(dylib)) {
      this.#calls.forget(ids);
      await this.#execution.removeJITDylib(dylib);
    }
    arena.dispose();
  }

  /** @internal Whether a module is there: not when it could not be linked into an executor that took the place of another. */
  has({ dylib }: LinkedModule): boolean {
    return !this.hasEnded && this.#modules.has(dylib);
  }

  /** @internal Errors: ExecutorError when `has` says no, with the reason; `what` was to be done. */
  check(linked: LinkedModule, what: string): void {
    if (!this.has(linked)) throw this.#whyLacking(what);
  }

  /** @internal Does what an instance has left to do at its end; the session does not end before. */
  async finish(work: () => Promise<void>): Promise<void> {
    const done = work();
    this.#finishing.add(done);
    try {
      await done;
    } finally {
      this.#finishing.delete(done);
    }
  }

  /** @internal Whether another executor takes the place of the one that `calls` reaches, or has taken it. */
  hasLeft(calls: CallHost): boolean {
    return this.#restarting !== undefined || this.#calls !== calls;
  }

  /** @internal Whether an instance refers to the code of another one. */
  isUsed(instance: Relinkable): boolean {
    return [...this.#instances].some((other) => other.isLinkedWith(instance));
  }

  /** @internal Instances are linked again when there is another executor. */
  add(instance: Relinkable): void {
    this.#instances.add(instance);
  }

  /** @internal */
  remove(instance: Relinkable): void {
    this.#instances.delete(instance);
  }

  /**
   * Ends the executor, if it has not, and links everything into another one. Calls that are outstanding fail. Errors: ExecutorError; UsageError
   * where code is not isolated; what keeps a module from being linked again: the session has ended then, until it is started again.
   */
  async restart(): Promise<void> {
    if (!this.isolated) throw new UsageError("this process cannot be started again: only an isolated session can");
    if (this.#isDisposed) throw new ExecutorError("the session has ended");
    this.#restarting ??= this.#restart().finally(() => {
      this.#restarting = undefined;
    });
    return this.#restarting;
  }

  /**
   * Another executor in place of one that has ended, where the session is to have that; waits for one that is being started. Errors: as
   * `restart`; ExecutorError with the reason where a restart has failed and is not to be tried again.
   */
  async revive(): Promise<void> {
    if (this.#restarting !== undefined) return this.#restarting;
    if (this.#isDisposed || !this.hasEnded) return;
    if (this.#options.restart === true) await this.restart();
    else if (this.#lack !== undefined) throw this.#whyLacking();
  }

  /** @internal Waits for the end of a restart, however it ends. */
  async settle(): Promise<void> {
    await this.#restarting?.catch(() => {});
  }

  /** @internal It is being started again. */
  get isRestarting(): boolean {
    return this.#restarting !== undefined;
  }

  async #restart(): Promise<void> {
    this.#lack = new ExecutorError("the executor is being started again");
    try {
      await this.#execution.endSession();
      await this.#openAnother();
      for (const instance of [...this.#instances]) {
        this.#checkLasts();
        if (this.#instances.has(instance)) await instance.relink();
      }
      this.#checkLasts();
    } catch (error) {
      this.#lack = error;
      // Some modules are there and some are not: nobody may use it.
      await this.#execution.endSession();
      this.#modules.clear();
      this.#checkLasts();
      throw error;
    }
  }

  /** Puts another executor, with nothing in it, in the place of the one before. Errors: ExecutorError, also when the session has ended meanwhile. */
  #openAnother(): Promise<void> {
    const open = async (): Promise<void> => {
      const parts = { starts: this.#starts, siblings: this.#siblings, runtime: this.#runtime };
      const execution = await openExecution(this.#options, parts);
      if (this.#isDisposed) await execution.endSession();
      this.#checkLasts();
      this.#modules.clear();
      this.#execution = execution;
      this.#calls = new CallHost(execution);
      this.#lack = undefined;
    };
    const opening = open().finally(() => {
      this.#opening = undefined;
    });
    this.#opening = opening;
    return opening;
  }

  #checkLasts(): void {
    if (this.#isDisposed) throw new ExecutorError("the session has ended");
  }

  #whyLacking(what?: string): ExecutorError {
    const prefix = what === undefined ? "" : `${what}: `;
    if (this.#isDisposed) return new ExecutorError(`${prefix}the session has ended`);
    if (this.#restarting !== undefined) return new ExecutorError(`${prefix}the executor is being started again`);
    const [cause, how] =
      this.#lack === undefined ? [this.#calls.failure, "has ended"] : [this.#lack, "could not be started again"];
    const end = cause instanceof ExecutorError ? cause.end : undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new ExecutorError(`${prefix}the executor ${how}: ${reason}`, { cause, end });
  }

  /**
   * Ends the executor, or gives back what was linked into this process, as soon as the instances that are being disposed of have done what they
   * had left to do. Errors: UsageError for a session of a pool's.
   */
  async dispose(): Promise<void> {
    if (this.isPooled) throw new UsageError("dispose: the session is a pool's: resize or dispose of the pool");
    return this.end();
  }

  /** @internal `dispose`, of a pool's as well. */
  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    this.#isDisposed = true;
    await Promise.allSettled(this.#finishing);
    try {
      if (this.#calls.failure === undefined) await this.#calls.close();
    } catch (error) {
      // An executor that ends at this moment has nothing to be given back.
      if (!(this.isolated && error instanceof ExecutorError)) throw error;
    } finally {
      await this.#execution.endSession();
      await Promise.allSettled([this.#opening, this.#restarting]);
      this.#modules.clear();
    }
  }

  /** `dispose`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Some things can only be had from the start of a process: as long as nothing is linked, another executor is started. */
  async #restartFor(error: unknown): Promise<boolean> {
    if (!this.#starts.needsStart(error)) return false;
    if (!this.isolated) {
      const how =
        "in this process that cannot be had any more; an isolated instance has an executor that is started with it";
      throw new LinkError("link", `${(error as Error).message}; ${how}`, { cause: error });
    }
    if (this.#modules.size > 0) return false;
    if (!(await this.#starts.canHelp(error))) return false;
    const [execution, calls] = [this.#execution, this.#calls];
    this.#siblings?.templates.clear();
    await this.#openAnother();
    await calls.close();
    await execution.endSession();
    return true;
  }
}

function startsFor(options: SessionOptions, fixedLayout = false): ExecutorStarts {
  const { memory = "shared", placement = "low", slabSize, trace, isolated, executor } = options;
  if (executor !== undefined && isolated !== true) {
    throw new UsageError("an executor is a process of its own: `executor` needs `isolated: true`");
  }
  const mode = isolated === true ? "executor" : "in-process";
  const chosen = resolveExecutor(executor);
  return new ExecutorStarts({ mode, memory, placement, slabSize, trace, fixedLayout, ...chosen });
}

async function openExecution(
  { threads, trace, memory = "shared" }: SessionOptions,
  { starts, siblings, runtime }: SessionParts,
): Promise<ExecutionSession> {
  const target = await starts.open();
  const sharedMemory = target.epc.kind === "in-process" || (starts.memory?.kind ?? memory) === "shared";
  const execution = new ExecutionSession({
    ...target,
    sharedMemory,
    sharedData: sharedMemory,
    runtime,
    threads,
    trace,
    copies: siblings?.templates.forSession(),
    restart: (error) => starts.openAfter(error),
  });
  try {
    await siblings?.memory.join(execution);
    return execution;
  } catch (error) {
    await execution.endSession();
    throw error;
  }
}
