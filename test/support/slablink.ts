import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Outcome, type ProcessOptions, run } from "./process.ts";
import { freshDirectory, packageRoot } from "./workspace.ts";

/** The ways a program can be run: each has to give what the reference gives. */
export const modes = {
  shared: ["--memory=shared"],
  rpc: ["--memory=rpc"],
  "in-process": ["--in-process"],
  "per-object": ["--memory=rpc-per-object"],
} as const;

/** One of these ways. */
export type Mode = keyof typeof modes;

/** The modes under test; `MODES=shared,rpc` in the environment chooses others while one is being worked on. */
export const modesUnderTest: readonly Mode[] = (Object.keys(modes) as Mode[]).filter((mode) =>
  (process.env.MODES ?? "shared,rpc,in-process").split(",").includes(mode),
);

let runs = 0;

/**
 * Runs `slablink` with these words, and fails if it leaves anything behind: a process, a file in the temporary
 * directory, a name in /dev/shm.
 */
export function slablink(words: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  return slablinkAt(packageRoot, words, options);
}

/** As `slablink`, of the package at `root`; `names`: what in /dev/shm may be from such a run. */
export async function slablinkAt(
  root: string,
  words: readonly string[],
  options: ProcessOptions = {},
  names = /slablink|jitlink|orc/i,
): Promise<Outcome> {
  const mark = `SLABLINK_TEST_MARK=${process.pid}.${runs++}`;
  const temporary = freshDirectory();
  const shared = new Set(readdirSync("/dev/shm"));
  const [name, value] = mark.split("=");
  const env = { ...options.env, TMPDIR: temporary, [name]: value };
  const launcher = join(root, "bin/slablink");
  const outcome = await run(process.execPath, [launcher, ...words], { ...options, env });
  await nothingLeft(mark, temporary, shared, names);
  return outcome;
}

/** Runs `slablink run` in one of the modes. */
export function runIn(mode: Mode, words: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  return slablink(["run", ...modes[mode], ...words], options);
}

/** Fails if a process carries the mark in its environment, or a file is new; what is on its way out gets two seconds. */
export async function nothingLeft(
  mark: string,
  temporary: string,
  shared: ReadonlySet<string>,
  names = /slablink|jitlink|orc/i,
): Promise<void> {
  let left: string[] = [];
  for (const end = Date.now() + 2000; ; await sleep(20)) {
    left = [
      ...processesWith(mark),
      ...readdirSync(temporary).map((name) => `temporary file ${join(temporary, name)}`),
      ...readdirSync("/dev/shm")
        .filter((name) => !shared.has(name) && names.test(name) && isOurs(name))
        .map((name) => `shared memory /dev/shm/${name}`),
    ];
    if (left.length === 0 || Date.now() > end) break;
  }
  assert.deepEqual(left, [], "something was left behind");
}

/**
 * Whether a name in /dev/shm is one that a slablink or an LLVM executor left: these hold the process's number, and that process is
 * gone. Other programs of this machine may use the place too.
 */
function isOurs(name: string): boolean {
  return !(name.match(/\d+/g) ?? []).some((number) => existsSync(`/proc/${number}`));
}

function processesWith(mark: string): string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(mark)) continue;
      found.push(`process ${pid} (${readlinkSync(`/proc/${pid}/exe`)})`);
    } catch {
      // Ended in the meantime, or not ours to read.
    }
  }
  return found;
}
