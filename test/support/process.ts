import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";

/** How a process ended and what it wrote. */
export interface Outcome {
  /** Exit status, or 128 + the signal's number as a shell shows it. */
  status: number;
  stdout: string;
  stderr: string;
}

/** What a process is started with. */
export interface ProcessOptions {
  /** What it reads from standard input; nothing by default. */
  stdin?: string;
  /** Leaves standard input open, for `started` to write to and to close. */
  keepStdin?: boolean;
  cwd?: string;
  /** Added to this process's environment; `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  argv0?: string;
  /** In a session of its own, so without a terminal. */
  detached?: boolean;
  /** After this many milliseconds the process is killed and the run fails; 60 000 by default. */
  timeout?: number;
  /** Called once it is started, to send it signals for instance. */
  started?(child: ChildProcess): void;
}

/** Runs a program to its end. Rejects only if it cannot be started or does not end in time. */
export function run(program: string, words: readonly string[], options: ProcessOptions = {}): Promise<Outcome> {
  const child = spawn(program, words, {
    cwd: options.cwd,
    env: environment(options.env),
    argv0: options.argv0,
    detached: options.detached,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const limit = options.timeout ?? 60_000;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new Error(
          `not ended after ${limit} ms: ${[program, ...words].join(" ")}\nstdout: ${stdout()}\nstderr: ${stderr()}`,
        ),
      );
      // A descendant may hold the pipes open for longer.
      for (const stream of child.stdio) stream?.destroy();
    }, limit);
    const stdout = collect(child, "stdout");
    const stderr = collect(child, "stderr");
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({
        status: signal === null ? (status ?? -1) : 128 + constants.signals[signal],
        stdout: stdout(),
        stderr: stderr(),
      });
    });
    // A program that does not read its input closes the pipe under us; that is its right.
    child.stdin.on("error", () => {});
    if (!options.keepStdin) child.stdin.end(options.stdin ?? "");
    options.started?.(child);
  });
}

function collect(child: ChildProcess, name: "stdout" | "stderr"): () => string {
  const chunks: Buffer[] = [];
  child[name]?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("latin1");
}

/** This process's environment without what a test runner puts there for itself. */
function environment(changes: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const merged: NodeJS.ProcessEnv = { ...process.env, ...changes };
  for (const [name, value] of Object.entries(merged)) if (value === undefined) delete merged[name];
  delete merged.NODE_TEST_CONTEXT;
  delete merged.NODE_OPTIONS;
  return merged;
}
