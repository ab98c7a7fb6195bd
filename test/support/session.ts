import { launchExecutor } from "../../src/epc/launch.ts";
import { SlabMemory } from "../../src/host/slab-memory.ts";
import { SharedMemoryMapper } from "../../src/memory/shared-memory-mapper.ts";
import { SlabMemoryManager } from "../../src/memory/slab-memory-manager.ts";
import { ExecutionSession } from "../../src/orc/execution-session.ts";
import { executorPath } from "../../src/orc/executor-path.ts";

/** A session with an executor of its own, over shared memory; the caller ends it. */
export async function openSession(slabSize = 64 * 1024 ** 2): Promise<ExecutionSession> {
  const slab = new SlabMemory(slabSize);
  try {
    const epc = await launchExecutor({ path: executorPath(), slab });
    const mapper = new SharedMemoryMapper(epc, { inherited: slab });
    const memoryManager = new SlabMemoryManager(mapper, epc, { slabSize, placement: "low" });
    return new ExecutionSession({ epc, memoryManager, sharedMemory: true });
  } catch (error) {
    slab.dispose();
    throw error;
  }
}
