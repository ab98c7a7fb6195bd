import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Archive,
  type ExecutionSession,
  type JITDylib,
  ProcessSymbolsGenerator,
  StaticArchiveGenerator,
} from "slablink";
import { Flags, ObjectWriter } from "../../bench/scale/object-writer.ts";
import { functionReturning, tableOf } from "../../bench/scale/shape.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { STT_FUNC } from "../../src/formats/elf/constants.ts";
import { FileArena } from "../../src/host/arena.ts";
import { kernel } from "../../src/kernel/kernel.ts";
import { startThreads } from "../../src/kernel/threads.ts";
import { archiveBytes } from "../orc/archive-forms.ts";
import { compile } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";

const COUNT = 60;
const names = Array.from({ length: COUNT }, (_, i) => `f${i}`);

/** Adds up what the functions of the archive give. */
const sum = `extern int (*const table[])(void); extern const long table_size; static int own;
int f(void) { int all = own++; for (long i = 0; i < table_size; i++) all += table[i](); return all; }
`;

/** Jobs that have nothing to do with each other, each with an archive of its own of a function a member. */
export class IndependentJobs {
  readonly #arena = new FileArena();
  readonly #directory = freshDirectory();
  readonly #main: ByteReader;

  private constructor(path: string) {
    this.#main = this.#arena.map(path);
  }

  static async prepare(): Promise<IndependentJobs> {
    return new IndependentJobs(await compile(["gcc", "-O1", "-fPIE"], "sum.c", sum));
  }

  /** A JITDylib with `f`, whose value is then `sumOf(first)`; what is wrong with it, if anything. */
  add(session: ExecutionSession, name: string, first: number, wrong?: "undefined" | "damaged"): JITDylib {
    const dylib = session.createJITDylib(name);
    dylib.addObject(this.#main);
    dylib.addObject(ByteReader.of(tableOf(wrong === "undefined" ? [...names, "nowhere"] : names), "table.o"));
    const members = names.map((symbol, i) => ({
      name: `${symbol}.o`,
      bytes: wrong === "damaged" && i === COUNT / 2 ? new Uint8Array(64) : objectReturning(symbol, first + i),
      symbols: [symbol],
    }));
    const path = join(this.#directory, `lib${name}.a`);
    writeFileSync(path, archiveBytes(members, "gnu"));
    dylib.addGenerator(new StaticArchiveGenerator(Archive.read(this.#arena.map(path))));
    dylib.addGenerator(new ProcessSymbolsGenerator());
    return dylib;
  }

  dispose(): void {
    this.#arena.dispose();
  }
}

/** What `f` of a job gives. */
export function sumOf(first: number): number {
  return COUNT * first + (COUNT * (COUNT - 1)) / 2;
}

/** Starts threads and counts what they are given from then on: the numbers of calls of each loop. */
export async function watchThreads(count: number): Promise<Map<string, number>> {
  const started = startThreads(count)!;
  while (started.idle < count - 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const calls = new Map<string, number>();
  const nameOf = new Map(Object.entries(kernel()!).map(([name, run]) => [run, name]));
  const { call } = started;
  started.call = (run, values) => {
    const made = call.call(started, run, values);
    const name = nameOf.get(run)!;
    if (made !== undefined) calls.set(name, 1 + (calls.get(name) ?? 0));
    return made;
  };
  return calls;
}

function objectReturning(name: string, value: number): Uint8Array {
  const object = new ObjectWriter();
  const section = object.section(".text", functionReturning(value), { flags: Flags.code, alignment: 16 });
  object.symbol(name, { section, type: STT_FUNC, size: 6 });
  return object.bytes();
}
