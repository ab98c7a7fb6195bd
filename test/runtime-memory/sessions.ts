import {
  ExecutionSession,
  executorPath,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  type JITDylib,
  type LinkedJob,
  launchExecutor,
  ProcessSymbolsGenerator,
  RpcMemoryMapper,
  readingOpener,
  SharedMemoryMapper,
  SlabMemory,
  SlabMemoryManager,
} from "slablink";
import { reachExecutor } from "../../src/epc/reach.ts";
import { call } from "../api/modes.ts";
import { compile } from "../support/compile.ts";

const SLAB_SIZE = 16 * 2 ** 20;

/** A way to run code whose memory is looked at; `shared`: arrays are over its own memory. */
export interface Way {
  readonly name: string;
  readonly shared: boolean;
  open(): Promise<ExecutionSession>;
}

const inProcess: Way = {
  name: "in this process",
  shared: true,
  async open() {
    const epc = new InProcessExecutorProcessControl();
    const memoryManager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, {
      slabSize: SLAB_SIZE,
      growable: true,
    });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: true, sharedData: true });
  },
};

/** Over shared memory; variables stay shared unless `sharedData` is false. */
export const isolated = (sharedData = true): Way => ({
  name: "in an executor",
  shared: sharedData,
  async open() {
    const slab = new SlabMemory(SLAB_SIZE);
    const epc = await launchExecutor({ path: executorPath(), slab });
    const mapper = new SharedMemoryMapper(epc, { inherited: slab });
    const memoryManager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE, growable: true });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: true, sharedData });
  },
});

/** An executor that shares no memory with this process. */
export const byMessages: Way = {
  name: "in an executor, by messages",
  shared: false,
  async open() {
    const epc = await launchExecutor({ path: executorPath() });
    const memoryManager = new SlabMemoryManager(new RpcMemoryMapper(epc), epc, { slabSize: SLAB_SIZE, growable: true });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: false, sharedData: true });
  },
};

/** An executor that somebody else has started; it shares memory with this process, or does not. */
export const reached = (shared: boolean): Way => ({
  name: `in an executor of somebody else's${shared ? "" : ", by messages"}`,
  shared,
  async open() {
    const epc = await reachExecutor({ reach: { command: `${executorPath()} --stdio` } });
    const mapper = shared ? new SharedMemoryMapper(epc, { marked: true }) : new RpcMemoryMapper(epc);
    const memoryManager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE, growable: true });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: shared, sharedData: true });
  },
});

export const ways: readonly Way[] = [inProcess, isolated(), byMessages, reached(true)];
export const sharedWays = ways.filter(({ shared }) => shared);

/** What was linked from a C source. */
export interface Linked {
  readonly session: ExecutionSession;
  readonly dylib: JITDylib;
  readonly job: LinkedJob;
  /** Calls an `int f(void)`. */
  call(name: string): Promise<number>;
}

let count = 0;

/** Links a C source, all of it, as a JITDylib of its own. */
export async function link(session: ExecutionSession, text: string, flags: readonly string[] = []): Promise<Linked> {
  const dylib = session.createJITDylib(`part ${++count}`);
  dylib.addGenerator(new ProcessSymbolsGenerator());
  dylib.addObject(readingOpener.open(await compile(["gcc", "-O2", "-fPIE", ...flags], "part.c", text)));
  const job = await session.link(dylib, []);
  return { session, dylib, job, call: (name) => call(session.epc, job.definition(name)) };
}

/** Runs `work` with a session, which is ended behind it. */
export async function inSession(way: Way, work: (session: ExecutionSession) => Promise<void>): Promise<void> {
  const session = await way.open();
  try {
    await work(session);
  } finally {
    await session.endSession();
  }
}
