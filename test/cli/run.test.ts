import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { modesUnderTest, runIn, slablink } from "../support/slablink.ts";
import { fileOf, hello, objectOf } from "../support/source.ts";
import { freshDirectory } from "../support/workspace.ts";

const ok = (stdout: string) => ({ status: 0, stdout, stderr: "" });

for (const mode of modesUnderTest) {
  test(`${mode}: argv[0] is the first input's name, unless --argv0 says otherwise`, async () => {
    const object = await objectOf(hello);
    assert.deepEqual(await runIn(mode, [object]), ok(`hello from ${object}, 1\n`));
    assert.deepEqual(await runIn(mode, ["--argv0=x y", object, "--", "", "--stats"]), ok("hello from x y, 3\n"));
  });

  test(`${mode}: --entry, --abs and --alias`, async () => {
    const object = await objectOf(`
      #include <stdio.h>
      extern char here[];
      int renamed(void);
      int original(void) { return 5; }
      int start(int argc, char **argv) { printf("%p %d %s\\n", (void *)here, renamed(), argv[argc - 1]); return 6; }`);
    const aliases = ["--alias=renamed=second", "--alias=second=original"];
    const words = ["--entry=start", "--abs", "here=0x123456", ...aliases, object, "--", "last"];
    assert.deepEqual(await runIn(mode, words), { status: 6, stdout: "0x123456 5 last\n", stderr: "" });
  });

  test(`${mode}: sources are compiled, with the flags of the environment`, async () => {
    const c = fileOf("a.c", "int half(void); const char *name(void); int twice(void) { return VALUE * half() * 2; }");
    const s = fileOf(
      "b.s",
      '.globl half\n.type half,@function\nhalf: movl $3, %eax\n ret\n.section .note.GNU-stack,"",@progbits\n',
    );
    const cc = fileOf(
      "c.cc",
      'extern "C" int twice();\n#include <iostream>\nint main() { std::cout << twice() << TEXT << "\\n"; }',
    );
    const env = { CFLAGS: "-O1 -DVALUE=7", CXXFLAGS: "-DTEXT='\" twice\"'" };
    assert.deepEqual(await runIn(mode, [c, s, cc], { env }), ok("42 twice\n"));
  });

  test(`${mode}: --no-run links, finds what is wrong, and runs nothing`, async () => {
    const object = await objectOf(`
      #include <stdio.h>
      #include <stdlib.h>
      __attribute__((constructor)) static void begin(void) { puts("begins"); exit(4); }
      int main(void) { return 3; }`);
    const { status, stdout, stderr } = await runIn(mode, ["--no-run", "--stats=json", object]);
    assert.deepEqual([status, stdout], [0, ""], stderr);
    assert.equal(JSON.parse(stderr).objects, 1);
    const wrong = await objectOf("int absent(void); int main(void) { return absent(); }");
    const refused = await runIn(mode, ["--no-run", wrong]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /undefined symbol: absent/);
  });

  test(`${mode}: --stats=json is the last line of standard error`, async () => {
    const object = await objectOf(`#include <stdio.h>\nint main(void) { fputs("program\\n", stderr); return 3; }`);
    const { status, stderr } = await runIn(mode, ["--stats=json", object]);
    assert.equal(status, 3);
    const lines = stderr.trimEnd().split("\n");
    assert.ok(lines.includes("program"));
    // In this process the program has the last word, so ours comes before it starts.
    const stats = JSON.parse(mode === "in-process" ? lines[0] : lines[1]);
    assert.equal(stats.objects, 1);
    assert.ok(stats.relocations > 0 && stats.symbols > 0 && stats.sections > 0 && stats.bytesCopied > 0, stderr);
    assert.ok(stats.phases.length > 2 && stats.milliseconds > 0, stderr);
    assert.ok(stats.slab.used > 0 && stats.slab.used <= stats.slab.size, stderr);
  });

  test(`${mode}: the program has the descriptors it would have, and blocking ones`, async () => {
    const object = await objectOf(`
      #include <fcntl.h>
      #include <stdio.h>
      int main(void) {
        for (int fd = 0; fd < 1000; fd++) {
          int flags = fcntl(fd, F_GETFD);
          if (flags >= 0 && !(flags & FD_CLOEXEC)) printf("%d%s ", fd, fcntl(fd, F_GETFL) & O_NONBLOCK ? " non-blocking" : "");
        }
        return 0;
      }`);
    // Whoever runs the tests may hand down more than three; the program gets the same as when it runs by itself.
    const executable = join(freshDirectory(), "reference");
    await mustRun("gcc", ["-o", executable, object]);
    const reference = await run(executable, []);
    assert.match(reference.stdout, /^0 1 2 /);
    assert.deepEqual(await runIn(mode, [object]), reference);
  });

  test(`${mode}: --no-process-symbols leaves only what the inputs define`, async () => {
    const object = await objectOf("int own(void) { return 8; } int main(void) { return own(); }", ["-O0"]);
    assert.deepEqual(await runIn(mode, ["--no-process-symbols", object]), { status: 8, stdout: "", stderr: "" });
    const other = await objectOf(hello);
    const { status, stderr } = await runIn(mode, ["--no-process-symbols", other]);
    assert.equal(status, 1);
    assert.match(stderr, /undefined symbol.*printf/);
  });

  for (const placement of ["low", "near-libc", "anywhere"]) {
    test(`${mode}: --placement=${placement} runs position-independent code`, async () => {
      const object = await objectOf(hello, ["-O1", "-fPIC"]);
      assert.deepEqual(await runIn(mode, [`--placement=${placement}`, "--argv0=a", object]), ok("hello from a, 1\n"));
    });
  }
}

