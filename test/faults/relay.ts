import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { mustRun } from "../support/compile.ts";
import type { Outcome, ProcessOptions } from "../support/process.ts";
import { slablinkAt } from "../support/slablink.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** One message of a run as relay.c saw it; `start`: of which executor, `from`: controller or executor. */
export interface RelayedFrame {
  readonly start: number;
  readonly from: "c" | "e";
  readonly number: number;
  readonly size: number;
  readonly opcode: number;
}

/** Where something happens, and what: when `offset` bytes of a frame have been handed on. */
export interface Point {
  readonly frame: RelayedFrame;
  readonly offset: number;
  readonly action: string;
}

/** A run through the relay; `hit`: the point was reached, `milliseconds`: from there to the end of slablink's own process. */
export interface Relayed extends Outcome {
  readonly frames: readonly RelayedFrame[];
  readonly hit: boolean;
  readonly milliseconds: number;
}

/** No run may go on for longer after its fault, in ms; on a machine with more to do than it has processors, in proportion. */
export const limitNow = (): number => 2000 * Math.max(1, loadavg()[0] / availableParallelism());

const built = join(packageRoot, "executor/build");

/** What is made once, when it is first wanted. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const relay = once(async () => {
  const path = join(freshDirectory(), "relay");
  // With the note by which it is known to take the arguments of slablink's executor.
  const sources = ["test/faults/relay.c", "executor/note.c"].map((name) => join(packageRoot, name));
  await mustRun("cc", ["-O1", "-Wall", "-Werror", ...sources, "-o", path]);
  return path;
});

/** A copy of the package whose own executor is the relay: only that one is started again for a program. */
const packageCopy = once(async () => {
  const root = freshDirectory();
  for (const name of ["bin", "dist", "executor/build"]) mkdirSync(join(root, name), { recursive: true });
  for (const name of ["bin/slablink", "bin/package.json", "dist/slablink.cjs", "dist/kernel.wasm", "package.json"]) {
    copyFileSync(join(packageRoot, name), join(root, name));
  }
  copyFileSync(join(built, "slablink-interpose.o"), join(root, "executor/build/slablink-interpose.o"));
  copyFileSync(await relay(), join(root, "executor/build/slablink-executor"));
  symlinkSync(join(packageRoot, "node_modules"), join(root, "node_modules"));
  return root;
});

/** Runs `slablink run` with a relay before the executor; fails if it leaves anything behind, or ends too late after the point. */
export async function runRelayed(
  words: readonly string[],
  point?: Point,
  options: ProcessOptions & { ownExecutor?: boolean; limit?: number } = {},
): Promise<Relayed> {
  const log = join(freshDirectory(), "log");
  const path = await relay();
  const root = options.ownExecutor === true ? await packageCopy() : packageRoot;
  const executor = options.ownExecutor === true ? [] : [`--executor=${path}`];
  let ended = 0;
  const run = ["run", ...executor, ...words];
  const started: ProcessOptions = {
    ...options,
    env: {
      ...options.env,
      RELAY_EXECUTOR: options.env?.RELAY_EXECUTOR ?? join(built, "slablink-executor"),
      RELAY_LOG: log,
      RELAY_POINT: point && `${placeOf(point)} ${point.action}`,
    },
    started: (child) => {
      child.once("exit", () => {
        ended = Number(process.hrtime.bigint());
      });
      options.started?.(child);
    },
  };
  // Neither side names shared memory.
  const outcome = await slablinkAt(root, run, started, /slablink/);
  const lines = existsSync(log) ? readFileSync(log, "latin1").trimEnd().split("\n") : [];
  const frames: RelayedFrame[] = [];
  let at: number | undefined;
  for (const line of lines) {
    const [kind, ...numbers] = line.split(" ");
    if (kind === "point") at = Number(numbers[0]);
    const [start, direction, number, size, opcode] = numbers.map(Number);
    if (kind === "frame") frames.push({ start, from: direction === 1 ? "e" : "c", number, size, opcode });
  }
  const milliseconds = at === undefined ? 0 : (ended - at) / 1e6;
  const limit = options.limit ?? limitNow();
  assert.ok(milliseconds < limit, `ended ${milliseconds} ms after its fault, more than ${limit}: ${outcome.stderr}`);
  return { ...outcome, frames, hit: at !== undefined, milliseconds };
}

/** The point's place, for messages: executor, direction, frame, bytes. */
export function placeOf({ frame, offset }: Point): string {
  return `${frame.start} ${frame.from} ${frame.number} ${offset}`;
}

/** Runs `work` for each item, a few at once, since a run waits for most of its time; gives the results in order. */
export async function several<T, R>(items: readonly T[], work: (item: T) => Promise<R>, atOnce = 3): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, run));
  return results;
}
