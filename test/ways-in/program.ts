import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { compile } from "../support/compile.ts";
import { type Outcome, type ProcessOptions, run } from "../support/process.ts";
import { slablink } from "../support/slablink.ts";
import { packageRoot } from "../support/workspace.ts";

const SOURCE = `
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char bytes[65536];
static volatile sig_atomic_t caught;
static void note(int number) { caught = number; }

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "hello";
  if (!strcmp(what, "cat")) {
    for (size_t size; (size = fread(bytes, 1, sizeof bytes, stdin)) > 0;) fwrite(bytes, 1, size, stdout);
    fputs("end of input\\n", stderr);
    return 0;
  }
  if (!strcmp(what, "count")) {
    for (int i = 0, end = atoi(argv[2]); i < end; i++) printf("%09d\\n", i);
    return 0;
  }
  if (!strcmp(what, "exit")) exit(atoi(argv[2]));
  if (!strcmp(what, "fault")) *(volatile int *)8 = 1;
  if (!strcmp(what, "abort")) abort();
  if (!strcmp(what, "kill")) kill(getpid(), SIGKILL);
  if (!strcmp(what, "real-time")) raise(37);
  if (!strcmp(what, "wait")) {
    signal(SIGUSR1, note);
    puts("ready");
    fflush(stdout);
    while (!caught) pause();
    printf("signal %d\\n", caught);
    return 3;
  }
  if (!strcmp(what, "exec")) {
    fflush(stdout);
    execl("/bin/sh", "sh", "-c", "echo executed; exit 9", (char *)0);
  }
  if (!strcmp(what, "leave")) {
    /* Holds the standard streams for longer than the program lives. */
    if (fork() == 0) {
      sleep(3);
      _exit(0);
    }
    puts("left");
    return 0;
  }
  printf("hello %d %s\\n", argc, argv[argc - 1]);
  fputs("to standard error\\n", stderr);
  return 7;
}
`;

/** A program that does what its first argument says. */
export function programObject(): Promise<string> {
  return compile(["gcc", "-O1", "-fPIC"], "ways.c", SOURCE);
}

/** How the controller is started; `prefix` are words in front of its command. */
export interface WayOptions extends ProcessOptions {
  readonly prefix?: readonly string[];
}

function start(words: readonly string[], { prefix, ...options }: WayOptions): Promise<Outcome> {
  if (prefix === undefined) return slablink(words, options);
  const [program, ...rest] = prefix;
  return run(program!, [...rest, process.execPath, join(packageRoot, "bin/slablink"), ...words], options);
}

/** Runs it by `way`, the words that say where the executor is. */
export async function runBy(
  way: readonly string[],
  words: readonly string[],
  options: WayOptions = {},
): Promise<Outcome> {
  return start(["run", ...way, "--argv0", "p", await programObject(), "--", ...words], options);
}

/** What `--stats` says of the memory. */
export async function memoryBy(way: readonly string[], options: WayOptions = {}): Promise<string> {
  const { stderr, status } = await start(["run", "--stats", ...way, await programObject()], options);
  assert.equal(status, 7, stderr);
  return /^slablink: memory +(.*)$/m.exec(stderr)?.[1] ?? `not said: ${stderr}`;
}

const digest = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");

/** The same of every way: standard streams of any size and content, statuses, ends by signals, nothing lost. */
export async function checkWay(way: readonly string[], options: WayOptions = {}): Promise<void> {
  await checkStreams(way, options);
  await checkEnds(way, options);
}

/** Arguments, standard streams and status. */
export async function checkStreams(way: readonly string[], options: WayOptions = {}): Promise<void> {
  const hello = await runBy(way, ["a", "b c"], options);
  assert.deepEqual([hello.stdout, hello.stderr, hello.status], ["hello 3 b c\n", "to standard error\n", 7]);

  let input = "";
  for (let i = 0; i < 256; i++) input += String.fromCharCode(i, 255 - i, 10, 0);
  input = input.repeat(2000);
  const cat = await runBy(way, ["cat"], { ...options, stdin: Buffer.from(input, "latin1") as unknown as string });
  assert.deepEqual([digest(cat.stdout), cat.stderr, cat.status], [digest(input), "end of input\n", 0]);

  const count = await runBy(way, ["count", "500000"], options);
  const lines = Array.from({ length: 500000 }, (_, i) => `${String(i).padStart(9, "0")}\n`).join("");
  assert.deepEqual([digest(count.stdout), count.status], [digest(lines), 0]);
}

async function checkEnds(way: readonly string[], options: WayOptions): Promise<void> {
  const ends: [string[], number, string][] = [
    [["exit", "42"], 42, ""],
    [["fault"], 139, "SIGSEGV"],
    [["abort"], 134, "SIGABRT"],
    [["kill"], 137, "SIGKILL"],
    [["real-time"], 165, "signal 37\n"],
    [["exec"], 9, ""],
  ];
  for (const [words, status, signal] of ends) {
    const { status: found, stderr } = await runBy(way, words, options);
    assert.equal(found, status, `${words}: ${stderr}`);
    if (signal !== "") assert.match(stderr, new RegExp(`program ended by ${signal}`));
  }

  for (const [signal, status, stdout] of [
    ["SIGUSR1", 3, "ready\nsignal 10\n"],
    ["SIGTERM", 143, "ready\n"],
    ["SIGINT", 130, "ready\n"],
  ] as const) {
    const end = await runBy(way, ["wait"], {
      ...options,
      started: (child) => child.stdout?.once("data", () => void child.kill(signal)),
    });
    assert.deepEqual([end.stdout, end.status], [stdout, status], end.stderr);
  }
}
