import { hex } from "../bytes/address.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { Llvm } from "../epc/dialect.ts";
import { RemoteExecutorProcessControl } from "../epc/remote.ts";
import { SpsWriter } from "../epc/sps-writer.ts";
import { LinkError, UsageError } from "../errors.ts";
import { writeTrampolineObject } from "../formats/elf/trampoline-object.ts";
import type { ExecutionSession } from "./execution-session.ts";
import type { FilledSlot } from "./filled-slots.ts";
import type { JITDylib } from "./jit-dylib.ts";
import { linkOwnObject } from "./link-own-object.ts";
import type { LinkedJob } from "./linked-job.ts";
import type { RemoveOptions } from "./resource-tracker.ts";
import { failIfDefined, jobAt, StubSet } from "./stub-set.ts";
import { type PlacedWord, writeWords } from "./write-words.ts";

const NAMES = {
  entry: "__slablink_lazy",
  tag: "__slablink_lazy_tag",
  dispatch: "__slablink_lazy_dispatch",
  start: "__slablink_lazy_start",
} as const;
const DISPATCH = ["__llvm_orc_SimpleRemoteEPC_dispatch_fn", "__llvm_orc_SimpleRemoteEPC_dispatch_ctx"] as const;

/** Where functions come from; `dylib` is undefined once it has been removed. */
interface LazySource {
  readonly name: string;
  dylib: JITDylib | undefined;
}

/** A function that is linked when it is first called. */
class LazyFunction implements FilledSlot {
  /** Of the stub; undefined before that is linked, and when it has been removed. */
  slot: number | undefined;
  /** What the slot holds while it is empty. */
  trampoline = 0;
  readonly #session: ExecutionSession;
  readonly #source: LazySource;
  readonly #name: string;
  #target = 0;
  /** What the slot leads to. */
  #job: LinkedJob | undefined;
  #address: Promise<number> | undefined;

  constructor(session: ExecutionSession, source: LazySource, name: string) {
    this.#session = session;
    this.#source = source;
    this.#name = name;
  }

  get target(): number {
    return this.#target;
  }

  /** Links it, once however many threads have called it. Errors: LinkError and its kin. */
  address(): Promise<number> {
    this.#address ??= this.#link();
    return this.#address;
  }

  empty(): PlacedWord {
    const word = { address: this.slot!, value: this.trampoline };
    this.#address = undefined;
    this.#job?.filledSlots.delete(this);
    this.#job = undefined;
    return word;
  }

  /** Its stub goes. */
  remove(): void {
    if (this.slot !== undefined) this.empty();
    this.slot = undefined;
  }

  async #link(): Promise<number> {
    const { dylib } = this.#checkedSource();
    // What is found can be removed only when the slot leads there.
    return this.#session.inTurn(dylib, async (lookup) => {
      this.#checkedSource();
      const address = (await lookup([this.#name])).get(this.#name)!;
      if (this.slot === undefined) return address;
      this.#target = address;
      this.#job = jobAt(dylib, this.#name, address);
      this.#job?.filledSlots.add(this);
      await writeWords(this.#session, [{ address: this.slot, value: address }]);
      return address;
    });
  }

  #checkedSource(): { dylib: JITDylib } {
    const { name, dylib } = this.#source;
    if (dylib !== undefined) return { dylib };
    throw new LinkError("undefined-symbol", `${this.#name} is not defined: the JITDylib ${name} has been removed`);
  }
}

/** The executor's side (executor/linked/lazy.c) in a session, and what it asks for by number. */
interface LazyFunctions {
  /** Address that trampolines jump to. */
  readonly entry: number;
  readonly functions: Map<number, LazyFunction>;
}

/** Functions of a JITDylib that are linked when they are first called. */
export class LazyReexports {
  readonly #stubs: StubSet | undefined;

  /** Made by `lazyReexports`. */
  constructor(stubs: StubSet | undefined) {
    this.#stubs = stubs;
  }

  /** The names that have stubs, in the order in which they were given. */
  get names(): readonly string[] {
    return this.#stubs?.names ?? [];
  }

