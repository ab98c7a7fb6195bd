import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { reportCrash } from "../../src/debug/crash-report.ts";
import { crashText } from "../../src/debug/crash-text.ts";
import { decodeCrash } from "../../src/epc/crash-message.ts";
import { ProtocolError } from "../../src/epc/protocol-error.ts";
import { executorPath, launchExecutor, runProgram } from "../../src/index.ts";
import { compile } from "../support/compile.ts";
import { Random } from "../support/mutate.ts";
import { run } from "../support/process.ts";
import { slablink } from "../support/slablink.ts";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

const crashing = `
  __attribute__((noinline)) static int reads(volatile int *p) { return *p; }
  int main(void) { return reads((int *)0x1234) + 1; }`;

const request = {
  mode: "executor",
  memory: "shared",
  items: [],
  argv: ["test"],
  entry: "main",
  libraryDirectories: [],
  processSymbols: true,
  absolutes: [],
  aliases: [],
  placement: "low",
} as const;

test("the end of a program has the crash as data", async () => {
  const object = await compile(["gcc", "-g", "-O1"], "test.c", crashing);
  const end = await runProgram({ ...request, items: [{ kind: "file", path: object }] });
  assert.equal(end.signal, "SIGSEGV");
  const { crash } = end;
  assert.ok(crash);
  assert.deepEqual([crash.signal, crash.code, crash.address, crash.sender], ["SIGSEGV", 1, 0x1234, undefined]);
  assert.equal(crash.registers.rdi, 0x1234n);
  assert.equal(crash.registers.rip, BigInt(crash.frames[0].address));
  const { offset, ...inner } = crash.frames[0];
  assert.deepEqual(inner, {
    address: crash.frames[0].address,
    function: "reads",
    object,
    section: ".text",
    file: object.replace(/o$/, "c"),
    line: 2,
  });
  assert.equal(offset, 0);
  assert.equal(crash.frames[1].function, "main");
  assert.equal(crash.isComplete, true);
  assert.equal(crash.frames.at(-1)?.library, "slablink-executor");
});

