// What this process cannot get any more once it runs, it gets by starting again: copies of libraries' variables within the
// reach of 32-bit code have to be loaded before the libraries, and room for static thread-locals is fixed at start.
// execve(2) keeps the process id, descriptors and terminal; nothing of the program has run by then.

import { closeSync } from "node:fs";
import { endLowHeap, startWithLowHeap } from "../host/address-layout.ts";
import { restoreStandardError, silenceStandardError } from "../host/descriptors.ts";
import { inheritableFile, replaceProcess } from "../host/replace-process.ts";
import { copyOfData } from "../link/data-copy.ts";
import { writePreload } from "../link/preload.ts";
import type { FarVariable } from "./plan-copies.ts";

const MARK = "SLABLINK_RELAUNCH";
const MOST_ATTEMPTS = 3;

/** What the environment was before the process was started again, in the mark's value as JSON. */
interface Relaunch {
  readonly preload: string | null;
  readonly tunables: string | null;
  readonly descriptor: number | null;
  /** Where standard error is kept meanwhile. */
  readonly standardError: number | null;
  /** Bytes of static thread-locals and names of variables that have been asked for so far. */
  readonly staticTls: number;
  readonly variables: readonly string[];
  readonly lowHeap: boolean;
  /** How often the process has been started again. */
  readonly attempts: number;
}

/** What the process lacks: room and alignment of static thread-locals in bytes, variables within reach. */
export interface Wants {
  readonly staticTls?: number;
  readonly tlsAlignment?: number;
  readonly variables?: readonly FarVariable[];
  /** The heap right behind the executable. */
  readonly lowHeap?: boolean;
}

let current: Relaunch | undefined;

/** To be called before anything else of an in-process run: puts the environment back as the user had it. */
export function afterRelaunch(): void {
  const text = process.env[MARK];
  if (text === undefined) return;
  current = JSON.parse(text) as Relaunch;
  delete process.env[MARK];
  restore("LD_PRELOAD", current.preload);
  restore("GLIBC_TUNABLES", current.tunables);
  if (current.standardError !== null) restoreStandardError(current.standardError);
  if (current.descriptor !== null) closeSync(current.descriptor);
  if (current.lowHeap) endLowHeap();
}

/** True when asking for these would be asking a second time: it did not help. */
export function wasRelaunchedFor(wants: Wants): boolean {
  if (current === undefined) return false;
  if (wants.staticTls !== undefined && current.staticTls >= wants.staticTls) return true;
  if (wants.lowHeap) return current.lowHeap;
  // The loader takes the place that the copies ask for only as a hint, and the kernel lays out each process anew by chance.
  if (current.attempts < MOST_ATTEMPTS) return false;
  const known = new Set(current.variables);
  return wants.variables?.every(({ symbol }) => known.has(symbol.name)) ?? false;
}

/** Starts this process again with room for static thread-locals and with copies of libraries' variables at low addresses. */
export function relaunch(wants: Wants): never {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) if (value !== undefined) environment[name] = value;
  const preload = environment.LD_PRELOAD ?? null;
  const tunables = environment.GLIBC_TUNABLES ?? null;
  const staticTls = Math.max(wants.staticTls ?? 0, current?.staticTls ?? 0);
  const variables = wants.variables ?? [];
  const attempts = (current?.attempts ?? 0) + 1;
  let descriptor: number | null = null;
  const tlsAlignment = wants.tlsAlignment ?? 1;
  if (variables.length > 0 || tlsAlignment > 1) {
    const wanted = new Set(variables.map(({ symbol }) => symbol.name));
    const copies = variables.map(({ symbol, library }, i) =>
      copyOfData(i, symbol, library, (name) => wanted.has(name)),
    );
    const needed = [...new Set(variables.map(({ loadName }) => loadName))];
    const path = inheritableFile("slablink-data", writePreload(copies, needed, tlsAlignment, attempts));
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
    // With libraries to load the loader may have something to say; without, only Node's complaint about a thread is lost.
    standardError: staticTls > 0 && variables.length === 0 ? silenceStandardError() : null,
    staticTls,
    variables: variables.map(({ symbol }) => symbol.name),
    lowHeap: wants.lowHeap ?? current?.lowHeap ?? false,
    attempts,
  };
  environment[MARK] = JSON.stringify(state);
  if (state.lowHeap) startWithLowHeap();
  replaceProcess(process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)], environment);
}

function restore(name: string, value: string | null): void {
  if (value === null) delete process.env[name];
  else process.env[name] = value;
}
