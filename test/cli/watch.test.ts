import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compile } from "../support/compile.ts";
import type { Outcome } from "../support/process.ts";
import { slablink } from "../support/slablink.ts";
import { freshDirectory } from "../support/workspace.ts";

/** A loop in main that calls a function of another file and one of its own until `stop.txt` is there. */
const loop = `#include <stdio.h>
#include <unistd.h>
#include "step.h"
static int turns;
__attribute__((noinline)) int own(void) { return OWN; }
int main(void) {
  setvbuf(stdout, 0, _IOLBF, 0);
  while (access("stop.txt", F_OK) != 0) { printf("%d %d %d\\n", ++turns, step(), own()); usleep(5000); }
  return STATUS;
}
`;
const step = (text: string) => `#include "step.h"\nstatic int total;\nint step(void) { total++; return ${text}; }\n`;
const header = (offset: number) => `int step(void);\n#define OFFSET ${offset}\n`;

/** `slablink run --watch`, with what it writes to be waited for. */
class Watched {
  readonly directory = freshDirectory();
  readonly ended: Promise<Outcome>;
  readonly #words: readonly string[];
  #child: ChildProcess | undefined;
  #text = { stdout: "", stderr: "" };
  #look = () => {};

  constructor(files: Record<string, string>, words: readonly string[]) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
    this.#words = words;
    this.ended = slablink(["run", "--watch", ...this.#words], {
      cwd: this.directory,
      env: { CFLAGS: "-O2 -DOWN=5 -DSTATUS=3", CC: "gcc" },
      started: (child) => {
        this.#child = child;
        for (const name of ["stdout", "stderr"] as const) {
          child[name]!.on("data", (bytes: Buffer) => {
            this.#text[name] += bytes;
            this.#look();
          });
        }
      },
    });
    this.ended.catch(() => {});
  }

  /** As editors do it: another file that gets the name. */
  write(name: string, text: string): void {
    writeFileSync(join(this.directory, `${name}~`), text);
    renameSync(join(this.directory, `${name}~`), join(this.directory, name));
  }

  /** Waits for a text behind what has been waited for before on this stream, and gives what it matched. */
  async see(stream: "stdout" | "stderr", pattern: RegExp): Promise<RegExpExecArray> {
    let over = false;
    this.ended.then(
      () => {
        over = true;
        this.#look();
      },
      () => {},
    );
    for (;;) {
      const match = pattern.exec(this.#text[stream]);
      if (match !== null) {
        this.#text[stream] = this.#text[stream].slice(match.index + match[0].length);
        return match;
      }
      assert.ok(!over, `ended without ${pattern}: ${this.#text.stdout}\n${this.#text.stderr}`);
      await new Promise<void>((resolve) => {
        this.#look = resolve;
      });
    }
  }

  interrupt(): void {
    this.#child!.kill("SIGINT");
  }
}

describe("slablink run --watch", () => {
  test("exchanges what has changed, and what includes it, while the program runs", async () => {
    const files = { "main.c": loop, "step.c": step("total * 0 + 100 + OFFSET"), "step.h": header(1) };
    const watched = new Watched(files, ["main.c", "step.c"]);
    await watched.see("stdout", /^(\d+) 101 5\n/m);
    watched.write("step.c", step("total * 0 + 200 + OFFSET"));
    await watched.see("stderr", /^slablink: step\.c: 1 function replaced in \d+\.\d ms\n/m);
    const [, turns] = await watched.see("stdout", /^(\d+) 201 5\n/m);
    // main() itself goes on, and so do its variables.
    assert.ok(Number(turns) > 1);
    watched.write("step.h", header(2));
    await watched.see("stderr", /^slablink: main\.c: 2 functions replaced in/m);
    await watched.see("stdout", /^(\d+) 202 5\n/m);
    watched.write("main.c", loop.replace("return OWN", "return OWN + 1"));
    const [, more] = await watched.see("stdout", /^(\d+) 202 6\n/m);
    assert.ok(Number(more) > Number(turns));
    watched.write("stop.txt", "");
    // The main() that began first ends it.
    await watched.see("stderr", /^slablink: the program has ended: waiting for a change\n/m);
    watched.interrupt();
    assert.equal((await watched.ended).status, 130);
  });

  test("keeps the program as it is when a change does not compile or does not link", async () => {
    const files = { "main.c": loop, "step.c": step("1000 + total"), "step.h": header(1) };
    const watched = new Watched(files, ["main.c", "step.c"]);
    await watched.see("stdout", /^\d+ 1001 5\n/m);
    watched.write("step.c", step("1000 + total ="));
    await watched.see("stderr", /error: .*\n[\s\S]*slablink: step\.c is not replaced: the program goes on as it is\n/);
    watched.write("step.c", `int absent(void);\n${step("absent()")}`);
    await watched.see("stderr", /undefined symbol: absent\n[\s\S]*step\.c is not replaced/);
    const [, before] = await watched.see("stdout", /^\d+ 1(\d+) 5\n/m);
    watched.write("step.c", step("2000 + total"));
    const [, after] = await watched.see("stdout", /^\d+ 2(\d+) 5\n/m);
    assert.ok(Number(after) > Number(before), `${before} and then ${after}`);
    watched.interrupt();
    assert.equal((await watched.ended).status, 130);
  });

  test("runs the program again when it has ended and something changes, or could not be linked before", async () => {
    const files = { "main.c": '#include <stdio.h>\nint main(void) { puts("one"); return 0; }\n' };
    const watched = new Watched(files, ["main.c"]);
    await watched.see("stdout", /^one\n/m);
    await watched.see("stderr", /waiting for a change/);
    watched.write("main.c", "int main(void) { return }\n");
    await watched.see("stderr", /nothing runs: waiting for a change/);
    watched.write(
      "main.c",
      '#include <stdio.h>\nint main(void) { puts("two"); fflush(stdout); return *(volatile int *)8; }\n',
    );
    await watched.see("stdout", /^two\n/m);
    await watched.see("stderr", /program ended by SIGSEGV[\s\S]*waiting for a change/);
    watched.interrupt();
    assert.equal((await watched.ended).status, 130);
  });

  test("exchanges objects that a compiler writes", async () => {
    const object = async (value: number) =>
      (await import("node:fs")).readFileSync(
        await compile(["gcc", "-O2"], "step.c", `int step(void) { return ${value}; }\n`),
        "latin1",
      );
    const files = { "main.c": loop, "step.h": header(1) };
    const watched = new Watched(files, ["main.c", "step.o"]);
    await watched.see("stderr", /step\.o: no such file/);
    writeFileSync(join(watched.directory, "step.o"), Buffer.from(await object(7), "latin1"));
    await watched.see("stdout", /^\d+ 7 5\n/m);
    writeFileSync(join(watched.directory, "step.o"), Buffer.from(await object(8), "latin1"));
    await watched.see("stdout", /^\d+ 8 5\n/m);
    watched.interrupt();
    assert.equal((await watched.ended).status, 130);
  });

  for (const [other, ...words] of [["--in-process"], ["--no-run"], ["--trace", "x.json"]]) {
    test(`is refused together with ${other}`, async () => {
      const { status, stderr } = await slablink(["run", "--watch", other!, ...words, "main.c"]);
      assert.equal(status, 2);
      assert.equal(stderr, `slablink: error: --watch and ${other} exclude each other\n`);
    });
  }
});
