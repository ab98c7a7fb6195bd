import { closeSync, writeSync } from "node:fs";
import { createMemfd } from "../host/memfd.ts";
import { spawnExecutor } from "../host/process.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import { RemoteExecutorProcessControl } from "./remote.ts";

/** How an executor is started; `env` and `cwd` are this process's by default, `setupLimit` is in ms. */
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
  /** Room for static thread-locals beyond the loader's default, in bytes (slablink's executor only). */
  readonly staticTls?: number;
  /** A shared object that the loader takes in before all libraries (slablink's executor only). */
  readonly preload?: Uint8Array;
}

/** The slab's descriptor in an executor that was launched with one. */
export const INHERITED_SLAB_FD = 4;

/** Starts an executor and waits for its Setup: some 3 ms. Errors: ExecutorError, with how the process ended. */
export async function launchExecutor(options: LaunchOptions): Promise<RemoteExecutorProcessControl> {
  const { path, llvm = false, slab, cwd, setupLimit, staticTls = 0, preload } = options;
  let { env } = options;
  let preloadFd = -1;
  const args = ["filedescs=3,3"];
  if (!llvm) args.push(`parent=${process.pid}`);
  if (staticTls > 0) {
    // The loader reads it as the executor starts, which then puts the program's environment back as it was.
    const tunables = (env ?? process.env).GLIBC_TUNABLES;
    const room = `glibc.rtld.optional_static_tls=${staticTls}`;
    env = { ...(env ?? process.env), GLIBC_TUNABLES: tunables === undefined ? room : `${tunables}:${room}` };
    args.push(tunables === undefined ? "tunables" : `tunables=${tunables}`);
  }
  if (preload !== undefined) {
    preloadFd = createMemfd("slablink-data", preload.length);
    writeSync(preloadFd, preload, 0, preload.length, 0);
    const before = (env ?? process.env).LD_PRELOAD;
    const file = `/proc/${process.pid}/fd/${preloadFd}`;
    env = { ...(env ?? process.env), LD_PRELOAD: before === undefined ? file : `${file}:${before}` };
    args.push(before === undefined ? "preload" : `preload=${before}`);
  }
  try {
    const process_ = await spawnExecutor({ path, arguments: args, slabFd: slab?.fd, env, cwd });
    return await RemoteExecutorProcessControl.connect(process_.stream, { process: process_, setupLimit });
  } finally {
    if (preloadFd >= 0) closeSync(preloadFd);
  }
}
