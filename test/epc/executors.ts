import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { launchExecutor } from "../../src/epc/launch.ts";
import type { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import type { SlabMemory } from "../../src/host/slab-memory.ts";

/** Our executor, as set-up builds it; SLABLINK_EXECUTOR names another. */
export const executorPath =
  process.env.SLABLINK_EXECUTOR ?? fileURLToPath(new URL("../../../executor/build/slablink-executor", import.meta.url));

export const llvmExecutorPath = "/usr/lib/llvm-22/bin/llvm-jitlink-executor";

/** For the `skip` option of tests that need LLVM's executor. */
export const withoutLlvm = existsSync(llvmExecutorPath) ? false : "llvm-22 is not installed";

export function launch(slab?: SlabMemory): Promise<RemoteExecutorProcessControl> {
  return launchExecutor({ path: executorPath, slab });
}

/** As the command line does it: this thread waits for the executor. */
export function launchBlocking(): Promise<RemoteExecutorProcessControl> {
  return launchExecutor({ path: executorPath, blocking: true });
}

export function launchLlvm(): Promise<RemoteExecutorProcessControl> {
  return launchExecutor({ path: llvmExecutorPath, llvm: true });
}

/** Whether a process with this id exists, zombies included. */
export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
