import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

const launcher = join(packageRoot, "bin/slablink");

/** A listening `slablink executor`. */
export interface Front {
  /** Where it listens, as `--connect` takes it. */
  readonly place: string;
  readonly pid: number;
  /** What it has said on standard error, and on standard output. */
  said(): string;
  wrote(): string;
  /** Asks it to end; gives its status. Nothing of it may be left. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
}

/** How it is started; `prefix` are words in front of the command. */
export interface FrontOptions {
  readonly env?: Record<string, string>;
  readonly prefix?: readonly string[];
}

/** Starts it and waits until it listens. */
export async function listening(words: readonly string[], options: FrontOptions = {}): Promise<Front> {
  const [program, ...rest] = [...(options.prefix ?? []), process.execPath, launcher, "executor", ...words];
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env };
  delete env.NODE_TEST_CONTEXT;
  delete env.NODE_OPTIONS;
  const child: ChildProcess = spawn(program!, rest, { stdio: ["ignore", "pipe", "pipe"], env });
  let said = "";
  let wrote = "";
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  child.stdout!.on("data", (chunk) => {
    wrote += chunk;
  });
  const place = await new Promise<string>((resolve, reject) => {
    child.stderr!.on("data", (chunk) => {
      said += chunk;
      const match = /an executor listens on (\S+)\n/.exec(said);
      if (match !== null) resolve(match[1]!);
    });
    child.on("close", (status) => reject(new Error(`ended with status ${status}: ${said}`)));
  });
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    const before = childrenOf(child.pid!);
    child.kill(signal);
    const status = await ended;
    const left = before.filter(({ pid, start }) => startOf(pid) === start);
    assert.deepEqual(left, [], "executors that outlived the front");
    return status;
  };
  return { place, pid: child.pid!, said: () => said, wrote: () => wrote, stop, ended };
}

/** A file that only its owner may read. */
export function secretFile(text: string, mode = 0o600): string {
  const path = join(freshDirectory(), "secret");
  writeFileSync(path, text, { mode });
  return path;
}

/** Processes that were started by one, at any depth. */
export function childrenOf(pid: number): { pid: number; start: string }[] {
  const found: { pid: number; start: string }[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const fields = statOf(Number(name));
      if (Number(fields[1]) !== pid) continue;
      found.push({ pid: Number(name), start: fields[19]! }, ...childrenOf(Number(name)));
    } catch {
      // It has ended.
    }
  }
  return found;
}

function startOf(pid: number): string | undefined {
  try {
    const fields = statOf(pid);
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The fields of /proc/PID/stat from the third on. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}
