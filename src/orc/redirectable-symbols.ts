import { UsageError } from "../errors.ts";
import { checkAddress } from "./definitions.ts";
import type { ExecutionSession } from "./execution-session.ts";
import type { JITDylib } from "./jit-dylib.ts";
import type { LinkedJob } from "./linked-job.ts";
import type { RemoveOptions } from "./resource-tracker.ts";
import { failIfDefined, jobAt, StubSet } from "./stub-set.ts";
import { writeWords } from "./write-words.ts";

/** Where names lead: an address in the executor, or the name of a symbol of the same JITDylib. */
export type Targets = Readonly<Record<string, number | string>>;

/** Where a slot leads. */
interface Target {
  readonly address: number;
  /** What a name was found in, and the name. */
  readonly job?: LinkedJob;
  readonly symbol?: string;
}

/** Names whose stubs are being made: nothing defines them yet. */
const inMaking = new WeakMap<JITDylib, Set<string>>();

/**
 * Names whose functions can be exchanged while the program runs (LLVM's RedirectableSymbolManager). Each is a stub, `jmp *slot(%rip)`:
 * what refers to the name is bound to the stub, whose address stays the same for as long as it is there.
 */
export class RedirectableSymbols {
  readonly #session: ExecutionSession;
  readonly #dylib: JITDylib;
  readonly #stubs: StubSet;
  /** Where each name leads, in the order of their slots. */
  readonly #targets: Map<string, Target>;

  /** Made by `createRedirectableSymbols`. */
  constructor(session: ExecutionSession, dylib: JITDylib, stubs: StubSet, targets: readonly Target[]) {
    this.#session = session;
    this.#dylib = dylib;
    this.#stubs = stubs;
    this.#targets = new Map(stubs.names.map((name, i) => [name, targets[i]!]));
    this.#noteUses();
  }

  /** The names that have stubs, in the order in which they were given. */
  get names(): readonly string[] {
    return this.#stubs.names;
  }

  /** Address of the stub. Errors: UsageError for a name that is none of these. */
  address(name: string): number {
    this.#slot(name);
    return this.#stubs.job.definition(name)!;
  }

  /**
   * Makes names lead elsewhere, by one request or none. Each changes by a single store: a call goes to the old function or to the new one, and calls
   * that have begun go on where they are. Errors: UsageError for a name that is none of these, or a target that is no
   * address, before anything is changed; what a look-up throws.
   */
  async redirect(targets: Targets): Promise<void> {
    const names = Object.keys(targets);
    const slots = names.map((name) => this.#slot(name));
    await withTargets(this.#session, this.#dylib, targets, async (found) => {
      for (const name of names) this.#slot(name);
      const before = names.map((name) => this.#targets.get(name)!);
      for (const [i, name] of names.entries()) this.#targets.set(name, found[i]!);
      // Calls go to the old functions until the words are there.
      this.#noteUses(before);
      const words = slots.map((address, i) => ({ address, value: found[i]!.address }));
      await writeWords(this.#session, words);
      this.#noteUses();
    });
  }

  /**
   * Takes the stubs out of the executor, and their names out of the JITDylib; a second time nothing happens. Errors: StillReferencedError, with
   * nothing changed, when linked code refers to them, unless `force` is set: it must not use them any more then.
   */
  async remove(options: RemoveOptions = {}): Promise<void> {
    await this.#stubs.remove(options);
  }

  /** Tells trackers of what the slots lead to, by name; what an address is of is the caller's affair. */
  #noteUses(others: readonly Target[] = []): void {
    const { uses } = this.#stubs.job;
    uses.clear();
    for (const { job, symbol } of [...this.#targets.values(), ...others]) {
      if (job !== undefined) uses.set(job, (uses.get(job) ?? new Set()).add(symbol!));
    }
  }

  #slot(name: string): number {
    const index = this.names.indexOf(name);
    if (this.#stubs.isRemoved) throw new UsageError(`${name}: these redirectable symbols have been removed`);
    if (index < 0) throw new UsageError(`${name} is not redirectable: it was not named when these were created`);
    return this.#stubs.slot(index);
  }
}

/** As `ExecutionSession.createRedirectableSymbols`. */
export async function createRedirectableSymbols(
  session: ExecutionSession,
  dylib: JITDylib,
  targets: Targets,
): Promise<RedirectableSymbols> {
  const names = Object.keys(targets);
  if (names.length === 0) throw new UsageError("no redirectable symbols are named");
  failIfDefined(dylib, "redirectable", names);
  const begun = inMaking.get(dylib) ?? new Set();
  inMaking.set(dylib, begun);
  const twice = names.find((name) => begun.has(name));
  if (twice !== undefined) {
    throw new UsageError(`${twice} cannot become redirectable: it is about to be by another call in ${dylib.name}`);
  }
  for (const name of names) begun.add(name);
  try {
    return await withTargets(session, dylib, targets, async (found) => {
      const stubs = names.map((name, i) => ({ name, target: found[i]!.address }));
      return new RedirectableSymbols(session, dylib, await StubSet.link(session, dylib, "redirectable", stubs), found);
    });
  } finally {
    for (const name of names) begun.delete(name);
  }
}

/**
 * Has `use` run before anything that was found by name can be removed. Errors: LinkError for a name that is not defined, UsageError for a
 * target that is no address.
 */
async function withTargets<T>(
  session: ExecutionSession,
  dylib: JITDylib,
  targets: Targets,
  use: (found: readonly Target[]) => Promise<T>,
): Promise<T> {
  for (const [name, target] of Object.entries(targets)) if (typeof target !== "string") checkAddress(name, target);
  const all = Object.values(targets);
  const names = [...new Set(all.filter((target) => typeof target === "string"))];
  const resolve = (found: ReadonlyMap<string, number>) =>
    all.map((target) => (typeof target === "string" ? targetOf(dylib, target, found) : { address: target }));
  if (names.length === 0) return use(resolve(new Map()));
  return session.inTurn(dylib, async (lookup) => use(resolve(await lookup(names))));
}

function targetOf(dylib: JITDylib, symbol: string, found: ReadonlyMap<string, number>): Target {
  const address = found.get(symbol)!;
  return { address, job: jobAt(dylib, symbol, address), symbol };
}
