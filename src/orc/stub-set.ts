import { ByteReader } from "../bytes/byte-reader.ts";
import { UsageError } from "../errors.ts";
import { SLOT_SIZE, type Stub, writeStubObject } from "../formats/elf/stub-object.ts";
import type { ExecutionSession } from "./execution-session.ts";
import type { JITDylib } from "./jit-dylib.ts";
import type { LinkedJob } from "./linked-job.ts";
import { checkUnreferenced } from "./remove-tracker.ts";
import type { RemoveOptions } from "./resource-tracker.ts";

const STUBS = { stubs: "__slablink_stubs", slots: "__slablink_slots" };
/** What is said of a name that has a definition, by the kind of stubs. */
const REFUSALS = { lazy: "cannot be linked late", redirectable: "cannot become redirectable" } as const;
let made = 0;

/**
 * Names of a JITDylib that are stubs, `jmp *slot(%rip)`. They are a job of their own, in a JITDylib of their own, which goes with the
 * JITDylib that has the names.
 */
export class StubSet {
  /** The names, in the order of their slots. */
  readonly names: readonly string[];
  readonly #session: ExecutionSession;
  readonly #dylib: JITDylib;
  /** Holds the stubs. */
  readonly #own: JITDylib;
  #job: LinkedJob | undefined;
  #isRemoved = false;

  private constructor(session: ExecutionSession, dylib: JITDylib, kind: string, names: readonly string[]) {
    this.names = names;
    this.#session = session;
    this.#dylib = dylib;
    this.#own = session.createJITDylib(`${dylib.name}-${kind}-${++made}`);
    const remove = () => session.removeJITDylib(this.#own);
    dylib.atRemoval.add(remove);
    this.atRemoval(() => {
      this.#isRemoved = true;
      dylib.atRemoval.delete(remove);
      this.#undefine();
    });
  }

  /**
   * Links stubs and defines their names in `dylib`. `kind` is part of the name of their JITDylib; `fill` adds what they need to that. Errors:
   * UsageError when `dylib` has been removed, or is meanwhile; what a link throws; nothing stays then.
   */
  static async link(
    session: ExecutionSession,
    dylib: JITDylib,
    kind: StubKind,
    stubs: readonly Stub[],
    fill: (own: JITDylib) => void = () => {},
  ): Promise<StubSet> {
    if (session.getJITDylib(dylib.name) !== dylib) throw removed(dylib);
    const names = stubs.map(({ name }) => name);
    const set = new StubSet(session, dylib, kind, names);
    const own = set.#own;
    try {
      own.addObject(ByteReader.of(writeStubObject(stubs, STUBS), own.name));
      fill(own);
      const job = await session.link(own, names);
      // Look-ups may have linked a definition meanwhile, that of the targets among them.
      failIfDefined(dylib, kind, names);
      set.#define(job);
    } catch (error) {
      if (!set.#isRemoved) await session.removeJITDylib(own);
      throw error;
    }
    return set;
  }

  /** They are no more. */
  get isRemoved(): boolean {
    return this.#isRemoved;
  }

  /** The job that holds them. */
  get job(): LinkedJob {
    return this.#job!;
  }

  /** Has `end` run before they are taken out of the executor. */
  atRemoval(end: () => void): void {
    this.#own.atRemoval.add(end);
  }

  /** Address of the slot of `names[index]`. */
  slot(index: number): number {
    return this.job.definition(STUBS.slots)! + SLOT_SIZE * index;
  }

  /** Takes them out of the executor; a second time nothing happens. Errors: StillReferencedError, unless `force` is set. */
  async remove({ force }: RemoveOptions): Promise<void> {
    if (this.#isRemoved) return;
    if (force === true) return this.#session.removeJITDylib(this.#own);
    // Nothing is bound to them meanwhile.
    await this.#session.inTurn(this.#dylib, async () => {
      if (this.#isRemoved) return;
      checkUnreferenced(this.job, this.#session.jobs());
      await this.#session.removeJITDylib(this.#own);
    });
  }

  #define(job: LinkedJob): void {
    if (this.#isRemoved) throw removed(this.#dylib);
    this.#job = job;
    for (const name of this.names) {
      this.#dylib.define(name, job.definition(name)!);
      this.#dylib.stubs.set(name, job);
    }
  }

  /** But for names that have been defined anew. */
  #undefine(): void {
    const { absolutes, stubs } = this.#dylib;
    for (const name of this.names) {
      if (stubs.get(name) !== this.#job) continue;
      stubs.delete(name);
      if (absolutes.get(name) === this.#job?.definition(name)) absolutes.delete(name);
    }
  }
}

/** What stubs are for. */
export type StubKind = keyof typeof REFUSALS;

/** Errors: UsageError when `dylib` defines one of the names. */
export function failIfDefined(dylib: JITDylib, kind: StubKind, names: readonly string[]): void {
  const taken = names.find((name) => dylib.find(name) !== undefined);
  if (taken !== undefined) throw new UsageError(`${taken} ${REFUSALS[kind]}: ${dylib.name} defines it already`);
}

function removed({ name }: JITDylib): UsageError {
  return new UsageError(`nothing can be defined in the JITDylib ${name}: it has been removed from the session`);
}

/** The job that has what a look-up of `name` in `dylib` has found at `address`; undefined for what no job defines. */
export function jobAt(dylib: JITDylib, name: string, address: number): LinkedJob | undefined {
  for (const each of [dylib, ...dylib.linkOrder]) {
    const found = each.findDefinition(name);
    if (found?.address === address) return found.job as LinkedJob | undefined;
  }
  return undefined;
}
