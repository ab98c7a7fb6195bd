import {
  DEFAULT_SLAB_SIZE,
  ExecutionSession,
  executorPath,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  launchExecutor,
  RpcMemoryMapper,
  type RuntimeLibraries,
  SharedMemoryMapper,
  SlabMemory,
  SlabMemoryManager,
} from "../../src/index.ts";

/** Where linked code runs, and how it gets there. */
export interface WarmMode {
  readonly name: "executor" | "in-process" | "rpc";
}

/** All modes, the default first. */
export const warmModes: readonly WarmMode[] = [{ name: "executor" }, { name: "in-process" }, { name: "rpc" }];

/** A session as `slablink run` opens it, and the process id of its executor. */
export async function openWarmSession(
  { name }: WarmMode,
  runtime?: RuntimeLibraries,
  threads?: number,
): Promise<{ session: ExecutionSession; pid: number | undefined }> {
  const slabs = { slabSize: DEFAULT_SLAB_SIZE, growable: true };
  if (name === "in-process") {
    const epc = new InProcessExecutorProcessControl();
    const memoryManager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, slabs);
    return {
      session: new ExecutionSession({ epc, memoryManager, sharedMemory: true, runtime, threads }),
      pid: undefined,
    };
  }
  const slab = name === "rpc" ? undefined : new SlabMemory(DEFAULT_SLAB_SIZE);
  const epc = await launchExecutor({ path: executorPath(), slab });
  const mapper = slab === undefined ? new RpcMemoryMapper(epc) : new SharedMemoryMapper(epc, { inherited: slab });
  const memoryManager = new SlabMemoryManager(mapper, epc, slabs);
  const session = new ExecutionSession({ epc, memoryManager, sharedMemory: slab !== undefined, runtime, threads });
  return { session, pid: epc.pid };
}
