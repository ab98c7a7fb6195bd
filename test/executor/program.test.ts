import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { B, encodeFrame, executorPath, OPCODE, OURS, RawController } from "./controller.ts";
import { compileImage, loadCode, SLAB } from "./fixture.ts";
import { initializeMemory, openLibrary, RX, returnCode, symbol } from "./requests.ts";
import { SpsReader, type SpsWriter, sps } from "./sps.ts";

const image = await compileImage(
  `
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void fx_init_function(int argc, char **argv, char **envp) { printf("init function %d %s %d\\n", argc, argv[0], envp == environ); }
static void init_1(int argc, char **argv) { printf("init 1 %s\\n", argv[argc - 1]); }
static void init_2(void) { puts("init 2"); }
static void fini_1(void) { puts("fini 1"); }
static void fini_2(void) { puts("fini 2"); }
static void fini_3(void) { puts("fini 3"); }
void fx_fini_function(void) { puts("fini function"); }
static void handler(void) { puts("atexit handler"); }
void *fx_init_array[] = {init_1, 0, (void *)-1, init_2};
void *fx_fini_array[] = {fini_1, 0, fini_2};
void *fx_fini_array_2[] = {fini_3};
void *fx_bad_array[] = {(void *)16};

int fx_order(int argc, char **argv) {
  char name[64] = "";
  atexit(handler);
  FILE *comm = fopen("/proc/self/comm", "r");
  fscanf(comm, "%63s", name);
  printf("main %s %s %s %d\\n", name, program_invocation_name, program_invocation_short_name, fileno(comm));
  int contiguous = 1;
  for (int i = 0; i + 1 < argc; i++) contiguous &= argv[i] + strlen(argv[i]) + 1 == argv[i + 1];
  argv[1][0] = 'X';
  printf("%d arguments, contiguous %d, ended %d, main thread %d\\n", argc, contiguous, !argv[argc], gettid() == getpid());
  return 42;
}
int fx_exit(void) { exit(7); }
int fx_abort(void) { abort(); }
int fx_status(int argc) { return argc; }
int fx_spin(void) { puts("spinning"); fflush(stdout); for (;;) continue; }
int fx_fork(int argc, char **argv) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char path[300], link[300];
    int sockets = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(folder));) {
      snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
      ssize_t size = readlink(path, link, sizeof link);
      if (atoi(entry->d_name) > 2 && size > 6 && memcmp(link, "socket", 6) == 0) sockets++;
    }
    printf("child sockets %d\\n", sockets);
    return 9;
  }
  int status;
  waitpid(child, &status, 0);
  printf("child ended with %d\\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return 5;
}
static volatile int handled_by;
static void on_signal(int number) { handled_by = gettid(); }
int fx_signal(void) {
  signal(SIGUSR1, on_signal);
  puts("ready");
  fflush(stdout);
  while (!handled_by) usleep(1000);
  printf("handled on main thread %d\\n", handled_by == getpid());
  return 0;
}
int fx_stdio(void) {
  char line[64] = "";
  extern char _IO_2_1_stdout_[];
  fgets(line, sizeof line, stdin);
  FILE **copy = dlsym(RTLD_DEFAULT, "stdout");
  fprintf(*copy, "read %s", line);
  fputs("to the object\\n", (FILE *)_IO_2_1_stdout_);
  fputs("to stderr\\n", stderr);
  setenv("FX", "set", 1);
  char ***names = dlsym(RTLD_DEFAULT, "environ");
  int found = 0;
  for (char **name = *names; *name; name++) found |= strcmp(*name, "FX=set") == 0;
  char *arguments[] = {"p", "-a", "v", "w", 0};
  getopt(4, arguments, "a:");
  printf("environ %d optind %d optarg %s\\n", found, *(int *)dlsym(RTLD_DEFAULT, "optind"), *(char **)dlsym(RTLD_DEFAULT, "optarg"));
  printf("not flushed by the program");
  return 0;
}

static void *later(void *unused) {
  usleep(50000);
  puts("thread done");
  return 0;
}
int fx_pthread_exit(void) {
  pthread_t thread;
  pthread_create(&thread, 0, later, 0);
  atexit(handler);
  pthread_exit(0);
}

struct result { union { char *pointer; char value[8]; } data; size_t size; };
typedef struct result dispatch(void *, const void *, const char *, size_t);
static struct result call_out(char **argv, const char *text) {
  dispatch *function = (dispatch *)strtoull(argv[0], 0, 16);
  return function((void *)strtoull(argv[1], 0, 16), (void *)0x1234, text, strlen(text));
}
int fx_dispatch(int argc, char **argv) {
  struct result small = call_out(argv, "ping");
  struct result large = call_out(argv, "a longer message");
  printf("%.*s %.*s\\n", (int)small.size, small.data.value, (int)large.size, large.data.pointer);
  return large.size;
}
/* Waits for an answer that never comes; prints the out-of-band text. */
int fx_dispatch_forever(int argc, char **argv) {
  struct result result = call_out(argv, "wait");
  printf("%zu %s\\n", result.size, result.data.pointer);
  return 0;
}
struct result fx_wrapper(const char *arguments, size_t size) {
  struct result result = {.size = size};
  if (size > 8) result.data.pointer = malloc(size);
  char *bytes = size > 8 ? result.data.pointer : result.data.value;
  for (size_t i = 0; i < size; i++) bytes[i] = arguments[size - 1 - i];
  return result;
}
uint64_t fx_slot;
static uint64_t fx_resolver(void) { return 0x5eed; }
uint64_t fx_pairs[2] = {(uint64_t)&fx_slot, (uint64_t)fx_resolver};
uint64_t fx_bad_pairs[2] = {(uint64_t)&fx_slot, 16};
`,
  SLAB + 0x1000000,
);

