import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { modesUnderTest, runIn, slablink } from "../support/slablink.ts";
import { fileOf, hello, objectOf } from "../support/source.ts";
import { has } from "../support/tools.ts";
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
    const words = ["--entry=start", "--abs", "here=0x123456", "--alias=renamed=original", object, "--", "last"];
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

test("requests, mappings and changes of protection do not grow with the number of objects", async (t) => {
  if (!has(t, "ar")) return;
  const statsFor = async (count: number) => {
    const directory = freshDirectory();
    let text = "int sum(void);\nint main(void) { return sum() == COUNT ? 0 : 1; }\n".replace("COUNT", `${count}`);
    for (let i = 0; i < count; i++) text += `// file\nint f${i}(void) { static int value = 1; return value; }\n`;
    const parts = text.split("// file\n");
    const declarations = Array.from({ length: count }, (_, i) => `int f${i}(void);`).join("\n");
    const calls = Array.from({ length: count }, (_, i) => `f${i}()`).join(" + ");
    parts.push(`${declarations}\nint sum(void) { return ${calls}; }\n`);
    // One assembler run makes them all: a thousand compiler starts would take a minute.
    const sources = parts.map((part, index) => fileOf(`part${index}.c`, part));
    for (let at = 0; at < sources.length; at += 100) {
      await mustRun("gcc", ["-O1", "-c", ...sources.slice(at, at + 100)], directory);
    }
    const objects = parts.map((_, index) => join(directory, `part${index}.o`));
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
