import { ByteReader } from "../bytes/byte-reader.ts";
import { LinkError, UsageError } from "../errors.ts";
import { SLOT_SIZE, writeStubObject } from "../formats/elf/stub-object.ts";
import type { ExecutionSession } from "./execution-session.ts";
import type { JITDylib } from "./jit-dylib.ts";
import { writeWords } from "./write-words.ts";

/** Where names lead: an address in the executor, or the name of a symbol of the same JITDylib. */
export type Targets = Readonly<Record<string, number | string>>;

const STUBS = { stubs: "__slablink_stubs", slots: "__slablink_slots" };
let made = 0;

/**
 * Names whose functions can be exchanged while the program runs (LLVM's RedirectableSymbolManager). Each is a stub, `jmp *slot(%rip)`:
 * what refers to the name is bound to the stub, whose address stays the same for as long as it is there.
 */
export class RedirectableSymbols {
  readonly #session: ExecutionSession;
  readonly #dylib: JITDylib;
  /** Holds the stubs. */
  readonly #own: JITDylib;
  /** Address of each name's slot. */
  readonly #slots: ReadonlyMap<string, number>;
  #removed = false;

  /** Made by `createRedirectableSymbols`. */
  constructor(session: ExecutionSession, dylib: JITDylib, own: JITDylib, slots: ReadonlyMap<string, number>) {
    this.#session = session;
    this.#dylib = dylib;
    this.#own = own;
    this.#slots = slots;
  }

  /** The names that have stubs, in the order in which they were given. */
  get names(): readonly string[] {
    return [...this.#slots.keys()];
  }

  /** Address of the stub. Errors: UsageError for a name that is none of these. */
  address(name: string): number {
    this.#slot(name);
    return this.#dylib.absolutes.get(name)!;
  }

  /**
   * Makes names lead elsewhere, by one request or none. Each changes by a single store: a call goes to the old function or to the new one, and calls
   * that have begun go on where they are. Errors: UsageError for a name that is none of these, before anything is changed; what a look-up throws.
   */
  async redirect(targets: Targets): Promise<void> {
    const slots = Object.keys(targets).map((name) => this.#slot(name));
    const addresses = await addressesOf(this.#session, this.#dylib, Object.values(targets));
    await writeWords(
      this.#session,
      slots.map((address, i) => ({ address, value: addresses[i]! })),
    );
  }

  /** Takes the stubs out of the executor; nothing may refer to them any more. */
  async remove(): Promise<void> {
    if (this.#removed) return;
    this.#removed = true;
    for (const name of this.#slots.keys()) this.#dylib.absolutes.delete(name);
    await this.#session.removeJITDylib(this.#own);
  }

  #slot(name: string): number {
    const slot = this.#slots.get(name);
    if (this.#removed) throw new UsageError(`${name}: these redirectable symbols have been removed`);
    if (slot === undefined)
      throw new UsageError(`${name} is not redirectable: it was not named when these were created`);
    return slot;
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
  const taken = names.find((name) => dylib.find(name) !== undefined);
  if (taken !== undefined)
    throw new UsageError(`${taken} cannot become redirectable: ${dylib.name} defines it already`);
  const addresses = await addressesOf(session, dylib, Object.values(targets));
  const stubs = names.map((name, i) => ({ name, target: addresses[i]! }));
  const own = session.createJITDylib(`${dylib.name}-redirectable-${++made}`);
  try {
    own.addObject(ByteReader.of(writeStubObject(stubs, STUBS), own.name));
    const job = await session.link(own, names);
    const start = job.definition(STUBS.slots)!;
    for (const name of names) dylib.define(name, job.definition(name)!);
    return new RedirectableSymbols(session, dylib, own, new Map(names.map((name, i) => [name, start + SLOT_SIZE * i])));
  } catch (error) {
    await session.removeJITDylib(own);
    throw error;
  }
}

async function addressesOf(
  session: ExecutionSession,
  dylib: JITDylib,
  targets: readonly (number | string)[],
): Promise<number[]> {
  const names = [...new Set(targets.filter((target) => typeof target === "string"))];
  const found = names.length === 0 ? new Map<string, number>() : await session.lookup(dylib, names);
  return targets.map((target) => {
    const address = typeof target === "string" ? found.get(target) : target;
    if (address === undefined) throw new LinkError("undefined-symbol", `${target} is not defined in ${dylib.name}`);
    return address;
  });
}