interface Program {
  argv?: string[];
  initArrays?: [string, number][];
  finiArrays?: [string, number][];
  exitAfter?: boolean;
  initFunctions?: string[];
  finiFunctions?: string[];
}

type Addresses = (name: string) => Promise<number>;

async function programRun(addresses: Addresses, main: string, program: Program = {}): Promise<SpsWriter> {
  const {
    argv = ["program"],
    initArrays = [],
    finiArrays = [],
    exitAfter = true,
    initFunctions = [],
    finiFunctions = [],
  } = program;
  const ranges = async (arrays: [string, number][]): Promise<[number, number][]> =>
    Promise.all(
      arrays.map(
        async ([name, count]): Promise<[number, number]> => [
          await addresses(name),
          (await addresses(name)) + 8 * count,
        ],
      ),
    );
  const functions = (names: string[]): Promise<number[]> => Promise.all(names.map(addresses));
  return sps()
    .u64(await addresses(main))
    .each(argv, (w, text) => void w.sequence(text))
    .each(await ranges(initArrays), (w, [start, end]) => void w.u64(start).u64(end))
    .each(await ranges(finiArrays), (w, [start, end]) => void w.u64(start).u64(end))
    .bool(exitAfter)
    .each(await functions(initFunctions), (w, address) => void w.u64(address))
    .each(await functions(finiFunctions), (w, address) => void w.u64(address));
}

async function start(args?: string[]): Promise<[RawController, Addresses]> {
  const controller = await RawController.start(args);
  return [controller, await loadCode(controller, image)];
}

const answer = async (controller: RawController, args: SpsWriter): Promise<number> =>
  (await controller.call(`${OURS}program_run`, args)).expected((r) => r.i64());

/** Starts a program whose end is the process's. */
const launch = (controller: RawController, args: SpsWriter): void => {
  controller.call(`${OURS}program_run`, args).catch(() => {});
};

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`still waiting for: ${what}`);
}

/** True while the process exists and is no zombie. */
function isAlive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}

