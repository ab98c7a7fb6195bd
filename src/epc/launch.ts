import { spawnExecutor } from "../host/process.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import { RemoteExecutorProcessControl } from "./remote.ts";

export interface LaunchOptions {
  /** The executor's program file. */
  readonly path: string;
  /** LLVM's llvm-jitlink-executor: it takes no arguments but the descriptors. */
  readonly llvm?: boolean;
  /** Becomes descriptor 4 of the executor, where slablink's executor can map it without opening anything. */
  readonly slab?: SlabMemory;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly setupLimit?: number;
}

/** The slab's descriptor in an executor that was launched with one. */
export const INHERITED_SLAB_FD = 4;

/** Starts an executor and waits for its Setup: some 3 ms. Errors: ExecutorError, with how the process ended. */
export async function launchExecutor(options: LaunchOptions): Promise<RemoteExecutorProcessControl> {
  const { path, llvm = false, slab, env, cwd, setupLimit } = options;
  const process_ = await spawnExecutor({
    path,
    arguments: llvm ? ["filedescs=3,3"] : ["filedescs=3,3", `parent=${process.pid}`],
    slabFd: slab?.fd,
    env,
    cwd,
  });
  return RemoteExecutorProcessControl.connect(process_.stream, { process: process_, setupLimit });
}
