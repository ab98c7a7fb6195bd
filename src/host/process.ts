import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { ExecutorError } from "../errors.ts";
import type { ByteChannel } from "./byte-channel.ts";
import { libc } from "./libc.ts";
import { signalName } from "./signal-names.ts";

/** How a process ended: with a status (0 to 255) or by a signal (`SIGSEGV` and the like); one of the two is set. */
export interface ProcessEnd {
  /** 0 to 255. */
  readonly status?: number;
  /** Its name. */
  readonly signal?: string;
}

/** A running executor whose end we are told. */
export interface ExecutorProcess {
  /** Absent when it is not a child of ours. */
  readonly pid?: number;
  /** Our end of its byte stream. */
  readonly stream: Duplex | ByteChannel;
  /** Resolves when the process is gone. */
  readonly ended: Promise<ProcessEnd>;
  /** Whether it is known to be gone. */
  isGone(): boolean;
  /** How it ended, if it has, as far as can be told without the event loop: for a caller that blocks that. */
  endNow?(): ProcessEnd | undefined;
  /** Whether the process that waits for it stays alive for its sake; by default it does. */
  keepAlive?(always: boolean): void;
  /** `group`: as a terminal would, to all of its process group; a child of ours is in our own group. */
  kill(signal: NodeJS.Signals, group?: boolean): void;
}

/** What an executor is started with; `env` and `cwd` are this process's by default. */
export interface ExecutorProcessOptions {
  readonly path: string;
  readonly arguments: readonly string[];
  /** A descriptor that becomes the executor's descriptor 4: the slab's memfd. */
  readonly slabFd?: number;
  /** A further one, for what the loader is to read: it becomes the next number. */
  readonly preload?: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** How long what an executor sent before its end may take to be read, in ms. */
const LAST_WORDS = 1000;

/**
 * Starts an executor: stdin, stdout and stderr are ours, descriptor 3 is a socket pair, descriptor 4 the slab.
 * Resolves once the program has been executed. Errors: ExecutorError with the path and the reason.
 */
export function spawnExecutor(options: ExecutorProcessOptions): Promise<ExecutorProcess> {
  const inherited = [options.slabFd, options.preload].filter((fd) => fd !== undefined);
  const { path, env, cwd } = options;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => reject(cannotStart(path, reason(cause), cause));
    let child: ChildProcess;
    try {
      // Loaded only here: with the modules it needs, 3 ms.
      const { spawn } = process.getBuiltinModule("node:child_process");
      const stdio = ["inherit" as const, "inherit" as const, "inherit" as const, "pipe" as const, ...inherited];
      child = spawn(path, options.arguments, { stdio, env, cwd });
    } catch (cause) {
      fail(cause as Error);
      return;
    }
    const ended = endOfChild(child);
    child.once("error", fail);
    if (child.pid === undefined) return;
    const stream = child.stdio[3] as Duplex;
    // Children of its own may have its end of the stream, and keep it.
    child.once("exit", () => setTimeout(() => stream.destroy(), LAST_WORDS).unref());
    const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
    const { pid } = child;
    const keepAlive = (always: boolean): void => (always ? child.ref() : child.unref());
    const kill = (signal: NodeJS.Signals): void => void child.kill(signal);
    resolve({ pid, stream, ended, isGone, endNow: () => endOfChildNow(pid), keepAlive, kill });
  });
}

/** Resolves when a child of Node's has ended; never, when it has not been started. Node calls the end by a real-time signal status 0. */
export function endOfChild(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once("exit", (status, signal) => resolve(signal === null ? { status: status ?? 0 } : { signal }));
  });
}

const P_PID = 1;
const CLD_EXITED = 1;
const WNOHANG_WEXITED_WNOWAIT = 0x100_0005;

/** Asks the kernel and leaves the answer for libuv, who is to be told as well: waitid(2). undefined while the child runs. */
export function endOfChildNow(pid: number): ProcessEnd | undefined {
  // siginfo_t: int signo, errno, code, padding, pid, uid, status
  const info = new Int32Array(32);
  if (libc.waitid(P_PID, pid, new Uint8Array(info.buffer), WNOHANG_WEXITED_WNOWAIT) !== 0) return {};
  const [, , code, , found, , status] = info as unknown as number[];
  if (found !== pid) return undefined;
  return code === CLD_EXITED ? { status } : { signal: signalName(status!) };
}

/** The error for an executor that did not come to life. */
export function cannotStart(path: string, reason: string, cause?: unknown): ExecutorError {
  return new ExecutorError(`${path}: cannot start the executor: ${reason}`, { cause });
}

function reason(cause: Error): string {
  return (cause as NodeJS.ErrnoException).code === "ENOENT" ? "No such file or directory" : cause.message;
}
