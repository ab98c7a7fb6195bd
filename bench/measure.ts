import { closeSync, openSync, readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { koffi, type NativeFunction } from "../src/host/koffi.ts";
import { processorTimeOf, RUSAGE_SIZE } from "../src/host/processor-time.ts";

/** What one run of a command cost, with everything it started. Times in ms. */
export interface Run {
  /** From before the process was made until it ended. */
  readonly wall: number;
  /** User and system time of the process and of all its descendants. */
  readonly cpu: number;
  /** The part of it that processes had which nobody but this one waited for: llvm-jitlink's executor. */
  readonly orphansCpu: number;
  /** Most memory that any one of the orphans ever had (maximum resident set size), in bytes; 0 without any. */
  readonly orphansPeak: number;
  /** Peak resident memory, if that is not less than its maker's (see `measurePeak`), of the largest process among the command and those that it waited for, in MiB. */
  readonly peak: number;
  /** As a shell shows it: 128 + the signal's number when it died of one. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  /** Absolute path of the program, then its arguments. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

const PR_SET_CHILD_SUBREAPER = 36;
const ECHILD = 10;
/** Larger than glibc's posix_spawn_file_actions_t (80 bytes). */
const FILE_ACTIONS_SIZE = 128;
/** Offset of ru_maxrss, in KiB, in struct rusage (getrusage(2)). */
const RU_MAXRSS = 32;

/**
 * Runs a command to its end and measures it. Blocks: nothing else of this process may disturb the run.
 *
 * CPU time comes from wait4(2), which counts a process and those it waited for. Some linkers end without waiting for
 * their executor, so this process is made the "child subreaper" (prctl(2)): orphans become its children, and it waits
 * for every one of them. That is exact, and costs nothing in between.
 */
export function measure(command: Command, directory: string): Run {
  const out = `${directory}/stdout`;
  const err = `${directory}/stderr`;
  const descriptors = [openSync("/dev/null", "r"), openSync(out, "w"), openSync(err, "w")];
  try {
    const usage = run(command, descriptors);
    return { ...usage, stdout: readFileSync(out, "utf8"), stderr: readFileSync(err, "utf8") };
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
    for (const path of [out, err]) rmSync(path, { force: true });
  }
}

/**
 * Most memory that any process of a command ever had, in bytes. In a run of its own: a process begins with the maximum
 * that its maker had (the kernel carries it over exec), which here would be Node's. A shell that ends at once makes it.
 */
export function measurePeak(command: Command, directory: string): number {
  const words = ["/bin/sh", "-c", '"$@" & exit', "sh", ...command.words];
  return measure({ ...command, words }, directory).orphansPeak;
}

function run(command: Command, descriptors: readonly number[]): Omit<Run, "stdout" | "stderr"> {
  const { posixSpawn, addDup2, initActions, destroyActions, wait4 } = native();
  const actions = new Uint8Array(FILE_ACTIONS_SIZE);
  initActions(actions);
  for (const [target, descriptor] of descriptors.entries()) addDup2(actions, descriptor, target);
  const environment = Object.entries(command.environment).map(([name, value]) => `${name}=${value}`);
  const pid = new Int32Array(1);
  const words = [...command.words, null];
  const start = performance.now();
  const error = posixSpawn(pid, command.words[0], actions, null, words, [...environment, null]) as number;
  if (error !== 0) {
    destroyActions(actions);
    throw new Error(`${command.words[0]} cannot be started: errno ${error}`);
  }
  const status = new Int32Array(1);
  const usage = new Uint8Array(RUSAGE_SIZE);
  let ownCpu = 0;
  let orphansCpu = 0;
  let orphansPeak = 0;
  let peak = 0;
  let wall = 0;
  let end = 0;
  for (;;) {
    const waited = wait4(-1, status, 0, usage) as number;
    if (waited === -1) {
      const number = koffi().errno();
      if (number === ECHILD) break;
      if (number === constants.errno.EINTR) continue;
      throw new Error(`wait4 failed with errno ${number}`);
    }
    if (waited !== pid[0]) {
      orphansCpu += processorTimeOf(usage);
      orphansPeak = Math.max(orphansPeak, 2 ** 20 * peakMemory(usage));
      continue;
    }
    wall = performance.now() - start;
    ownCpu = processorTimeOf(usage);
    peak = peakMemory(usage);
    end = status[0];
  }
  destroyActions(actions);
  const signal = end & 0x7f;
  const cpu = ownCpu + orphansCpu;
  return { wall, cpu, peak, orphansCpu, orphansPeak, status: signal === 0 ? (end >> 8) & 0xff : 128 + signal };
}

/** ru_maxrss, which is in KiB, in MiB. */
function peakMemory(usage: Uint8Array): number {
  return Number(new DataView(usage.buffer).getBigInt64(RU_MAXRSS, true)) / 1024;
}

interface Native {
  readonly posixSpawn: NativeFunction;
  readonly initActions: NativeFunction;
  readonly addDup2: NativeFunction;
  readonly destroyActions: NativeFunction;
  readonly wait4: NativeFunction;
}

let declared: Native | undefined;

function native(): Native {
  if (declared !== undefined) return declared;
  const library = koffi().load(null);
  const prctl = library.func("prctl", "int", ["int", "ulong", "ulong", "ulong", "ulong"]);
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw new Error("prctl(PR_SET_CHILD_SUBREAPER) failed");
  declared = {
    posixSpawn: library.func("posix_spawn", "int", ["void *", "str", "void *", "void *", "str *", "str *"]),
    initActions: library.func("posix_spawn_file_actions_init", "int", ["void *"]),
    addDup2: library.func("posix_spawn_file_actions_adddup2", "int", ["void *", "int", "int"]),
    destroyActions: library.func("posix_spawn_file_actions_destroy", "int", ["void *"]),
    wait4: library.func("wait4", "int", ["int", "void *", "int", "void *"]),
  };
  return declared;
}
