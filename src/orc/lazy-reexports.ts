import { hex } from "../bytes/address.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { Llvm } from "../epc/dialect.ts";
import { RemoteExecutorProcessControl } from "../epc/remote.ts";
import { SpsWriter } from "../epc/sps-writer.ts";
import { LinkError, UsageError } from "../errors.ts";
import { SLOT_SIZE, writeStubObject } from "../formats/elf/stub-object.ts";
import { writeTrampolineObject } from "../formats/elf/trampoline-object.ts";
import type { ExecutionSession } from "./execution-session.ts";
import type { JITDylib } from "./jit-dylib.ts";
import { linkOwnObject } from "./link-own-object.ts";
import { writeWords } from "./write-words.ts";

const NAMES = {
  entry: "__slablink_lazy",
  tag: "__slablink_lazy_tag",
  dispatch: "__slablink_lazy_dispatch",
  start: "__slablink_lazy_start",
} as const;
const STUBS = { stubs: "__slablink_lazy_stubs", slots: "__slablink_lazy_slots" };
const DISPATCH = ["__llvm_orc_SimpleRemoteEPC_dispatch_fn", "__llvm_orc_SimpleRemoteEPC_dispatch_ctx"] as const;

/** A function that is linked when it is first called. */
interface LazyFunction {
  readonly source: JITDylib;
  readonly name: string;
  slot: number;
  address?: Promise<number>;
}

/** The executor's side (executor/linked/lazy.c) in a session, and what it asks for by number. */
interface LazyFunctions {
  /** Address that trampolines jump to. */
  readonly entry: number;
  readonly functions: LazyFunction[];
}

const opened = new WeakMap<ExecutionSession, Promise<LazyFunctions>>();
let serial = 0;

/** As `ExecutionSession.lazyReexports`. */
export async function lazyReexports(
  session: ExecutionSession,
  dylib: JITDylib,
  source: JITDylib,
  names: readonly string[] | Readonly<Record<string, string>>,
): Promise<void> {
  const pairs = Array.isArray(names) ? names.map((name) => [name, name] as const) : Object.entries(names);
  if (pairs.length === 0) return;
  const taken = pairs.find(([name]) => dylib.find(name) !== undefined);
  if (taken !== undefined) throw new UsageError(`${taken[0]} cannot be linked late: ${dylib.name} defines it already`);
  let opening = opened.get(session);
  if (opening === undefined) {
    opening = open(session);
    opened.set(session, opening);
    opening.catch(() => opened.delete(session));
  }
  const { entry, functions } = await opening;
  const first = functions.length;
  for (const [, name] of pairs) functions.push({ source, name, slot: 0 });
  const trampolines = pairs.map(([name], i) => ({ name: `${name}.lazy`, number: first + i }));
  const stubs = pairs.map(([name], i) => ({ name, target: trampolines[i]!.name }));
  const own = session.createJITDylib(`${dylib.name}-lazy-${++serial}`);
  try {
    own.define(NAMES.entry, entry);
    own.addObject(ByteReader.of(writeStubObject(stubs, STUBS), own.name));
    own.addObject(ByteReader.of(writeTrampolineObject(trampolines, NAMES.entry), `${own.name} trampolines`));
    const job = await session.link(own, []);
    const slots = job.definition(STUBS.slots)!;
    for (const [i, [name]] of pairs.entries()) {
      functions[first + i]!.slot = slots + SLOT_SIZE * i;
      dylib.define(name, job.definition(name)!);
    }
  } catch (error) {
    await session.removeJITDylib(own);
    throw error;
  }
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
  const functions: LazyFunction[] = [];
  epc.handleDispatch(found.tag, async (argument) => {
    const number = Number(new DataView(argument.buffer, argument.byteOffset, 8).getBigUint64(0, true));
    try {
      return new SpsWriter(8).u64(await addressOf(session, functions, number)).bytes;
    } catch (error) {
      const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
      const answer = new Uint8Array(8 + text.length);
      answer.set(text, 8);
      return answer;
    }
  });
  return { entry: found.entry, functions };
}

/** Links a function, once however many threads have called it. */
function addressOf(session: ExecutionSession, functions: readonly LazyFunction[], number: number): Promise<number> {
  const lazy = functions[number];
  if (lazy === undefined) throw new LinkError("link", `no function has the number ${hex(number)}`);
  lazy.address ??= link(session, lazy);
  return lazy.address;
}

async function link(session: ExecutionSession, { source, name, slot }: LazyFunction): Promise<number> {
  const address = (await session.lookup(source, [name])).get(name);
  if (address === undefined) throw new LinkError("undefined-symbol", `${name} is not defined in ${source.name}`);
  await writeWords(session, [{ address: slot, value: address }]);
  return address;
}
