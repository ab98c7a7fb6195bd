import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile, mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { type Mode, modesUnderTest, runIn, slablink } from "../support/slablink.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";
import { isWithin, readTrace, show, type Trace } from "./read-trace.ts";

const object = (name: string, text: string) => compile(["gcc", "-O1"], name, text);

/** Tells the time by itself: in a constructor, at the start and the end of main, in an exit handler. */
const CLOCK = `#include <stdio.h>
#include <stdlib.h>
#include <time.h>
static long long now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ll + t.tv_nsec; }
static void say(const char *what) { printf("%s %lld\\n", what, now()); }
static void handler(void) { say("exit"); }
__attribute__((constructor)) static void begin(void) { say("initializers"); }
int other(int);
int main(int argc, char **argv) { say("main"); atexit(handler); say("main"); return other(argc) + 5; }
`;
const OTHER = "int other(int n) { return n - 1; }\n";

interface Traced {
  readonly trace: Trace;
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function traced(mode: Mode, words: readonly string[], more: Parameters<typeof runIn>[2] = {}): Promise<Traced> {
  const file = join(freshDirectory(), "trace.json");
  const outcome = await runIn(mode, ["--trace", file, ...words], more);
  return { ...outcome, trace: readTrace(file) };
}

const PHASES = [
  ...["start threads", "parse and resolve", "process symbols", "layout", "load anchor", "copy"],
  ...["wait for loader", "bind", "fix up", "finalize"],
];

for (const mode of modesUnderTest) {
  test(`${mode}: the whole run is there, and the program sees nothing of it`, async () => {
    const words = [await object("clock.c", CLOCK), await object("other.c", OTHER), "--", "a", "b"];
    const { trace, status, stdout, stderr } = await traced(mode, words);
    assert.deepEqual({ status, stderr }, { status: 7, stderr: "" });
    assert.deepEqual(
      [...trace.processes.values()].sort(),
      mode === "in-process" ? ["slablink"] : ["slablink", "slablink-executor"],
    );

    // Node, our own start, then the run, on one line.
    const [node, loading, words_, beginning] = ["start of Node", "load slablink", "command line", "begin trace"].map(
      (name) => trace.one(name, "main"),
    );
    assert.equal(node!.start, 0);
    for (const [before, after] of [
      [node!, loading!],
      [loading!, words_!],
      [words_!, beginning!],
    ] as const) {
      assert.equal(before.end, after.start, `${show(before)}, then ${show(after)}`);
    }
    const whole = trace.one("link and run", "run");
    const [inputs, waiting, link, program] = ["inputs", "wait for executor", "link", "program"].map((name) =>
      trace.one(name, "run"),
    );
    for (const step of [inputs!, waiting!, link!, program!]) assert.ok(isWithin(step, whole), show(step));

    // The job with its phases in their order, and what it was made of.
    const job = trace.one("link main", "link jobs");
    assert.ok(job.start >= link!.start && job.end <= link!.end);
    const phases = trace.spans.filter((span) => span.tid === job.tid && span !== job);
    assert.deepEqual(
      phases.map(({ name }) => name),
      PHASES,
    );
    assert.equal(job.args.objects, 3, "ours, and the one with atexit from libc_nonshared.a");
    for (const name of ["relocations", "bytesCopied", "sections", "symbols", "archives"]) {
      assert.ok(Number(job.args[name]) > 0, name);
    }
    assert.ok(trace.named("map file").some(({ args }) => args.path === words[0]));

    // What the program saw on its clock is where the trace has it.
    for (const line of stdout.trim().split("\n")) {
      const [what, time] = line.split(" ");
      const at = Number(time) - trace.origin;
      const span =
        mode === "in-process" ? program! : trace.spans.find(({ name, cat }) => name === what && cat === "executor");
      assert.ok(span, what);
      assert.ok(at >= span.start && at <= span.end, `${what} at ${at}: ${show(span)}`);
    }
    assert.equal(stdout.split("\n").length, 5);

    const kernel = trace.one("instantiate kernel", "main");
    assert.ok(kernel.start >= job.start && kernel.end <= job.end, show(kernel));
  });
}

for (const mode of modesUnderTest.filter((each) => each !== "in-process")) {
  test(`${mode}: an arrow leads from each request to what the executor did for it, inside of it`, async () => {
    const { trace } = await traced(mode, [await object("clock.c", CLOCK), await object("other.c", OTHER)]);
    const requests = trace.spans.filter(({ cat }) => cat === "requests");
    const initialize = mode === "shared" ? "shared memory initialize" : "memory initialize";
    assert.deepEqual(
      requests.map(({ name }) => name).sort(),
      ["dylib resolve", "image load", initialize, "program run", "slab reserve"].sort(),
    );
    assert.deepEqual(trace.flows.map(([from]) => from.name).sort(), requests.map(({ name }) => name).sort());
    for (const [request, served] of trace.flows) {
      assert.equal(trace.processes.get(served.pid), "slablink-executor");
      assert.equal(served.name, request.name);
      assert.equal(served.args.request, request.args.request);
      assert.equal(served.args.bytes, request.args["bytes out"]);
      assert.ok(isWithin(served, request), `${show(served)} is not within ${show(request)}`);
    }
    const contents = requests.find(({ name }) => name === initialize)!;
    const bytesCopied = Number(trace.one("link main", "link jobs").args.bytesCopied);
    assert.equal(Number(contents.args["bytes out"]) > bytesCopied, mode === "rpc", "contents are in the request");
    assert.ok(Number(contents.args["bytes in"]) > 0);

    // The executor's threads: the program's own, and the reader, which takes in what that one does.
    const load = trace.flows.find(([{ name }]) => name === "image load")![1];
    const received = trace.one("receive image load");
    assert.deepEqual([load.thread, load.tid === load.pid, received.thread], ["main", true, "reader"]);
    assert.ok(received.start <= load.start && received.end >= received.start);
    assert.ok(isWithin(trace.one("dlopen"), load));
    assert.ok(isWithin(trace.one("map segments"), trace.flows.find(([{ name }]) => name === initialize)![1]));
    const start = trace.one("start");
    const starting = trace.one("start executor");
    // It goes on for a moment when its Setup has been sent, which may be here by then.
    assert.ok(
      start.start >= starting.start && start.start < starting.end && start.end > start.start,
      `${show(start)}, ${show(starting)}`,
    );
    const parts = ["initializers", "main", "exit"].map(
      (name) => trace.spans.find((span) => span.name === name && span.cat === "executor")!,
    );
    const program = trace.flows.find(([{ name }]) => name === "program run")![1];
    for (const part of parts) assert.ok(isWithin(part, program), show(part));
  });

  test(`${mode}: an action of finalize is a span inside of its request`, async () => {
    const text = `static int three(void) { return 3; }
      static void *pick(void) { return three; }
      int chosen(void) __attribute__((ifunc("pick")));
      int main(void) { return chosen(); }`;
    const { trace, status } = await traced(mode, [await object("chosen.c", text)]);
    assert.equal(status, 3);
    const action = trace.one("action resolve ifuncs");
    const initialize = trace.flows.find(([{ name }]) => name.endsWith("memory initialize"))!;
    assert.ok(isWithin(action, initialize[1]), show(action));
    assert.equal(action.tid, action.pid, "linked code runs on the main thread");
  });

  test(`${mode}: however the program ends, it is in the trace up to there`, async () => {
    const ends: [text: string, status: number, unfinished: RegExp | undefined][] = [
      ["*(volatile int *)0 = 1;", 139, /killed by SIGSEGV/],
      ["abort();", 134, /killed by SIGABRT/],
      ["kill(getpid(), SIGKILL);", 137, /killed by SIGKILL/],
      ["_exit(9);", 9, /exit status 9/],
      ["quick_exit(8);", 8, /exit status 8/],
      ['execl("/bin/sh", "sh", "-c", "exit 6", (char *)0);', 6, /./],
      ["exit(4);", 4, undefined],
      ["pthread_exit(0);", 0, undefined],
      ["if (fork() == 0) exit(1); wait(0);", 0, undefined],
    ];
    for (const [text, status, unfinished] of ends) {
      const head = ["pthread", "signal", "stdlib", "sys/wait", "unistd"]
        .map((name) => `#include <${name}.h>\n`)
        .join("");
      const outcome = await traced(mode, [await object("end.c", `${head}int main(void) { ${text} return 0; }\n`)]);
      assert.equal(outcome.status, status, text);
      const main = outcome.trace.spans.filter(({ name, cat }) => name === "main" && cat === "executor");
      assert.equal(main.length, 1, text);
      if (unfinished === undefined) assert.equal(main[0]!.args.unfinished, undefined, text);
      else assert.match(String(main[0]!.args.unfinished), unfinished, text);
      const program = outcome.trace.flows.find(([{ name }]) => name === "program run");
      assert.ok(program && isWithin(main[0]!, program[1]) && isWithin(program[1], program[0]), text);
    }
  });
}

const inProcess = modesUnderTest.includes("in-process");

test("in-process: a program that takes this process with it leaves a trace that ends with its start", {
  skip: !inProcess,
}, async () => {
  for (const [text, status] of [
    ["*(volatile int *)0 = 1;", 139],
    ["_exit(9);", 9],
    ['execl("/bin/sh", "sh", "-c", "exit 6", (char *)0);', 6],
  ] as const) {
    const source = `#include <unistd.h>\nint main(void) { ${text} return 0; }\n`;
    const { trace, status: actual } = await traced("in-process", [await object("end.c", source)]);
    assert.equal(actual, status, text);
    assert.equal(trace.one("program", "run").end, Number.POSITIVE_INFINITY, text);
    assert.ok(trace.one("finalize", "link jobs").end < trace.one("program", "run").start, text);
  }
});

test("in-process: what is done natively is on the thread's line", { skip: !inProcess }, async () => {
  const { trace } = await traced("in-process", [await object("clock.c", CLOCK), await object("other.c", OTHER)]);
  for (const [name, phase] of [
    ["resolve", "process symbols"],
    ["slab reserve", "layout"],
    ["image load", "load anchor"],
    ["initialize", "finalize"],
  ] as const) {
    const [call] = trace.named(name);
    assert.ok(call && call.thread === "main" && isWithin(call, trace.one(phase, "link jobs")), name);
  }
});

test("in-process: a second start goes on in the same file", { skip: !inProcess }, async () => {
  const text = "__thread int large[100000]; int main(void) { return large[99999] + 3; }\n";
  const { trace, status } = await traced("in-process", [await object("large.c", text)]);
  assert.equal(status, 3);
  const [first, second, ...others] = trace.named("link and run", "run");
  assert.deepEqual(others, []);
  assert.match(String(first!.args.error), /static (TLS|thread-local)/i);
  assert.equal(second!.args.error, undefined);
  const nodes = trace.named("start of Node");
  assert.equal(nodes.length, 2);
  assert.ok(nodes[1]!.start >= first!.end && nodes[1]!.end <= second!.start);
});

for (const mode of modesUnderTest.filter((each) => each !== "in-process")) {
  test(`${mode}: an executor that has something out of reach is exchanged, and what was read is read once`, async () => {
    const directory = freshDirectory();
    writeFileSync(join(directory, "keep.c"), "#include <stdlib.h>\nint (*const kept)(int) = abs;\n");
    const library = join(directory, "libkeep.so");
    await mustRun("gcc", ["-shared", "-fPIC", "-o", library, join(directory, "keep.c")]);
    const body = `#include <stdlib.h>
      extern int (*const kept)(int);
      int (*const own)(int) = abs;
      int main(void) { return own == kept && (int (*)(int))(unsigned)(unsigned long)&abs == kept ? 3 : 4; }\n`;
    const once = await traced(mode, [await compile(["gcc", "-O1", "-fno-pic"], "near.c", body), library]);
    assert.deepEqual({ status: once.status, stderr: once.stderr }, { status: 3, stderr: "" });
    const count = ({ trace }: Traced, name: string, category: string) => trace.named(name, category).length;
    const phases = once.trace.spans.filter(({ tid }) => tid === once.trace.one("link main", "link jobs").tid);
    assert.deepEqual(
      phases.map(({ name }) => name).slice(0, 9),
      ["link main", "start threads", "parse and resolve", ...["process symbols", "layout"], "restart executor"].concat(
        ...["process symbols", "layout", "load anchor"],
      ),
    );
    assert.equal(count(once, "start executor", "executor start"), 2);

    // Room for thread-locals is found missing later: a start for everything, which the next one has, too.
    const large = `__thread int large[100000];\n${body.replace("return own", "return large[99999] == 0 && own")}`;
    const twice = await traced(mode, [await compile(["gcc", "-O1", "-fno-pic"], "large.c", large), library]);
    assert.deepEqual({ status: twice.status, stderr: twice.stderr }, { status: 3, stderr: "" });
    assert.equal(count(twice, "start executor", "executor start"), 3);
    assert.equal(count(twice, "link main", "link jobs"), 2);
  });
}

for (const mode of modesUnderTest) {
  test(`${mode}: a link that fails is there with its error`, async () => {
    const { trace, status, stderr } = await traced(mode, [
      await object("u.c", "int nowhere(void); int main(void) { return nowhere(); }"),
    ]);
    assert.equal(status, 1);
    assert.match(stderr, /^slablink: error: undefined symbol: nowhere\n/);
    assert.match(String(trace.one("link main", "link jobs").args.error), /nowhere/);
    assert.match(String(trace.one("link and run", "run").args.error), /nowhere/);
    if (mode === "in-process") return;
    assert.ok(
      trace.flows.some(([{ name }]) => name === "dylib resolve"),
      "the executor has handed over what it did",
    );
  });
}

test("an input that is not there leaves a trace, too", async () => {
  const { trace, status, stderr } = await traced("shared", ["/nonexistent/x.o"]);
  assert.equal(status, 1);
  assert.match(stderr, /^slablink: error: \/nonexistent\/x.o: no such file\n$/);
  assert.match(String(trace.one("link and run", "run").args.error), /no such file/);
});

test("compilers are on lines of their own", async () => {
  const directory = freshDirectory();
  for (const [name, text] of [
    ["clock.c", CLOCK],
    ["other.c", OTHER],
  ] as const)
    writeFileSync(join(directory, name), text);
  const { trace, status } = await traced("shared", ["clock.c", "other.c"], { cwd: directory });
  assert.equal(status, 5);
  for (const name of ["compile clock.c", "compile other.c"]) {
    const compiling = trace.spans.find((span) => span.name === name && span.cat === "compilers");
    assert.ok(compiling && isWithin(compiling, trace.one("inputs", "run")), name);
  }
});

test("slablink killed in the middle of things leaves a file that holds a trace", async () => {
  const directory = freshDirectory();
  writeFileSync(join(directory, "cc"), "#!/bin/sh\nkill -9 $PPID\n", { mode: 0o755 });
  writeFileSync(join(directory, "clock.c"), CLOCK);
  const words = [join(packageRoot, "bin/slablink"), "run", "--trace", "t.json", "clock.c"];
  const env = { CC: join(directory, "cc"), TMPDIR: directory };
  const { status } = await run(process.execPath, words, { cwd: directory, env });
  assert.equal(status, 137);
  assert.equal(readTrace(join(directory, "t.json")).named("start of Node").length, 1);
});

test("a signal that is sent to slablink ends the program, and the trace is complete", async () => {
  const text =
    '#include <stdio.h>\n#include <unistd.h>\nint main(void) { puts("ready"); fflush(stdout); pause(); return 0; }\n';
  const { trace, status } = await traced("shared", [await object("wait.c", text)], {
    started: (child) => child.stdout?.once("data", () => child.kill("SIGTERM")),
  });
  assert.equal(status, 143);
  assert.match(String(trace.named("main").at(-1)!.args.unfinished), /SIGTERM/);
});

test("where the trace cannot be written nothing is run, and the reason is said", async () => {
  const directory = freshDirectory();
  const hello = await object("hello.c", '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n');
  const before = readFileSync(hello);
  const cases: [file: string, status: number, expected: RegExp][] = [
    [directory, 1, /: is a directory, expected a file; the trace cannot be written there\n$/],
    [join(directory, "no", "t.json"), 1, /t.json: no such file; the trace cannot be written there\n$/],
    [
      join(hello, "t.json"),
      1,
      /: no such file \(a part of its path is no directory\); the trace cannot be written there\n$/,
    ],
    [hello, 1, /hello.o: holds something that is no trace and is not overwritten with one\n$/],
    ["", 2, /^slablink: error: --trace needs the name of a file to write\n$/],
  ];
  for (const [file, status, expected] of cases) {
    const outcome = await slablink(["run", "--trace", file, hello]);
    assert.match(outcome.stderr, expected);
    assert.deepEqual({ ...outcome, stderr: "" }, { status, stdout: "", stderr: "" });
  }
  assert.deepEqual(readFileSync(hello), before);
  assert.ok(!existsSync(join(directory, "no")));
});

test("a disk that is full is a warning: the program has run", async () => {
  const hello = await object("hello.c", '#include <stdio.h>\nint main(void) { puts("hello"); return 3; }\n');
  const { status, stdout, stderr } = await slablink(["run", "--trace=/dev/full", hello]);
  assert.deepEqual({ status, stdout }, { status: 3, stdout: "hello\n" });
  assert.match(stderr, /^slablink: warning: \/dev\/full: the trace could not be written: ENOSPC/);
});

test("an earlier trace is replaced, a longer one too, and a pipe gets it in one piece", async () => {
  const empty = await object("empty.c", "int main(void) { return 0; }\n");
  const file = join(freshDirectory(), "trace.json");
  writeFileSync(file, `{"traceEvents":[\n${" ".repeat(100_000)}],"otherData":{"origin":0}}`);
  await slablink(["run", "--trace", file, empty]);
  assert.equal(readTrace(file).named("link and run", "run").length, 1);
  const command = `"${process.execPath}" "${packageRoot}/bin/slablink" run --trace /dev/stdout "${empty}" | cat`;
  writeFileSync(file, await mustRun("sh", ["-c", command]));
  assert.equal(readTrace(file).named("link and run", "run").length, 1);
});
