// What this process cannot get any more once it runs, it gets by starting again: copies of libraries' variables within the
// reach of 32-bit code have to be loaded before the libraries, and room for static thread-locals is fixed at start.
// execve(2) keeps the process id, descriptors and terminal; nothing of the program has run by then.

import { LinkError } from "../errors.ts";
import { endLowHeap, startWithLowHeap } from "../host/address-layout.ts";
import { restoreStandardError, silenceStandardError } from "../host/descriptors.ts";
import { closeNative } from "../host/native-descriptor.ts";
import { inheritableFile, replaceProcess } from "../host/replace-process.ts";
import { addToStacks, mainStackSize } from "../host/thread.ts";
import { copiesOf } from "../link/data-copy.ts";
import { writePreload } from "../link/preload.ts";
import type { FarFunction, FarVariable } from "./plan-copies.ts";
import { moreStaticTls, type StaticTlsError } from "./static-tls-error.ts";

const MARK = "SLABLINK_RELAUNCH";
const MOST_ATTEMPTS = 4;

/** Stacks of libuv's thread pool, which thread-locals are part of, and what a thread of Node's needs beside them, in bytes. */
const THREAD_POOL_STACK = 2 ** 23;
const SMALLEST_THREAD_STACK = 2 ** 20;
/** Stack of the thread that waits for SIGUSR1: where it is smaller than the block's alignment, the C library aborts. */
const SIGNAL_THREAD_STACK = 2 ** 15;

/** What the environment was before the process was started again, in the mark's value as JSON. */
interface Relaunch {
  readonly preload: string | null;
  readonly tunables: string | null;
  readonly descriptor: number | null;
  /** Where standard error is kept meanwhile. */
  readonly standardError: number | null;
  /** Bytes of static thread-locals and names of variables and functions that have been asked for so far. */
  readonly staticTls: number;
  readonly tlsAlignment: number;
  readonly names: readonly string[];
  readonly lowHeap: boolean;
  /** How often the process has been started again. */
  readonly attempts: number;
}

/** What the process lacks: room and alignment of static thread-locals in bytes, variables and functions within reach. */
export interface Wants {
  readonly staticTls?: number;
  readonly tlsAlignment?: number;
  readonly variables?: readonly FarVariable[];
  readonly functions?: readonly FarFunction[];
  /** The heap right behind the executable. */
  readonly lowHeap?: boolean;
}

let current: Relaunch | undefined;

/** Whether this process has been started again, as long as `afterRelaunch` has not been called. */
export function isSecondStart(): boolean {
  return process.env[MARK] !== undefined;
}

/** To be called before anything else of an in-process run: puts the environment back as the user had it. */
export function afterRelaunch(): void {
  const text = process.env[MARK];
  if (text === undefined) return;
  current = JSON.parse(text) as Relaunch;
  delete process.env[MARK];
  addToStacks(current.staticTls);
  restore("LD_PRELOAD", current.preload);
  restore("GLIBC_TUNABLES", current.tunables);
  if (current.standardError !== null) restoreStandardError(current.standardError);
  if (current.descriptor !== null) closeNative(current.descriptor);
  if (current.lowHeap) endLowHeap();
}

/** True when asking for these would be asking a second time: it did not help. */
export function wasRelaunchedFor(wants: Wants): boolean {
  if (current === undefined) return false;
  if (wants.lowHeap) return current.lowHeap;
  // The loader takes the place that the copies ask for only as a hint, and the kernel lays out each process anew by chance.
  if (current.attempts < MOST_ATTEMPTS) return false;
  const known = new Set(current.names);
  return namesOf(wants).every((name) => known.has(name));
}

/** Starts this process again with more room for static thread-locals; returns when it cannot help, throws when that can be said. */
export function relaunchForStaticTls(error: StaticTlsError): void {
  const before = { size: current?.staticTls ?? 0, alignment: current?.tlsAlignment ?? 1 };
  const room = moreStaticTls(error, before);
  const limit = Math.min(mainStackSize(), THREAD_POOL_STACK) - SMALLEST_THREAD_STACK;
  // What is asked for and what Node's own threads can bear are both known: no start would help.
  let reason: string | undefined;
  if (error.alignment > SIGNAL_THREAD_STACK) {
    reason = `an alignment of ${error.alignment} bytes for thread-local storage does not fit Node's own threads, whose smallest stack has ${SIGNAL_THREAD_STACK}`;
  } else if (error.size > limit) {
    reason = `${error.size} bytes of static thread-local storage do not fit Node's own threads, whose stacks have room for ${limit}`;
  }
  if (reason !== undefined) throw new LinkError("link", `${reason}; run in the executor`, { cause: error });
  const wants = { staticTls: Math.min(room.size, limit), tlsAlignment: room.alignment };
  if (wants.staticTls > before.size && !wasRelaunchedFor(wants)) relaunch(wants);
}

/** Starts this process again with room for static thread-locals and with copies of libraries' variables at low addresses. */
export function relaunch(wants: Wants): never {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  const preload = environment.LD_PRELOAD ?? null;
  const tunables = environment.GLIBC_TUNABLES ?? null;
  const staticTls = Math.max(wants.staticTls ?? 0, current?.staticTls ?? 0);
  const names = namesOf(wants);
  const attempts = (current?.attempts ?? 0) + 1;
  let descriptor: number | null = null;
  const tlsAlignment = Math.max(wants.tlsAlignment ?? 1, current?.tlsAlignment ?? 1);
  if (names.length > 0 || tlsAlignment > 1) {
    const path = inheritableFile("slablink-data", preloadFor({ ...wants, tlsAlignment }, attempts));
    descriptor = Number(path.slice(path.lastIndexOf("/") + 1));
    environment.LD_PRELOAD = preload === null ? path : `${path}:${preload}`;
  }
  if (staticTls > 0) {
    const tunable = `glibc.rtld.optional_static_tls=${staticTls}`;
    environment.GLIBC_TUNABLES = tunables === null ? tunable : `${tunables}:${tunable}`;
  }
  const state: Relaunch = {
    preload,
    tunables,
    descriptor,
    // What is lost is Node's complaint about a thread; should the loader refuse the copies, they are found missing afterwards.
    standardError: staticTls > 0 ? silenceStandardError() : null,
    staticTls,
    tlsAlignment,
    names,
    lowHeap: wants.lowHeap ?? current?.lowHeap ?? false,
    attempts,
  };
  environment[MARK] = JSON.stringify(state);
  if (state.lowHeap) startWithLowHeap();
  replaceProcess(process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)], environment);
}

/** The object that is to be loaded before the libraries, with everything that a process lacks within reach. */
export function preloadFor(wants: Wants, attempts = 1): Uint8Array {
  const { variables = [], functions = [], tlsAlignment = 1 } = wants;
  const wanted = new Set(namesOf(wants));
  const copies = copiesOf(
    variables.map(({ symbol, library }, id) => ({ id, symbol, library })),
    (name) => wanted.has(name),
  );
  const stubs = functions.map(({ name }, id) => ({ id, name: new TextEncoder().encode(name) }));
  const needed = new Set<string>();
  for (const { loadName } of [...variables, ...functions]) if (loadName !== undefined) needed.add(loadName);
  return writePreload(copies, stubs, [...needed], tlsAlignment, attempts);
}

function namesOf({ variables = [], functions = [] }: Wants): string[] {
  return [...variables.map(({ symbol }) => symbol.name), ...functions.map(({ name }) => name)];
}

function restore(name: string, value: string | null): void {
  if (value === null) delete process.env[name];
  else process.env[name] = value;
}
