import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { executorPath } from "../executor/controller.ts";
import { type Outcome, run } from "../support/process.ts";
import { nothingLeft } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";
import { has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";
import { type Program, programs } from "./in-programs.ts";

/** LLVM's controllers of one version, how they are told about memory, and how they can be told to use their run-time library. */
const controllers = [
  {
    version: 22,
    memory: {
      generic: [],
      "generic by name": ["-use-memmgr=generic"],
      "simple-remote": ["-use-memmgr=simple-remote"],
      shared: ["-use-memmgr=shared"],
    },
    ways: { "": [], ", run-time library": ["RUNTIME"], ", run-time library, lazily": ["RUNTIME", "-lazy"] },
  },
  {
    version: 19,
    memory: { generic: [], shared: ["-use-shared-memory"] },
    ways: { "": [], ", run-time library": ["RUNTIME"] },
  },
] as const;

/** The same as the default, by another name. */
const isAlias = (memory: string): boolean => memory === "generic by name";

const llvm = (version: number, name: string): string => `/usr/lib/llvm-${version}/bin/${name}`;
const runtime = (version: number): string =>
  `/usr/lib/llvm-${version}/lib/clang/${version}/lib/linux/liborc_rt-x86_64.a`;

/** Longest that a run may take; they take half a second. */
const LIMIT = 60_000;

let runs = 0;

/** Runs one of LLVM's controllers; fails if it, or an executor, leaves anything behind. */
async function controller(version: number, words: readonly string[], env: Record<string, string>): Promise<Outcome> {
  const shared = new Set(readdirSync("/dev/shm"));
  const temporary = freshDirectory();
  const [[name, value]] = Object.entries(env);
  const outcome = await run(llvm(version, "llvm-jitlink"), words, {
    // A controller of LLVM's that crashes looks for names in its stack, by files that it may not live to remove.
    env: { ...env, TMPDIR: temporary, LLVM_DISABLE_SYMBOLIZATION: "1" },
    timeout: LIMIT,
  });
  await nothingLeft(`${name}=${value}`, temporary, shared);
  return outcome;
}

const mark = (): Record<string, string> => ({ SLABLINK_TEST_MARK: `${process.pid}.in.${runs++}` });

const overPipes = (version: number, executor: string, words: readonly string[]): Promise<Outcome> =>
  controller(version, [`-oop-executor=${executor}`, ...words], mark());

/** A connection is handed to an executor as its descriptor 3; the controller comes over TCP. */
async function overTcp(version: number, program: Program, words: readonly string[]): Promise<Outcome> {
  const env = mark();
  const output: Buffer[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const stdio = ["ignore", "pipe", "inherit", socket] as const;
    const executor = spawn(executorPath, ["filedescs=3,3"], { stdio: [...stdio], env: { ...process.env, ...env } });
    executor.stdout?.on("data", (chunk: Buffer) => output.push(chunk));
    ended = once(executor, "close").then(([status, signal]) => signal ?? status);
    socket.destroy();
  });
  let ended: Promise<number | string> = Promise.resolve("never started");
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const outcome = await controller(version, [`-oop-executor-connect=127.0.0.1:${port}`, ...words], env);
    // What crashes here crashes in LLVM's executor too, or the comparison fails.
    if (outcome.status === program.status) assert.equal(await ended, 0, "the executor's own end");
    return { ...outcome, stdout: Buffer.concat(output).toString("latin1") };
  } finally {
    server.close();
  }
}

const succeeded = (program: Program, { status, stdout }: Outcome): boolean =>
  status === program.status && stdout === program.stdout;

/** What a way of linking is worth, as LLVM's own executor shows it: everything that runs there has to run here. */
class Tally {
  readonly #run: string[] = [];
  readonly #fail: string[] = [];

  async compare(program: Program, ours: Promise<Outcome>, theirs: Promise<Outcome>): Promise<void> {
    const [here, there] = await Promise.all([ours, theirs]);
    const same = { status: here.status, stdout: here.stdout };
    if (succeeded(program, there)) assert.deepEqual(same, { status: there.status, stdout: there.stdout }, here.stderr);
    (succeeded(program, here) ? this.#run : this.#fail).push(program.name);
  }

  row(version: number, way: string, memory: string): void {
    const names = programs.map((program) => program.name).join(", ");
    const result = this.#fail.length === 0 ? "all run" : `${this.#run.join(", ") || "none"} run`;
    const others = this.#fail.length === 0 ? "" : `; ${this.#fail.join(", ")} neither here nor in LLVM's own executor`;
    tableRow("who drives whom", `llvm-jitlink ${version}${way}`, "slablink", memory, names, result + others);
  }
}

function tools(t: TestContext, version: number): boolean {
  const names = ["llvm-jitlink", "llvm-jitlink-executor"].map((name) => llvm(version, name));
  return has(t, ...names, runtime(version), ...programs.flatMap((program) => program.needs));
}

for (const { version, memory, ways } of controllers) {
  for (const [way, options] of Object.entries(ways)) {
    for (const [name, manager] of Object.entries(memory)) {
      if (isAlias(name) && way !== "") continue;
      test(`llvm-jitlink ${version}${way}, memory ${name}: what runs in its own executor runs in ours`, async (t) => {
        if (!tools(t, version)) return;
        const words = options.map((word) => word.replace("RUNTIME", `-orc-runtime=${runtime(version)}`));
        const tally = new Tally();
        for (const program of programs) {
          const all = [...manager, ...words, ...(await program.words())];
          const theirs = overPipes(version, llvm(version, "llvm-jitlink-executor"), all);
          await tally.compare(program, overPipes(version, executorPath, all), theirs);
        }
        tally.row(version, way, name);
      });
    }
  }

  test(`llvm-jitlink ${version} over TCP ends as it does over pipes`, async (t) => {
    if (!tools(t, version)) return;
    for (const [name, manager] of Object.entries(memory)) {
      if (isAlias(name)) continue;
      const tally = new Tally();
      for (const program of programs) {
        const words = [...manager, ...(await program.words())];
        const theirs = overPipes(version, llvm(version, "llvm-jitlink-executor"), words);
        await tally.compare(program, overTcp(version, program, words), theirs);
      }
      tally.row(version, " over TCP", name);
    }
  });
}
