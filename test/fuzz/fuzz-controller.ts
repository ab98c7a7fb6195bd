import { once } from "node:events";
import { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import { SlablinkError } from "../../src/errors.ts";
import { RpcMemoryMapper } from "../../src/memory/rpc-mapper.ts";
import { Tracer } from "../../src/trace/tracer.ts";
import { Random } from "../support/mutate.ts";
import { DISPATCH_TAG, LyingExecutor } from "./lying-executor.ts";

export interface ControllerReport {
  mutated: number;
  sessions: number;
  /** Requests that were answered, and those that were refused with a reason. */
  answered: number;
  refused: number;
}

/** A request that is still open after this time hangs; in seconds. */
const PATIENCE_SECONDS = 30;
const PAGE = 4096;

export interface ControllerFuzzOptions {
  seed: number;
  frames: number;
  /** The names that an executor of ours has. */
  symbols: ReadonlyMap<string, number>;
  progress?(report: ControllerReport): void;
}

/**
 * Lets the controller talk to executors that answer with mutated frames, until there were `frames` of these. An Error says which
 * seed shows what: a request that is neither answered nor refused, or refused with anything else than a SlablinkError.
 */
export async function fuzzController({
  seed,
  frames,
  symbols,
  progress,
}: ControllerFuzzOptions): Promise<ControllerReport> {
  const report: ControllerReport = { mutated: 0, sessions: 0, answered: 0, refused: 0 };
  const stray: unknown[] = [];
  const note = (error: unknown): void => void stray.push(error);
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  try {
    for (let session = seed; report.mutated < frames; session++) {
      try {
        await talk(new Random(session * 2654435761), symbols, report);
        if (stray.length > 0) throw stray[0];
      } catch (error) {
        throw new Error(`controller --seed ${session} --frames 1: ${(error as Error).stack}`);
      }
      report.sessions++;
      if (report.sessions % 500 === 0) progress?.(report);
    }
  } finally {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
  }
  return report;
}

/** One session: everything a controller asks, at once. */
async function talk(random: Random, all: ReadonlyMap<string, number>, report: ControllerReport): Promise<void> {
  const ours = random.below(3) > 0;
  const symbols = ours ? all : new Map([...all].filter(([name]) => !name.startsWith("__slablink")));
  const executor = new LyingExecutor(random, symbols);
  const closed = once(executor.stream, "close");
  const observer = random.below(2) === 0 ? new Tracer().observeExecutor() : undefined;
  const connecting = RemoteExecutorProcessControl.connect(executor.stream, { observer });
  const ending = executor.endWhenIdle();
  const epc = await judge(connecting, report);
  if (epc) {
    epc.handleDispatch(DISPATCH_TAG, (argument) => argument);
    await Promise.all(requests(epc).map((request) => judge(request, report)));
    await judge(epc.disconnect(), report);
  }
  await ending;
  if (!epc) executor.stream.destroy();
  await judge(closed, report);
  report.mutated += executor.mutated;
}

function requests(epc: RemoteExecutorProcessControl): Promise<unknown>[] {
  const program = {
    main: 0x5000_0000,
    argv: ["program"],
    initFunctions: [],
    initArrays: [],
    finiArrays: [],
    finiFunctions: [],
  };
  const array = { start: 0x5000_1000, end: 0x5000_1018 };
  return [
    epc.openLibrary("libsomething.so"),
    epc.resolve(0, ["malloc", "free", "no such name"]),
    epc.resolve(0x7000, ["count"]),
    epc.loadImage({ start: 0x5000_0000, size: PAGE, bytes: new Uint8Array(10), results: 0x5000_0000, resultCount: 2 }),
    epc.unloadImage(0x7000),
    epc.callAddress(0x5000_0000, new Uint8Array(3)),
    useMemory(epc),
    epc.runProgram({ ...program, initArrays: [array], finiArrays: [array], dsoHandle: 0 }),
  ];
}

async function useMemory(epc: RemoteExecutorProcessControl): Promise<void> {
  const mapper = new RpcMemoryMapper(epc);
  const { start } = await mapper.reserve(PAGE, mapper.canPlace ? 0x5000_0000 : undefined);
  mapper.prepare(start, PAGE);
  const segments = [{ address: start, contentSize: 16, zeroFillSize: 100, protection: 3 }];
  const key = await mapper.initialize({ reservation: start, segments, actions: [] });
  await mapper.deinitialize([key]);
  await mapper.release([start]);
}

/** The value, or undefined after a refusal that says why. Throws for everything else. */
async function judge<T>(promise: Promise<T>, report: ControllerReport): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const fail = (): void => reject(new TypeError(`a request is open after ${PATIENCE_SECONDS} s`));
    timer = setTimeout(fail, PATIENCE_SECONDS * 1000);
  });
  try {
    const value = await Promise.race([promise, late]);
    report.answered++;
    return value;
  } catch (error) {
    if (!(error instanceof SlablinkError)) throw error;
    report.refused++;
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
