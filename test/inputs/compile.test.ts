import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type CompileOptions, compileSources } from "../../src/inputs/compile.ts";
import { isSource } from "../../src/inputs/sources.ts";
import { Workspace } from "../formats/archive-fixture.ts";

describe("compiling sources", () => {
  let work: Workspace;
  let options: CompileOptions;
  let diagnostics: string;
  before(() => {
    work = new Workspace();
  });
  after(() => work.remove());
  beforeEach(() => {
    diagnostics = work.file("diagnostics", "");
    const { CC, CXX, CFLAGS, CXXFLAGS, ...environment } = process.env;
    options = { environment, diagnostics: openSync(diagnostics, "a") };
  });

  function within(variables: NodeJS.ProcessEnv): CompileOptions {
    return { ...options, environment: { ...options.environment, ...variables } };
  }

  /** A stand-in for a compiler that logs its arguments and runs `body`. */
  function compiler(name: string, body: string): string {
    const path = work.file(name, `#!/bin/sh\nprintf '%s\\n' "$@" >> ${work.path}/${name}.log\n${body}\n`);
    work.run("chmod", "+x", path);
    return path;
  }

  /** Runs `action` with a temporary directory of its own and expects it to be empty afterwards. */
  async function leavesNothing<T>(action: () => Promise<T>): Promise<T> {
    const before = process.env.TMPDIR;
    const own = join(work.path, "tmp");
    mkdirSync(own, { recursive: true });
    process.env.TMPDIR = own;
    try {
      return await action();
    } finally {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
      assert.deepEqual(readdirSync(own), []);
      assert.equal(process.listenerCount("SIGTERM"), 0);
    }
  }

  test("C, C++ and assembler become objects, in order, and nothing stays on disk", async () => {
    const sources = [
      work.file("a.c", "int in_c(void) { return 1; }"),
      work.file("b.cpp", "int in_cpp() { return 2; }"),
      work.file("c.s", ".globl in_s\nin_s: ret\n"),
      work.file("d.S", "#define NAME in_S\n.globl NAME\nNAME: ret\n"),
    ];
    const objects = await leavesNothing(() => compileSources(sources, options));
    for (const [i, symbol] of ["in_c", "_Z6in_cppv", "in_s", "in_S"].entries()) {
      const object = work.file(`${i}.o`, objects[i]);
      assert.match(work.run("nm", object), new RegExp(` T ${symbol}\n`));
    }
    assert.equal(readFileSync(diagnostics, "utf8"), "");
  });

  test("CC, CFLAGS, CXX and CXXFLAGS are heeded, words and all", async () => {
    const cc = compiler("my-cc", 'exec cc "$@"');
    const cxx = compiler("my-cxx", 'exec c++ "$@"');
    const sources = [work.file("flags.c", "int x = VALUE;"), work.file("flags.cc", "int y = VALUE;")];
    await compileSources(
      sources,
      within({ CC: `${cc} -DVALUE=1`, CFLAGS: "-DTEXT='a b' -g", CXX: cxx, CXXFLAGS: "-DVALUE=2" }),
    );
    const log = (name: string) => readFileSync(join(work.path, `${name}.log`), "utf8").split("\n");
    assert.deepEqual(log("my-cc").slice(0, 5), ["-DVALUE=1", "-DTEXT=a b", "-g", "-c", sources[0]]);
    assert.deepEqual(log("my-cxx").slice(0, 3), ["-DVALUE=2", "-c", sources[1]]);
  });

  test("a source that does not compile is named with the exit status; diagnostics pass through", async () => {
    const good = work.file("good.c", "int x;");
    const bad = work.file("bad.c", "int x = nonsense;");
    const worse = work.file("worse.cc", "#error worse");
    await leavesNothing(() =>
      assert.rejects(compileSources([good, bad, worse], options), {
        name: "LinkError",
        message: `${bad}: the compiler cc failed with exit status 1\n${worse}: the compiler c++ failed with exit status 1`,
      }),
    );
    assert.match(readFileSync(diagnostics, "utf8"), /nonsense/);
  });

  test("a compiler that is missing or dies", async () => {
    const source = work.file("a.c", "int x;");
    await leavesNothing(() =>
      assert.rejects(compileSources([source], within({ CC: "no-such-compiler" })), {
        message: `${source}: the compiler no-such-compiler cannot be started: there is no such program (CC names another)`,
      }),
    );
    const dying = compiler("dying", "kill -9 $$");
    await leavesNothing(() =>
      assert.rejects(compileSources([source], within({ CC: dying })), {
        message: `${source}: the compiler ${dying} was ended by SIGKILL`,
      }),
    );
  });

  test("a compiler that succeeds without an object", async () => {
    const source = work.file("a.c", "int x;");
    await leavesNothing(() =>
      assert.rejects(compileSources([source], within({ CC: "true" })), {
        name: "LinkError",
        message: `${source}: the compiler true ended well but wrote no object`,
      }),
    );
  });

  test("two at a time", async () => {
    const log = join(work.path, "times");
    const slow = compiler("slow", `echo start >> ${log}; cc "$@"; sleep 0.1; echo end >> ${log}`);
    const sources = [1, 2, 3, 4].map((i) => work.file(`s${i}.c`, `int x${i};`));
    await compileSources(sources, within({ CC: slow }));
    let running = 0;
    let most = 0;
    for (const line of readFileSync(log, "utf8").trim().split("\n")) {
      running += line === "start" ? 1 : -1;
      most = Math.max(most, running);
    }
    assert.equal(most, 2);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} in the middle leaves nothing behind and still ends the process`, async () => {
      const tmp = join(work.path, `tmp-${signal}`);
      mkdirSync(tmp);
      const started = join(work.path, `started-${signal}`);
      const slow = compiler(`slow-${signal}`, `echo $$ > ${started}; exec sleep 20`);
      const source = work.file("a.c", "int x;");
      const module = fileURLToPath(new URL("../../src/inputs/compile.js", import.meta.url));
      const code = `import { compileSources } from ${JSON.stringify(module)}; await compileSources([${JSON.stringify(source)}]);`;
      const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", code], {
        env: { ...process.env, CC: slow, TMPDIR: tmp },
        stdio: "ignore",
      });
      const ended = once(child, "exit");
      for (let i = 0; i < 500 && readPid(started) === undefined; i++) await new Promise((r) => setTimeout(r, 10));
      const compilerPid = readPid(started)!;
      assert.equal(readdirSync(tmp).length, 1);
      child.kill(signal);
      assert.deepEqual(await ended, [null, signal]);
      assert.deepEqual(readdirSync(tmp), []);
      for (let i = 0; i < 100 && isAlive(compilerPid); i++) await new Promise((r) => setTimeout(r, 10));
      assert.equal(isAlive(compilerPid), false);
    });
  }

  function readPid(path: string): number | undefined {
    try {
      return Number.parseInt(readFileSync(path, "utf8"), 10) || undefined;
    } catch {
      return undefined;
    }
  }

  /** A zombie that nobody has waited for counts as dead. */
  function isAlive(pid: number): boolean {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  }

  test("suffixes are gcc's", () => {
    for (const name of ["a.c", "a.cc", "a.cpp", "a.cxx", "a.C", "a.c++", "a.s", "a.S", "d/a.b.c"])
      assert.ok(isSource(name), name);
    for (const name of ["a.o", "a.a", "a.so", "a.h", "c", "a.c.o", "lib.so.1"]) assert.ok(!isSource(name), name);
  });
});
