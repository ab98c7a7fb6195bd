import { writeFileSync } from "node:fs";
import { cleanEnvironment } from "../compete.ts";
import { slablinkCommand } from "../contestants/slablink.ts";
import type { Run } from "../measure.ts";
import { compilerFile } from "../requirements.ts";
import type { ScaleProgram } from "./shape.ts";
import { timedRun } from "./timed-run.ts";

/** What one link of a shape took; times in ms. */
export interface Point {
  /** From the first input to the program's start, as slablink measures it; the whole process where the link must fail. */
  readonly link: number;
  readonly wall: number;
  readonly cpu: number;
  /** Peak memory of the largest process, in MiB. */
  readonly peak: number;
  readonly phases: readonly { readonly name: string; readonly milliseconds: number }[];
}

/** Longest time for one link, in seconds: what takes longer has failed. */
const LIMIT = 300;

/** Links and runs a program by slablink, and checks that it did what it should. */
export function linkBySlablink(program: ScaleProgram, directory: string, options: readonly string[] = []): Point {
  const response = `${directory}/slablink.words`;
  writeFileSync(response, quoted(program.inputs));
  const subject = { inputs: [`@${response}`], libraries: [], arguments: [], stdout: "" };
  const words = slablinkCommand(subject, ["--stats=json", ...options]);
  const run = timedRun(words, cleanEnvironment(), directory, LIMIT);
  check(run, program, "slablink");
  const { wall, cpu, peak } = run;
  if (program.failure !== undefined) return { link: wall, wall, cpu, peak, phases: [] };
  const stats = JSON.parse(run.stderr.trimEnd().split("\n").at(-1)!);
  return { link: stats.milliseconds, wall, cpu, peak, phases: stats.phases };
}

/** The same by ld.lld, as a position-independent executable that is then run; undefined when ld.lld cannot link it. */
export function linkByLld(lld: string, program: ScaleProgram, directory: string): Point | undefined {
  if (program.onlyHere !== undefined) return undefined;
  const response = `${directory}/lld.words`;
  const executable = `${directory}/executable`;
  const libraries = ["libc.so", "libgcc.a"].map((name) => `-L${compilerFile(name)!.replace(/\/[^/]*$/, "")}`);
  const start = ["Scrt1.o", "crti.o", "crtbeginS.o"].map((name) => compilerFile(name)!);
  const end = ["crtendS.o", "crtn.o"].map((name) => compilerFile(name)!);
  const options = ["-pie", "-z", "notext", "-dynamic-linker", "/lib64/ld-linux-x86-64.so.2", "-o", executable];
  const all = [...options, ...libraries, "-L/usr/lib/x86_64-linux-gnu", ...start, ...program.inputs];
  writeFileSync(response, quoted([...all, "-lc", "-lgcc", ...end]));
  const link = timedRun([lld, `@${response}`], cleanEnvironment(), directory, LIMIT);
  if (program.failure !== undefined) {
    if (link.status === 0) throw new Error("ld.lld: linked what should not link");
    return { ...link, link: link.wall, phases: [] };
  }
  if (link.status !== 0) return undefined;
  const run = timedRun([executable], cleanEnvironment(), directory, LIMIT);
  check(run, program, "ld.lld");
  return { link: link.wall, wall: link.wall + run.wall, cpu: link.cpu + run.cpu, peak: link.peak, phases: [] };
}

function check(run: Run, program: ScaleProgram, who: string): void {
  const { failure } = program;
  const right =
    failure === undefined ? run.status === 0 && run.stdout === "ok\n" : run.status === 1 && failure.test(run.stderr);
  if (right) return;
  const expected = failure === undefined ? 'status 0 and "ok"' : `status 1 and ${failure}`;
  const found = `status ${run.status} and ${JSON.stringify(run.stdout.slice(0, 200))}`;
  throw new Error(`${who}: ${found}, expected ${expected}\n${run.stderr.slice(0, 2000)}`);
}

function quoted(words: readonly string[]): string {
  return words.map((word) => `"${word}"\n`).join("");
}