test("a program has its names, its arguments, and its initializers and finalizers in order", async () => {
  const [controller, addresses] = await start();
  launch(
    controller,
    await programRun(addresses, "fx_order", {
      argv: ["/usr/bin/prog", "one", "two words", "last"],
      initArrays: [["fx_init_array", 4]],
      finiArrays: [
        ["fx_fini_array", 3],
        ["fx_fini_array_2", 1],
      ],
      initFunctions: ["fx_init_function"],
      finiFunctions: ["fx_fini_function"],
    }),
  );
  assert.deepEqual(await controller.ended, { status: 42, signal: null });
  assert.deepEqual(controller.stdout.trimEnd().split("\n"), [
    "init function 4 /usr/bin/prog 1",
    "init 1 last",
    "init 2",
    "main prog /usr/bin/prog prog 3",
    "4 arguments, contiguous 1, ended 1, main thread 1",
    "atexit handler",
    "fini 3",
    "fini 2",
    "fini 1",
    "fini function",
  ]);
});

test("the process ends as the program does", async () => {
  const cases: [string, number | null, NodeJS.Signals | null][] = [
    ["fx_exit", 7, null],
    ["fx_abort", null, "SIGABRT"],
    ["fx_status", 1, null],
  ];
  for (const [main, status, signal] of cases) {
    const [controller, addresses] = await start();
    launch(controller, await programRun(addresses, main));
    assert.deepEqual(await controller.ended, { status, signal }, main);
  }
});

test("a main that leaves by pthread_exit leaves the process to its other threads", async () => {
  const [controller, addresses] = await start();
  launch(controller, await programRun(addresses, "fx_pthread_exit"));
  assert.deepEqual(await controller.ended, { status: 0, signal: null });
  assert.equal(controller.stdout, "thread done\natexit handler\n");
});

test("without exitAfter the status is the answer, and the next program can run", async () => {
  const [controller, addresses] = await start();
  assert.equal(
    await answer(controller, await programRun(addresses, "fx_status", { exitAfter: false, argv: ["a", "b"] })),
    2,
  );
  assert.equal(await answer(controller, await programRun(addresses, "fx_status", { exitAfter: false, argv: [] })), 0);
  const bad: [Promise<SpsWriter>, RegExp][] = [
    [programRun(addresses, "fx_slot", { exitAfter: false }), /main at 0x[0-9a-f]+: no code there/],
    [
      programRun(addresses, "fx_status", { exitAfter: false, initArrays: [["fx_bad_array", 1]] }),
      /init array entry at .* is 0x10: no code there/,
    ],
    [
      programRun(addresses, "fx_status", { exitAfter: false, finiArrays: [["printf", 1]] }),
      /fini array .* is no array of addresses in linked memory/,
    ],
    [
      programRun(addresses, "fx_status", { exitAfter: false, initFunctions: ["fx_slot"] }),
      /init function 0x[0-9a-f]+: no code there/,
    ],
  ];
  for (const [args, expected] of bad) await assert.rejects(answer(controller, await args), expected);
  assert.equal(await answer(controller, await programRun(addresses, "fx_status", { exitAfter: false })), 1);
  await controller.close();
});

test("while a program runs the executor keeps serving, and refuses a second one", async () => {
  const [controller, addresses] = await start();
  const spin = await programRun(addresses, "fx_spin");
  const status = await addresses("fx_status");
  launch(controller, spin);
  await until(() => controller.stdout.includes("spinning"), "the program's first line");
  await assert.rejects(answer(controller, spin), /a program is running already/);
  assert.equal((await controller.call(`${B}run_as_int_function_wrapper`, sps().u64(status).u32(6))).i32(), 6);
  assert.ok((await symbol(controller, "fx_exit")) > SLAB);
  await openLibrary(controller, "libm.so.6");
  const time = await controller.call(`${OURS}processor_time`);
  assert.ok(time.u64() + time.u64() > 0);
  const key = await initializeMemory(controller, [{ group: RX, address: SLAB, size: 6, content: returnCode(8) }]);
  assert.equal((await controller.call(`${B}run_as_void_function_wrapper`, sps().u64(key))).i32(), 8);
  controller.socket.destroy();
  assert.deepEqual(await controller.ended, { status: null, signal: "SIGKILL" });
});

