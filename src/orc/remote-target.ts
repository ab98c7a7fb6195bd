import { type Reach, reachExecutor } from "../epc/reach.ts";
import type { RemoteExecutorProcessControl } from "../epc/remote.ts";
import { SlablinkError } from "../errors.ts";
import { ObjectMemoryManager } from "../memory/object-memory-manager.ts";
import { RpcMemoryMapper } from "../memory/rpc-mapper.ts";
import { SharedMemoryMapper } from "../memory/shared-memory-mapper.ts";
import { whyNotShared } from "../memory/shared-memory-probe.ts";
import { DEFAULT_SLAB_SIZE, SlabMemoryManager } from "../memory/slab-memory-manager.ts";
import type { ExecutorTarget } from "./link-job.ts";
import type { MemoryUse, TargetRequest } from "./run-request.ts";

/** An executor that somebody else has started, and how its memory is filled. */
export interface RemoteTarget extends ExecutorTarget {
  readonly epc: RemoteExecutorProcessControl;
  readonly memory: MemoryUse;
}

/**
 * Reaches an executor that somebody else starts. Its memory is shared if it can be, and else filled by messages. Errors:
 * ExecutorError; code "memory" when sharing was asked for.
 */
export async function openRemoteTarget(request: TargetRequest, reach: Reach): Promise<RemoteTarget> {
  const { slabSize = DEFAULT_SLAB_SIZE, placement, tasks, trace } = request;
  const connect = () => reachExecutor({ reach, observer: trace?.observeExecutor() });
  const epc = await (trace?.follow("reach executor", connect, "executor start") ?? connect());
  try {
    request.onExecutor?.((signal, group) => epc.kill(signal, group), "own");
    if (request.memory === "rpc-per-object") {
      return {
        epc,
        memoryManager: new ObjectMemoryManager(epc, { placement, tasks }),
        memory: { kind: "rpc-per-object" },
      };
    }
    const memory = await chooseMemory(epc, request);
    const mapper = memory.kind === "shared" ? new SharedMemoryMapper(epc, { marked: true }) : new RpcMemoryMapper(epc);
    const slabs = { slabSize, placement, tasks, growable: request.slabSize === undefined };
    const memoryManager = new SlabMemoryManager(mapper, epc, slabs);
    memoryManager.reserveAhead();
    return { epc, memoryManager, memory };
  } catch (error) {
    await epc.disconnect();
    throw error;
  }
}

async function chooseMemory(epc: RemoteExecutorProcessControl, request: TargetRequest): Promise<MemoryUse> {
  if (request.memory === "rpc") return { kind: "rpc" };
  const reason = await whyNotShared(epc);
  if (reason === undefined) return { kind: "shared" };
  if (request.mustShare !== true) return { kind: "rpc", reason };
  throw new SlablinkError(
    "memory",
    `--memory=shared: the executor cannot open this process's memory (${reason}); leave it out`,
  );
}
