import { duplicateAbove } from "./descriptors.ts";
import { findSymbols, PROCESS } from "./dynamic-loader.ts";
import { koffi } from "./koffi.ts";
import { errno, libc } from "./libc.ts";
import { closeNative } from "./native-descriptor.ts";
import { PolledChannel } from "./polled-channel.ts";
import { cannotStart, type ExecutorProcess, type ExecutorProcessOptions, type ProcessEnd } from "./process.ts";
import { signalName } from "./signal-names.ts";
import { readPointer } from "./view.ts";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0x80001;
const WNOHANG = 1;

/*
 * posix_spawnattr_t of <spawn.h>, the same with glibc and musl:
 *
 *   0  short (int) flags     8    sigset_t of signals to get their default action
 *   4  pid_t group           136  sigset_t of signals to be blocked
 */
const ATTRIBUTES_SIZE = 512;
const DEFAULTS_OFFSET = 8;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
/** Signals 1 to 31 without KILL and STOP; Node ignores some, and what is ignored stays so in a new program. */
const STANDARD_SIGNALS = 0x7ffb_feff;
/** Signals 32 and 33, the C library's own (bits of both words): it would have the new program ignore the first. */
const LIBRARY_SIGNALS = [0x8000_0000, 1] as const;

/** Room for a posix_spawn_file_actions_t: 80 bytes with glibc. */
const ACTIONS_SIZE = 256;

/** What the executor gets lies behind its standard descriptors. */
const FIRST_INHERITED = 3;

const SYS_pidfd_open = 434;
const POLLIN = 1;
/** How long this thread sleeps for the end of a process whose connection has ended, before one of libuv's does; in ms. */
const PATIENCE = 20;

/**
 * As spawnExecutor, for a process that has nothing else to do until the executor answers: by posix_spawn(3), which borrows this
 * process's memory in place of copying its page tables (1.5 ms), and without Node's child processes and streams (4 ms of modules).
 * The process's end is noticed when its connection ends. Errors: ExecutorError with the path and the reason.
 */
export function spawnPolled(options: ExecutorProcessOptions): ExecutorProcess {
  const { path } = options;
  const pair = new Int32Array(new ArrayBuffer(8));
  if (libc.socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, new Uint8Array(pair.buffer)) !== 0) {
    throw cannotStart(path, libc.strerror(errno()));
  }
  const [ours, theirs] = pair as unknown as [number, number];
  const inherited = [theirs, options.slabFd, options.preload].filter((fd) => fd !== undefined);
  let pid: number;
  try {
    pid = spawn(options, inherited);
  } catch (error) {
    closeNative(ours);
    throw error;
  } finally {
    closeNative(theirs);
  }
  let gone = false;
  let resolveEnded: (end: ProcessEnd) => void;
  const ended = new Promise<ProcessEnd>((resolve) => {
    resolveEnded = (end) => {
      gone = true;
      resolve(end);
    };
  });
  const stream = new PolledChannel(ours, () => waitFor(pid, resolveEnded), pid);
  const kill = (signal: NodeJS.Signals): void => {
    if (!gone) process.kill(pid, signal);
  };
  return { pid, stream, ended, isGone: () => gone, kill };
}

function spawn({ path, arguments: words, env }: ExecutorProcessOptions, inherited: readonly number[]): number {
  const end = FIRST_INHERITED + inherited.length;
  const actions = new Uint8Array(ACTIONS_SIZE);
  const moved: number[] = [];
  libc.posix_spawn_file_actions_init(actions);
  try {
    // Node's descriptors are closed on exec, 0 to 2 among them; a copy, even one in the same place, is not.
    for (let fd = 0; fd < FIRST_INHERITED; fd++) libc.posix_spawn_file_actions_adddup2(actions, fd, fd);
    inherited.forEach((fd, i) => {
      // No copy may overwrite what another is still to be made of.
      const source = fd < end ? duplicateAbove(fd, end) : fd;
      if (source !== fd) moved.push(source);
      libc.posix_spawn_file_actions_adddup2(actions, source, FIRST_INHERITED + i);
    });
    const attributes = new Uint8Array(ATTRIBUTES_SIZE);
    attributes[0] = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    const defaults = new DataView(attributes.buffer);
    defaults.setUint32(DEFAULTS_OFFSET, STANDARD_SIGNALS + LIBRARY_SIGNALS[0], true);
    defaults.setUint32(DEFAULTS_OFFSET + 4, LIBRARY_SIGNALS[1], true);
    const pid = new Int32Array(new ArrayBuffer(8));
    const argv = stringArray([path, ...words]);
    const ownEnvironment = env === undefined ? undefined : stringArray(environmentWords(env));
    const environment = ownEnvironment === undefined ? environ() : Number(koffi().address(ownEnvironment));
    const failed = libc.posix_spawn(new Uint8Array(pid.buffer), path, actions, attributes, argv, environment);
    if (failed !== 0) throw cannotStart(path, libc.strerror(failed));
    return pid[0]!;
  } finally {
    libc.posix_spawn_file_actions_destroy(actions);
    for (const fd of moved) closeNative(fd);
  }
}

/** This process's environment, which process.env changes in place. */
function environ(): number {
  const [variable] = findSymbols(PROCESS, ["environ"]);
  return readPointer(variable!);
}

function environmentWords(env: NodeJS.ProcessEnv): string[] {
  return Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]));
}

/** A char *[] with a null pointer at its end, and behind it the strings. */
function stringArray(strings: readonly string[]): Uint8Array {
  const text = Buffer.from(strings.map((each) => `${each}\0`).join(""));
  const pointers = 8 * (strings.length + 1);
  const bytes = new Uint8Array(new ArrayBuffer(pointers + text.length));
  bytes.set(text, pointers);
  const base = koffi().address(bytes);
  const view = new DataView(bytes.buffer);
  let at = pointers;
  for (let i = 0; i < strings.length; i++) {
    view.setBigUint64(8 * i, base + BigInt(at), true);
    at = bytes.indexOf(0, at) + 1;
  }
  return bytes;
}

/** Finds out how a child ended whose connection has ended; as a rule it is gone already. */
function waitFor(pid: number, done: (end: ProcessEnd) => void): void {
  const status = new Int32Array(new ArrayBuffer(8));
  const bytes = new Uint8Array(status.buffer);
  let found = libc.waitpid(pid, bytes, WNOHANG);
  if (found === 0) {
    sleepUntilGone(pid);
    found = libc.waitpid(pid, bytes, WNOHANG);
  }
  if (found !== 0) done(endOf(found, status[0]!));
  // It lives on without its connection: it has executed another program.
  else libc.waitpid.async(pid, bytes, 0, (_, late) => done(endOf(late, status[0]!)));
}

/** Sleeps until a child is gone, PATIENCE at most. */
function sleepUntilGone(pid: number): void {
  const fd = libc.syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return;
  const poll = new DataView(new ArrayBuffer(8));
  poll.setInt32(0, fd, true);
  poll.setInt16(4, POLLIN, true);
  libc.poll(new Uint8Array(poll.buffer), 1, PATIENCE);
  closeNative(fd);
}

/** What waitpid(2) says: bits 0 to 6 are a signal's number, 8 to 15 the status. */
function endOf(pid: number, status: number): ProcessEnd {
  if (pid < 0) return {}; // somebody else has asked
  const signal = status & 0x7f;
  if (signal === 0) return { status: (status >> 8) & 0xff };
  return { signal: signalName(signal) };
}