test("shared memory carries the contents, messages do not", async () => {
  const object = await objectOf("char big[3000000] = {1}; int main(void) { return big[2999999]; }");
  const shared = await runIn("shared", ["--stats=json", object]);
  const rpc = await runIn("rpc", ["--stats=json", object]);
  assert.deepEqual([shared.status, rpc.status], [0, 0], shared.stderr + rpc.stderr);
  const sent = (outcome: { stderr: string }) => JSON.parse(outcome.stderr).bytesSent as number;
  assert.ok(sent(shared) < 20_000, `shared: ${sent(shared)} bytes were sent`);
  assert.ok(sent(rpc) > 3_000_000, `rpc: ${sent(rpc)} bytes were sent`);
});

test("requests, mappings and changes of protection do not grow with the number of objects", async () => {
  const statsFor = async (count: number) => {
    // Compiled once; a thousand compilers take a minute, or many. The names have one length, so the rest of the file stays as it is.
    const template = readFileSync(await objectOf("int f0000(void) { static int value = 1; return value; }"), "latin1");
    const names = Array.from({ length: count }, (_, i) => `f${`${i}`.padStart(4, "0")}`);
    const parts = names.map((name) => fileOf(`${name}.o`, Buffer.from(template.replaceAll("f0000", name), "latin1")));
    const declarations = names.map((name) => `int ${name}(void);`).join("\n");
    const calls = names.map((name) => `${name}()`).join(" + ");
    const objects = [
      await objectOf(`int sum(void);\nint main(void) { return sum() == ${count} ? 0 : 1; }\n`),
      await objectOf(`${declarations}\nint sum(void) { return ${calls}; }\n`),
      ...parts,
    ];
    const response = fileOf("objects", objects.join("\n"));
    const { status, stderr } = await runIn("shared", ["--stats=json", `@${response}`]);
    assert.equal(status, 0, stderr);
    return JSON.parse(stderr) as { objects: number; requests: number; mappings: number; protectionChanges: number };
  };
  const few = await statsFor(10);
  const many = await statsFor(1000);
  assert.equal(few.objects, 12);
  assert.equal(many.objects, 1002);
  assert.ok(many.mappings <= 10, `${many.mappings} mappings`);
  assert.ok(many.protectionChanges <= 10, `${many.protectionChanges} changes of protection`);
  assert.equal(many.requests, few.requests);
});

test("slablink executor --print-path names a program that --executor takes", async () => {
  const { status, stdout, stderr } = await slablink(["executor", "--print-path"]);
  assert.deepEqual({ status, stderr }, { status: 0, stderr: "" });
  assert.match(stdout, /^\/.*\n$/);
  const object = await objectOf(hello);
  assert.deepEqual(
    await runIn("shared", ["--argv0=a", `--executor=${stdout.trim()}`, object]),
    ok("hello from a, 1\n"),
  );
});

test("a response file may hold options, inputs and the program's arguments", async () => {
  const object = await objectOf(hello);
  const inner = fileOf("inner", `"${object}" --argv0 'from a file'`);
  const outer = fileOf("outer", `@${inner}\n--memory=shared -- one two`);
  assert.deepEqual(await slablink(["run", `@${outer}`, "three"]), ok("hello from from a file, 4\n"));
});

test("every corner of memory, tasks and threads runs the program alike; per object it takes two requests for each", async () => {
  const objects = await Promise.all([
    objectOf(`
      #include <stdio.h>
      int next(void); extern const char word[]; extern int counter;
      int main(void) { counter += 5; int sum = next(); printf("%s %d %d\\n", word, sum, counter); return 9; }`),
    objectOf("int counter = 30; int last(void); int next(void) { return last() + ++counter; }"),
    objectOf('const char word[] = "sum"; static int zero[1000]; int last(void) { return zero[999]++ + 1; }'),
  ]);
  const requests = new Map<string, number>();
  for (const memory of ["shared", "rpc", "rpc-per-object"]) {
    for (const tasks of ["inline", "dispatched"]) {
      for (const threads of ["1", "2", "auto"]) {
        const corner = [`--memory=${memory}`, `--tasks=${tasks}`, `--threads=${threads}`];
        const { status, stdout, stderr } = await slablink(["run", ...corner, "--stats=json", ...objects]);
        assert.deepEqual([status, stdout], [9, "sum 37 36\n"], `${corner.join(" ")}: ${stderr}`);
        requests.set(memory, JSON.parse(stderr).requests);
      }
    }
  }
  // A place for all (2), the part in front and the shared one (3), and two for each object.
  const [slab, perObject] = [requests.get("rpc")!, requests.get("rpc-per-object")!];
  assert.equal(perObject - (slab - 2), 2 + 3 + 2 * objects.length, `${perObject} requests, with a slab ${slab}`);
  const refused = await slablink(["run", "--in-process", "--memory=rpc-per-object", objects[0]]);
  assert.equal(refused.status, 2);
});