test("stdio, environment and getopt go through the copies of the C library's data", async () => {
  const [controller, addresses] = await start();
  controller.process.stdin!.end("a line\nrest");
  launch(controller, await programRun(addresses, "fx_stdio"));
  assert.deepEqual(await controller.ended, { status: 0, signal: null });
  assert.equal(
    controller.stdout,
    "read a line\nto the object\nenviron 1 optind 3 optarg v\nnot flushed by the program",
  );
  assert.equal(controller.stderr, "to stderr\n");
});

test("a forked child has no stream and ends with its own status", async () => {
  const [controller, addresses] = await start();
  launch(controller, await programRun(addresses, "fx_fork"));
  assert.deepEqual(await controller.ended, { status: 5, signal: null });
  assert.equal(controller.stdout, "child sockets 0\nchild ended with 9\n");
  const [other, otherAddresses] = await start();
  const args = sps()
    .u64(await otherAddresses("fx_fork"))
    .u64(0);
  assert.equal((await other.call(`${B}run_as_main_wrapper`, args)).i64(), 5);
  await other.close();
});

test("signals to the process reach the program's main thread", async () => {
  const [controller, addresses] = await start();
  launch(controller, await programRun(addresses, "fx_signal"));
  await until(() => controller.stdout.includes("ready"), "the program's first line");
  controller.process.kill("SIGUSR1");
  assert.deepEqual(await controller.ended, { status: 0, signal: null });
  assert.match(controller.stdout, /handled on main thread 1/);
});

const contextOf = (controller: RawController): string[] =>
  ["fn", "ctx"].map((name) => controller.address(`__llvm_orc_SimpleRemoteEPC_dispatch_${name}`).toString(16));

test("linked code calls the controller and gets its answer, while calls from the controller go on", async () => {
  const [controller, addresses] = await start();
  const main = await addresses("fx_dispatch");
  const wrapper = await addresses("fx_wrapper");
  const seen: [number, string][] = [];
  const reversed: string[] = [];
  controller.onCall = (tag, payload) => {
    seen.push([tag, new TextDecoder().decode(payload)]);
    controller.call(wrapper, sps().raw(payload)).then((r) => {
      reversed.push(String.fromCharCode(...Array.from({ length: r.rest }, () => r.u8())));
    });
    return new TextEncoder().encode(new TextDecoder().decode(payload).toUpperCase());
  };
  const args = sps()
    .u64(main)
    .each(contextOf(controller), (w, text) => void w.sequence(text));
  assert.equal((await controller.call(`${B}run_as_main_wrapper`, args)).i64(), 16);
  assert.deepEqual(seen, [
    [0x1234, "ping"],
    [0x1234, "a longer message"],
  ]);
  await until(() => reversed.length === 2, "two nested calls");
  assert.deepEqual(reversed.sort(), ["egassem regnol a", "gnip"]);
  await controller.close();
});

test("a call to the controller fails when the session ends, and the executor still ends in order", async () => {
  const [controller, addresses] = await start(["filedescs=3,3"]);
  const args = sps()
    .u64(await addresses("fx_dispatch_forever"))
    .each(contextOf(controller), (w, text) => void w.sequence(text));
  let called = false;
  // Frames from now on are left unanswered.
  controller.socket.removeAllListeners("data");
  controller.socket.on("data", () => {
    called = true;
  });
  controller.socket.write(
    encodeFrame(OPCODE.call, 99, controller.address(`${B}run_as_main_wrapper`), args.bytes.slice()),
  );
  await until(() => called, "the call");
  assert.deepEqual(await controller.close(), { status: 0, signal: null });
  assert.equal(controller.stdout, "0 disconnecting\n");
});

