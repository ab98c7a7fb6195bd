import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SlablinkError } from "../../src/errors.ts";
import { ProcessSymbolsGenerator } from "../../src/orc/definition-generator.ts";
import type { ExecutionSession } from "../../src/orc/execution-session.ts";
import { compile } from "../support/compile.ts";
import { mutate, Random } from "../support/mutate.ts";
import { openSession } from "../support/session.ts";
import { findTool } from "../support/tools.ts";

/** How many mutants; the same ones in every run. */
const mutants = Number(process.env.MUTANTS ?? 5000);

/** Longest that one link may take, in milliseconds: these objects need one or two. */
const patience = 5000;

/** Between them: data relocations, every TLS model, exceptions, COMDAT groups, common symbols, IFUNC, section arrays. */
const sources: [words: string[], name: string, text: string][] = [
  [
    ["gcc", "-O1", "-fPIC"],
    "data.c",
    `#include <stdio.h>
     __thread int local = 3; extern int optind; const char *const names[] = {"a", "b"}; int table[100]; int (*put)(const char *) = puts;
     __attribute__((constructor)) static void start(void) { table[3] = local++; }
     __attribute__((section("list"), used)) static int item = 4; extern int __start_list[], __stop_list[];
     int main(int argc, char **argv) { for (int *p = __start_list; p < __stop_list; p++) optind += *p;
       switch (argc) { case 0: return 1; case 1: return puts(names[1]); case 2: return 5; case 3: return table[argc]; case 4: return 9; }
       return put(argv[0]) + local; }`,
  ],
  [
    ["gcc", "-O1", "-fno-pic", "-fcommon", "-mcmodel=medium"],
    "medium.c",
    `#include <stdio.h>
     int common; char large[100000]; char text[70000] = "x"; char *inside[] = {text, large + 5};
     static int chosen(void) { return common; } static int (*choose(void))(void) { return chosen; }
     int indirect(void) __attribute__((ifunc("choose"))); extern int absent(void) __attribute__((weak));
     int main(void) { return indirect() + *inside[1] + (absent ? absent() : 0) + fputs(text, stdout); }`,
  ],
  [
    ["gcc", "-O1", "-g"],
    "throws.cc",
    `struct A { virtual ~A() {} virtual int f() { return 1; } }; struct B : A { int f() override { return 2; } };
     template <class T> int twice(T t) { static T kept = t; return kept + t; } inline thread_local int counted = twice(4);
     int main(int argc, char **) { try { if (argc > 1) throw B(); return twice(argc); } catch (A &a) { return a.f() + counted; } }`,
  ],
];

test(`${mutants} damaged objects: each links, or ends in an error that names the file`, {
  timeout: 600_000,
}, async (t) => {
  const originals: Buffer[] = [];
  for (const [words, name, text] of sources) originals.push(readFileSync(await compile(words, name, text)));
  if (findTool("clang-22") !== undefined) {
    const [, name, text] = sources[0];
    originals.push(readFileSync(await compile(["clang-22", "-O1", "-fPIE", "-ffunction-sections"], name, text)));
  }
  const random = new Random(20261122);
  let session = await openSession();
  const counts = { linked: 0, refused: 0, executors: 0 };
  let memory = 0;
  let slowest = 0;
  try {
    for (const [index, original] of originals.entries())
      assert.equal(await link(session, original, `original-${index}.o`), undefined);
    for (let index = 0; index < mutants; index++) {
      const bytes = mutate(originals[random.below(originals.length)], random);
      const start = performance.now();
      const error = await link(session, bytes, `mutant-${index}.o`);
      slowest = Math.max(slowest, performance.now() - start);
      assert.ok(slowest < patience, `mutant ${index} took ${slowest} ms`);
      if (error === undefined) counts.linked++;
      else {
        counts.refused++;
        assert.ok(error instanceof SlablinkError, `mutant ${index}: ${(error as Error).stack}`);
        assert.ok(error.message.length < 100_000, `mutant ${index}: an error of ${error.message.length} characters`);
        // A damaged IFUNC resolver runs in the executor, and may end it; the controller has to go on with another.
        if (error.code === "executor" || error.code === "protocol") {
          counts.executors++;
          await session.endSession();
          session = await openSession();
        } else if (error.code === "format") assert.match(error.message, new RegExp(`^mutant-${index}\\.o: `));
      }
      if (index === Math.min(500, mutants - 1)) memory = process.memoryUsage().rss;
    }
    const grown = process.memoryUsage().rss - memory;
    assert.ok(grown < 200 * 1024 ** 2, `memory grew by ${grown} bytes from one mutant to the next`);
    // A mutation that never did harm, or always did, would test nothing.
    assert.ok(counts.linked > mutants / 20 && counts.refused > mutants / 20, JSON.stringify(counts));
    assert.ok(counts.executors < mutants / 50, JSON.stringify(counts));
    t.diagnostic(`${JSON.stringify(counts)}, slowest ${slowest.toFixed(0)} ms, memory grew by ${grown} bytes`);
  } finally {
    await session.endSession();
  }
});

test("a small object, cut off after every byte: always an error that names the file", {
  timeout: 120_000,
}, async () => {
  const text = "extern int other(int); int value = 3; int main(void) { return other(value); }";
  const bytes = readFileSync(await compile(["gcc", "-O1", "-fno-asynchronous-unwind-tables"], "small.c", text));
  const session = await openSession();
  try {
    for (let length = 0; length < bytes.length; length++) {
      const error = await link(session, bytes.subarray(0, length), `cut-${length}.o`);
      assert.ok(
        error instanceof SlablinkError,
        `${length} of ${bytes.length} bytes: ${(error as Error | undefined)?.stack}`,
      );
      assert.match(error.message, new RegExp(`^cut-${length}\\.o: `));
    }
  } finally {
    await session.endSession();
  }
});

/** Links the object by itself and takes it out again; resolves to the error, if there was one. */
async function link(session: ExecutionSession, bytes: Uint8Array, name: string): Promise<unknown> {
  const dylib = session.createJITDylib(name);
  try {
    dylib.addObject(ByteReader.of(bytes, name));
    for (const symbol of cxxRuntime) dylib.define(symbol, 0x1000);
    dylib.define("other", 0x1000);
    dylib.addGenerator(new ProcessSymbolsGenerator());
    const job = await session.link(dylib, ["main"]);
    await session.remove(job);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** What throws.cc needs of the C++ library, which this executor has not loaded; nothing of it is ever called. */
const cxxRuntime = [
  ...["_ZTVN10__cxxabiv117__class_type_infoE", "_ZTVN10__cxxabiv120__si_class_type_infoE"],
  ...["__cxa_allocate_exception", "__cxa_throw", "__cxa_begin_catch", "__cxa_end_catch", "__gxx_personality_v0"],
  ...["__cxa_guard_acquire", "__cxa_guard_release", "__cxa_guard_abort", "__cxa_thread_atexit", "_Unwind_Resume"],
  ...["_ZdlPvm", "_ZdlPv"],
];
