import { writeSync } from "node:fs";
import { startWithLowHeap } from "../host/address-layout.ts";
import { createMemfd } from "../host/memfd.ts";
import { closeNative } from "../host/native-descriptor.ts";
import { type ExecutorProcessOptions, spawnExecutor } from "../host/process.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import { spawnPolled } from "../host/spawn.ts";
import { RemoteExecutorProcessControl } from "./remote.ts";
import type { RequestObserver } from "./request-observer.ts";

/** How an executor is started; `env` and `cwd` are this process's by default, `setupLimit` is in ms. */
export interface LaunchOptions {
  /** The executor's program file. */
  readonly path: string;
  /** LLVM's llvm-jitlink-executor, with its own services only: it takes no arguments but the descriptors. */
  readonly llvm?: boolean;
  /** The library of slablink's services, for a program that may be another executor than slablink's: it is looked at first. */
  readonly services?: string;
  /** Becomes descriptor 4 of the executor, where slablink's services can map it without opening anything. */
  readonly slab?: SlabMemory;
  /** The executor's environment; this process's by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Its working directory; this process's by default. */
  readonly cwd?: string;
  /** How long to wait for its Setup, in ms. */
  readonly setupLimit?: number;
  /** Room for static thread-locals beyond the loader's default, in bytes (not for `llvm`). */
  readonly staticTls?: number;
  /** A shared object to be loaded before everything else (not for `llvm`). */
  readonly preload?: Uint8Array;
  /** Its heap is to lie right behind the executable, so that most of what is below 2 GiB is free (slablink's executor only). */
  readonly lowHeap?: boolean;
  /** Records requests, and what slablink's executor does for them and by itself: a `Tracer`. LLVM's records nothing. */
  readonly trace?: { observeExecutor(): RequestObserver };
  /** This process has nothing else to do while the executor works: its thread may sleep until an answer comes. */
  readonly blocking?: boolean;
  /** The stream is two pipes rather than one socket, as LLVM's controllers have it. */
  readonly pipes?: boolean;
}

/** The slab's descriptor in an executor that was launched with one. */
export const INHERITED_SLAB_FD = 4;

/** Starts an executor and waits for its Setup: some 3 ms. Errors: ExecutorError, with how the process ended. */
export async function launchExecutor(options: LaunchOptions): Promise<RemoteExecutorProcessControl> {
  const { path, llvm = false, services, slab, cwd, setupLimit, staticTls = 0, preload, lowHeap, trace } = options;
  const isForeign = services !== undefined && !(await import("./executor-file.ts")).takesOurArguments(path);
  let { env } = options;
  const args: string[] = [];
  if (!llvm) args.push(`parent=${process.pid}`);
  if (!llvm && slab !== undefined) args.push(`slab=${INHERITED_SLAB_FD}`);
  if (staticTls > 0) {
    // The loader reads it as the executor starts, which then puts the program's environment back as it was.
    const tunables = (env ?? process.env).GLIBC_TUNABLES;
    const room = `glibc.rtld.optional_static_tls=${staticTls}`;
    env = { ...(env ?? process.env), GLIBC_TUNABLES: tunables === undefined ? room : `${tunables}:${room}` };
    args.push(tunables === undefined ? "tunables" : `tunables=${tunables}`);
  }
  const file = preload === undefined ? undefined : createMemfd("slablink-preload", preload.length);
  if (file !== undefined) {
    writeSync(file, preload!, 0, preload!.length, 0);
    const fd = slab === undefined ? INHERITED_SLAB_FD : INHERITED_SLAB_FD + 1;
    const others = (env ?? process.env).LD_PRELOAD;
    // Two slashes: the loader remembers what it loaded by path, and this number will be used again.
    const own = `/proc/self//fd/${fd}`;
    env = { ...(env ?? process.env), LD_PRELOAD: others === undefined ? own : `${own}:${others}` };
    args.push(others === undefined ? `preload=${fd}` : `preload=${fd},${others}`);
  }
  if (lowHeap) args.push("lowheap");
  if (trace !== undefined && !llvm && !isForeign) args.push("trace");
  if (!llvm && !isForeign) args.push("crash");
  // Few want them. Loaded before: what follows is to happen at once.
  const pipes = options.pipes === true ? await import("./launch-pipes.ts") : undefined;
  const undo = lowHeap ? startWithLowHeap() : undefined;
  // Another executor is told by a call what slablink's reads in its command line.
  const words = isForeign ? [] : args;
  const how = { path, slabFd: slab?.fd, preload: file, env, cwd };
  const starting =
    pipes === undefined ? startOverSocket(how, words, options.blocking) : pipes.startOverPipes(how, words);
  undo?.();
  const process_ = await starting;
  if (file !== undefined) closeNative(file);
  return RemoteExecutorProcessControl.connect(process_.stream, {
    process: process_,
    setupLimit,
    services: services === undefined ? undefined : { path: services, words: [...args, "stream=3"] },
    observer: trace?.observeExecutor(),
  });
}

type HowToStart = Omit<ExecutorProcessOptions, "arguments">;

function startOverSocket(
  how: HowToStart,
  words: readonly string[],
  blocking = false,
): ReturnType<typeof spawnExecutor> {
  const start = blocking ? spawnPolled : spawnExecutor;
  return Promise.resolve(start({ ...how, arguments: ["filedescs=3,3", ...words] }));
}
