import {
  ExecutionSession,
  type ExecutorProcessControl,
  executorPath,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  type JITLinkMemoryManager,
  LlvmWrapper,
  launchExecutor,
  type MemoryMapper,
  RpcMemoryMapper,
  SharedMemoryMapper,
  SlabMemory,
  SlabMemoryManager,
  SpsReader,
  SpsWriter,
} from "slablink";

export const SLAB_SIZE = 16 * 2 ** 20;

/** A process that runs code, and a way of bringing bytes into it. */
export interface Target {
  readonly epc: ExecutorProcessControl;
  readonly mapper: MemoryMapper;
  readonly sharedMemory: boolean;
}

export interface Mode {
  readonly name: string;
  open(): Promise<Target>;
}

export const modes: readonly Mode[] = [
  {
    name: "in this process",
    async open() {
      const epc = new InProcessExecutorProcessControl();
      return { epc, mapper: new InProcessMemoryMapper(epc), sharedMemory: true };
    },
  },
  {
    name: "in an executor, over shared memory",
    async open() {
      const slab = new SlabMemory(SLAB_SIZE);
      const epc = await launchExecutor({ path: executorPath(), slab });
      return { epc, mapper: new SharedMemoryMapper(epc, { inherited: slab }), sharedMemory: true };
    },
  },
  {
    name: "in an executor, by messages",
    async open() {
      const epc = await launchExecutor({ path: executorPath() });
      return { epc, mapper: new RpcMemoryMapper(epc), sharedMemory: false };
    },
  },
];

/** Calls `int f(void)` at an address of the process that runs the code. */
export async function call(epc: ExecutorProcessControl, address: number | undefined): Promise<number> {
  if (address === undefined) throw new Error("no address to call");
  const result = await epc.callWrapper(LlvmWrapper.runAsVoidFunction, new SpsWriter(8).u64(address).bytes);
  return new SpsReader(result, "calling a function").i32("value");
}

/** A session with a slab; `wrap` may stand between it and its memory, `threads` may work on its jobs. */
export async function openSession(
  mode: Mode,
  wrap: (manager: JITLinkMemoryManager) => JITLinkMemoryManager = (manager) => manager,
  threads?: number,
): Promise<{ session: ExecutionSession; manager: SlabMemoryManager }> {
  const { epc, mapper, sharedMemory } = await mode.open();
  const manager = new SlabMemoryManager(mapper, epc, { slabSize: SLAB_SIZE });
  return { session: new ExecutionSession({ epc, memoryManager: wrap(manager), sharedMemory, threads }), manager };
}