test("an address beyond 2^53 is told exactly, of the fault and of what a wild pointer has called", async () => {
  const object = await compile(["gcc", "-O1"], "test.c", "int main(void) { return ((int (*)(void))-2)(); }");
  const { status, stderr } = await slablink(["run", object]);
  assert.equal(status, 139);
  const [first, second, third] = stderr.split("\n");
  assert.equal(first, "slablink: program ended by SIGSEGV: it jumped to 0xfffffffffffffffe, where nothing is mapped");
  assert.equal(second, "slablink:   #0 0xfffffffffffffffe");
  assert.match(third!, /^slablink: {3}#1 0x[0-9a-f]+ main\+/);
  const { crash } = await runProgram({ ...request, items: [{ kind: "file", path: object }] });
  assert.equal(crash?.address, 2 ** 64);
  assert.equal(crash.registers.rip, 0xffff_ffff_ffff_fffen);
});

test("a resolver that crashes while a job is linked is told of like a program", async () => {
  const object = await compile(
    ["gcc", "-g", "-O1"],
    "test.c",
    `static int one(void) { return 1; }
     static void *pick(void) { *(volatile int *)0x20 = 1; return one; }
     int f(void) __attribute__((ifunc("pick")));
     int main(void) { return f(); }`,
  );
  const { status, stderr } = await slablink(["run", object]);
  assert.equal(status, 1);
  const [first, second] = stderr.split("\n");
  assert.equal(first, "slablink: error: the executor was killed by SIGSEGV: it wrote to 0x20, where nothing is mapped");
  assert.match(second, /^ {2}#0 0x[0-9a-f]+ pick\+0x[0-9a-f]+ \(.*test\.o, \.text\) at .*test\.c:2$/);
});

test("a core dump shows the place of the crash, not the handler", async (t) => {
  if (!has(t, "gdb")) return;
  if (readFileSync("/proc/sys/kernel/core_pattern", "utf8").trim().startsWith("|")) {
    t.skip("core dumps go to another program here: /proc/sys/kernel/core_pattern begins with |");
    return;
  }
  const object = await compile(["gcc", "-O1"], "test.c", crashing);
  const directory = freshDirectory();
  const launcher = join(packageRoot, "bin/slablink");
  const script = 'ulimit -c unlimited && exec "$@"';
  const words = ["-c", script, "sh", process.execPath, launcher, "run", object];
  const { status, stderr } = await run("sh", words, { cwd: directory, timeout: 120_000 });
  assert.equal(status, 139);
  const place = /#0 (0x[0-9a-f]+) reads/.exec(stderr)?.[1];
  const [core] = readdirSync(directory).filter((name) => name.startsWith("core"));
  assert.ok(core !== undefined, "there is no core file");
  const show = ["-ex", "p/x $rip", "-ex", "p/x $_siginfo._sifields._sigfault.si_addr", "-ex", "p $_siginfo.si_signo"];
  const gdb = [
    "-q",
    "-batch",
    "-nx",
    "-iex",
    "set debuginfod enabled off",
    ...show,
    executorPath(),
    join(directory, core),
  ];
  const { stdout } = await run("gdb", gdb, { timeout: 120_000 });
  assert.match(stdout, new RegExp(`\\$1 = ${place}\\n\\$2 = 0x1234\\n\\$3 = 11`), stdout);
});

test("a controller that does not read holds a crashing program for seconds at most", async () => {
  // What it has to tell of its stack is more than a socket takes.
  const object = await compile(
    ["gcc", "-O0"],
    "test.c",
    `#include <stdio.h>
     #include <unistd.h>
     static int deeper(volatile int *p) { volatile int a[100]; a[0] = *p; return deeper(a) + a[0]; }
     int main(void) {
       int one = 1;
       printf("%d\\n", (int)getpid());
       fflush(stdout);
       usleep(500000);
       return deeper(&one);
     }`,
  );
  let waited = Number.POSITIVE_INFINITY;
  const { stderr } = await slablink(["run", object], {
    timeout: 60_000,
    started: (child) => {
      child.stdout?.once("data", (text) => {
        child.kill("SIGSTOP");
        const started = Date.now();
        const timer = setInterval(() => {
          const isGone = /^State:\s*[ZX]/m.test(readFileSync(`/proc/${Number(text)}/status`, "latin1"));
          if (!isGone && Date.now() - started < 20_000) return;
          if (isGone) waited = Date.now() - started;
          clearInterval(timer);
          child.kill("SIGCONT");
        }, 20);
      });
    },
  });
  assert.ok(waited < 15_000, `not gone after ${waited} ms`);
  assert.match(stderr, /^slablink: program ended by SIGSEGV$/m);
});

/** The message of a program that crashed. */
async function message(): Promise<Uint8Array> {
  const epc = await launchExecutor({ path: executorPath() });
  // With an answer here its main thread is idle, and not about to give back the lock that Setup was sent under.
  await epc.resolve(0, ["malloc"]);
  epc.kill("SIGSEGV");
  await epc.ended;
  // The process may be gone before what it sent has been read.
  for (const limit = Date.now() + 10_000; epc.crashMessage === undefined && Date.now() < limit; ) await sleep(5);
  await epc.disconnect();
  assert.ok(epc.crashMessage);
  return epc.crashMessage;
}

test("an executor that gets a signal from outside says who sent it", async () => {
  const crash = reportCrash(await message(), { linked: [], isLocal: true });
  assert.equal(crash.sender, process.pid);
  assert.equal(crash.cause, `process ${process.pid} sent it`);
  assert.ok(crash.frames.length > 0);
});

test("a message of a hostile executor ends in a report or a ProtocolError", async () => {
  const original = await message();
  const random = new Random(7);
  let reports = 0;
  for (let round = 0; round < 400; round++) {
    const length = round % 5 === 0 ? random.below(original.length) : original.length;
    const bytes = new Uint8Array(original.subarray(0, length));
    for (let count = 1 + random.below(12); count > 0 && bytes.length > 0; count--) {
      // Half of it in the words at the beginning, where sizes and registers are.
      const at = random.below(random.below(2) === 0 ? Math.min(300, bytes.length) : bytes.length);
      bytes[at] = [0, 1, 0x7f, 0x80, 0xff, random.below(256)][random.below(6)];
    }
    try {
      const crash = reportCrash(bytes, { linked: [], isLocal: true });
      assert.ok(crash.frames.length <= 256);
      assert.ok(crashText(crash).every((line) => typeof line === "string"));
      reports++;
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  }
  assert.ok(reports > 100, `${reports} reports`);
  assert.throws(() => decodeCrash(new Uint8Array(10)), /the executor's crash message: .* needs 0x8 bytes, 0x2 remain/);
});