test("ifunc resolvers fill their slots, called or as an action", async () => {
  const [controller, addresses] = await start();
  const pairs = await addresses("fx_pairs");
  const slot = await addresses("fx_slot");
  const resolveIfuncs = async (start: number, end: number): Promise<void> =>
    (await controller.call(`${OURS}resolve_ifuncs`, sps().u64(start).u64(end))).success();
  const value = async (): Promise<number> => {
    const reader: SpsReader = await controller.call(`${B}mem_read_uint64s_wrapper`, sps().u64(1).u64(slot));
    reader.u64();
    return reader.u64();
  };
  await resolveIfuncs(pairs, pairs + 16);
  assert.equal(await value(), 0x5eed);
  await controller.call(`${B}mem_write_uint64s_wrapper`, sps().u64(1).u64(slot).u64(0));
  const args = sps()
    .u64(pairs)
    .u64(pairs + 16)
    .bytes.slice();
  const action = { finalize: { fn: controller.address(`${OURS}resolve_ifuncs`), args } };
  await initializeMemory(controller, [{ group: RX, address: SLAB, size: 6, content: returnCode(8) }], [action]);
  assert.equal(await value(), 0x5eed);
  const bad = await addresses("fx_bad_pairs");
  await assert.rejects(resolveIfuncs(bad, bad + 16), /resolver 0x10: no code there/);
  await assert.rejects(resolveIfuncs(pairs, pairs + 15), /is no array of 16 byte entries/);
  await assert.rejects(resolveIfuncs(16, 32), /is not linked memory/);
  await controller.close();
});

test("an executor whose parent is killed dies with it, also while its program spins", async () => {
  const addresses = await start().then(async ([controller, find]) => {
    const found = await find("fx_spin");
    await controller.close();
    return found;
  });
  // The parent: starts the executor, loads nothing itself, and passes our frames on.
  const script = `
    const { spawn } = require("node:child_process");
    const child = spawn(${JSON.stringify(executorPath)}, ["filedescs=3,3", "parent=" + process.pid], { stdio: ["ignore", "inherit", "inherit", "pipe"] });
    process.stdin.pipe(child.stdio[3]);
    child.stdio[3].resume();
    child.stdio[3].once("data", (setup) => process.stderr.write(child.pid + " " + setup.toString("base64") + "\\n"));
  `;
  const parent: ChildProcess = spawn(process.execPath, ["-e", script], { stdio: ["pipe", "pipe", "pipe"] });
  try {
    let output = "";
    let told = "";
    parent.stdout!.on("data", (chunk) => {
      output += chunk;
    });
    parent.stderr!.on("data", (chunk) => {
      told += chunk;
    });
    await until(() => told.includes("\n"), "the executor's process id");
    const [pid, setup] = told.trim().split(" ");
    const symbols = readSymbols(Buffer.from(setup, "base64"));
    const send = (name: string, args: SpsWriter): void => {
      parent.stdin!.write(encodeFrame(OPCODE.call, 0, symbols.get(name)!, args.bytes.slice()));
    };
    send(`${OURS}slab_reserve`, sps().u64(SLAB).u64(0x4000000).sequence(""));
    send(`${OURS}image_load`, sps().u64(image.start).u64(image.size).sequence(image.bytes).zeros(32));
    send(`${OURS}program_run`, sps().u64(addresses).u64(0).u64(0).u64(0).bool(true).u64(0).u64(0));
    await until(() => output.includes("spinning"), "the program's first line");
    assert.ok(isAlive(Number(pid)));
    parent.kill("SIGKILL");
    await until(() => !isAlive(Number(pid)), "the executor's end");
  } finally {
    parent.kill("SIGKILL");
  }
});

function readSymbols(frame: Buffer): Map<string, number> {
  const reader = new SpsReader(frame.subarray(32));
  reader.string();
  reader.u64();
  reader.u64();
  return new Map(Array.from({ length: reader.u64() }, () => [reader.string(), reader.u64()] as const));
}