  /**
   * Takes the stubs out of the executor, and their names out of the JITDylib; what has been linked in the source stays there. A second time
   * nothing happens. Errors: StillReferencedError, with nothing changed, when linked code refers to them, unless `force` is set: it must not
   * use them any more then.
   */
  async remove(options: RemoveOptions = {}): Promise<void> {
    await this.#stubs?.remove(options);
  }
}

const opened = new WeakMap<ExecutionSession, Promise<LazyFunctions>>();
/** Of the next function; the executor may be asked by the numbers of those that have been removed. */
let nextNumber = 0;

/** As `ExecutionSession.lazyReexports`. */
export async function lazyReexports(
  session: ExecutionSession,
  dylib: JITDylib,
  source: JITDylib,
  names: readonly string[] | Readonly<Record<string, string>>,
): Promise<LazyReexports> {
  const pairs = Array.isArray(names) ? names.map((name) => [name, name] as const) : Object.entries(names);
  if (pairs.length === 0) return new LazyReexports(undefined);
  failIfDefined(
    dylib,
    "lazy",
    pairs.map(([name]) => name),
  );
  let opening = opened.get(session);
  if (opening === undefined) {
    opening = open(session);
    opened.set(session, opening);
    opening.catch(() => opened.delete(session));
  }
  const { entry, functions } = await opening;
  const trampolines = pairs.map(([name]) => ({ name: `${name}.lazy`, number: nextNumber++ }));
  const targets = pairs.map(([name], i) => ({ name, target: trampolines[i]!.name }));
  const stubs = await StubSet.link(session, dylib, "lazy", targets, (own) => {
    own.define(NAMES.entry, entry);
    own.addObject(ByteReader.of(writeTrampolineObject(trampolines, NAMES.entry), `${own.name} trampolines`));
  });
  if (stubs.isRemoved) return new LazyReexports(stubs);
  const from = watchSource(session, source, stubs);
  for (const [i, [, name]] of pairs.entries()) {
    const lazy = new LazyFunction(session, from, name);
    const { name: trampoline, number } = trampolines[i]!;
    lazy.slot = stubs.slot(i);
    lazy.trampoline = stubs.job.definition(trampoline)!;
    functions.set(number, lazy);
    stubs.atRemoval(() => {
      functions.delete(number);
      lazy.remove();
    });
  }
  return new LazyReexports(stubs);
}

/** The source, as long as it is in the session. */
function watchSource(session: ExecutionSession, dylib: JITDylib, stubs: StubSet): LazySource {
  const { name } = dylib;
  const source: LazySource = { name, dylib: session.getJITDylib(name) === dylib ? dylib : undefined };
  const forget = () => {
    source.dylib = undefined;
  };
  dylib.atRemoval.add(forget);
  stubs.atRemoval(() => void dylib.atRemoval.delete(forget));
  return source;
}

/** Links the executor's side and takes its calls. */
async function open(session: ExecutionSession): Promise<LazyFunctions> {
  const { epc } = session;
  if (!(epc instanceof RemoteExecutorProcessControl)) {
    throw new UsageError(
      "functions cannot be linked when they are called in this process: the call would wait for the thread that links; use an executor",
    );
  }
  const purpose = "functions are to be linked when they are called";
  const found = await linkOwnObject(session, "slablink-lazy", "slablink-lazy.o", NAMES, purpose);
  const place = found.dispatch;
  const words = DISPATCH.map((name, i) => ({ address: place + 8 * i, value: epc.bootstrapAddress(name) }));
  await writeWords(session, words);
  await epc.callWrapper(Llvm.runAsVoidFunction, new SpsWriter(8).u64(found.start).bytes);
  const functions = new Map<number, LazyFunction>();
  epc.handleDispatch(found.tag, async (argument) => {
    const number = Number(new DataView(argument.buffer, argument.byteOffset, 8).getBigUint64(0, true));
    try {
      const lazy = functions.get(number);
      if (lazy === undefined) throw new LinkError("link", `no function has the number ${hex(number)}`);
      return new SpsWriter(8).u64(await lazy.address()).bytes;
    } catch (error) {
      const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
      const answer = new Uint8Array(8 + text.length);
      answer.set(text, 8);
      return answer;
    }
  });
  return { entry: found.entry, functions };
}
