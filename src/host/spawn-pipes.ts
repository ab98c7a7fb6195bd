import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { errno, libc } from "./libc.ts";
import { closeNative } from "./native-descriptor.ts";
import { cannotStart, type ExecutorProcess, type ExecutorProcessOptions, endOfChild } from "./process.ts";

const O_CLOEXEC = 0x80000;

/** What the executor gets lies behind its standard descriptors: what it reads first, what it writes last. */
const FIRST_INHERITED = 3;

/** The two ends of an executor's stream that is two pipes. */
export interface PipedProcess extends Omit<ExecutorProcess, "stream"> {
  readonly readable: Socket;
  readonly writable: Socket;
}

/**
 * As spawnExecutor, over two pipes: descriptor 3 is what the executor reads, the last one that it inherits what it writes, whose number
 * `argumentsFor` gets. Errors: ExecutorError with the path and the reason.
 */
export async function spawnOverPipes(
  options: Omit<ExecutorProcessOptions, "arguments">,
  argumentsFor: (output: number) => readonly string[],
): Promise<PipedProcess> {
  const { path, env, cwd } = options;
  const inherited = [options.slabFd, options.preload].filter((fd) => fd !== undefined);
  const toExecutor = makePipe(path);
  const fromExecutor = makePipe(path);
  const words = argumentsFor(FIRST_INHERITED + 1 + inherited.length);
  const standard = ["inherit", "inherit", "inherit"] as const;
  const child = spawn(path, words, { stdio: [...standard, toExecutor[0], ...inherited, fromExecutor[1]], env, cwd });
  closeNative(toExecutor[0]);
  closeNative(fromExecutor[1]);
  const readable = new Socket({ fd: fromExecutor[0], readable: true, writable: false });
  const writable = new Socket({ fd: toExecutor[1], readable: false, writable: true });
  const ended = endOfChild(child);
  try {
    await new Promise<void>((started, failed) => {
      child.once("spawn", started);
      child.once("error", failed);
    });
  } catch (cause) {
    readable.destroy();
    writable.destroy();
    throw cannotStart(path, (cause as Error).message, cause);
  }
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  return { pid: child.pid!, readable, writable, ended, isGone, kill: (signal) => void child.kill(signal) };
}

function makePipe(path: string): [number, number] {
  const ends = new Int32Array(new ArrayBuffer(8));
  if (libc.pipe2(new Uint8Array(ends.buffer), O_CLOEXEC) !== 0) throw cannotStart(path, libc.strerror(errno()));
  return [ends[0]!, ends[1]!];
}
