import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { compile } from "../support/compile.ts";
import { callInt, readerOf, sessionFor, until } from "./sessions.ts";

const flags = ["-O2", "-ffunction-sections", "-fdata-sections"];
const source = `
#include <time.h>
#include <unistd.h>
static const char text[] = "version " NAME;
static unsigned total;
__attribute__((noinline)) const char *name(void) { return text; }
unsigned step(void) { for (int i = 0; i < SPIN; i++) __asm__ volatile("pause"); return total += 1; }
unsigned get(void) { return total & 0x7fffffff; }
int wait_here(int (*until)(void)) { while (!until()) usleep(1000); return name()[8]; }
`;
const users = `
#include <pthread.h>
#include <unistd.h>
const char *name(void);
unsigned step(void);
int wait_here(int (*until)(void));
static volatile int running = 1, waiting = 1, waited;
static pthread_t threads[3];
static int is_over(void) { return !waiting; }
static void *work(void *unused) { while (running) { for (int i = 0; i < 50; i++) step(); usleep(100); } return unused; }
static void *wait(void *unused) { waited = wait_here(is_over); return unused; }
int begin(void) { pthread_create(&threads[0], 0, work, 0); pthread_create(&threads[1], 0, work, 0); return 0; }
int end(void) { running = 0; pthread_join(threads[0], 0); pthread_join(threads[1], 0); return 1; }
int begin_wait(void) { pthread_create(&threads[2], 0, wait, 0); return 0; }
int end_wait(void) { waiting = 0; pthread_join(threads[2], 0); return waited; }
static const char *volatile kept;
int keep(void) { kept = name(); return 0; }
int letter(void) { return kept ? kept[8] : 0; }
int forget(void) { kept = 0; return 0; }
`;

const version = async (name: string, spin = 1) =>
  readerOf(await compile(["gcc", ...flags, `-DNAME="${name}"`, `-DSPIN=${spin}`], "step.c", source), "step.o");

const names = ["begin", "end", "begin_wait", "end_wait", "keep", "letter", "forget", "get"];

async function start(...[context, way]: Parameters<typeof sessionFor>) {
  const { session, dylib } = await sessionFor(context, way);
  await session.addReplaceableObject(dylib, await version("0"));
  dylib.addObject(readerOf(await compile(["gcc", "-O2"], "users.c", users), "users.o"));
  const found = Object.fromEntries(await session.lookup(dylib, names));
  const call = (name: string) => callInt(session, found[name]!);
  const objects = await session.replaceableObjects(dylib);
  const count = () => [...session.jobs()].length;
  return { session, dylib, call, objects, count };
}

describe("versions that have been replaced", () => {
  test("go when nothing refers to them", async (context) => {
    const { session, dylib, objects, count } = await start(context);
    for (const name of ["1", "2", "3"]) await session.replace(dylib, await version(name));
    assert.equal(count(), 4);
    assert.equal(await objects.collect(), 2);
    assert.equal(count(), 2);
  });

  test("stay while a pointer into them is kept", async (context) => {
    const { session, dylib, call, objects } = await start(context);
    for (const name of ["1", "2"]) await session.replace(dylib, await version(name));
    await call("keep");
    for (const name of ["3", "4"]) await session.replace(dylib, await version(name));
    assert.equal(await objects.collect(), 2);
    assert.equal(await call("letter"), "2".charCodeAt(0));
    await call("forget");
    assert.equal(await objects.collect(), 1);
  });

  test("stay while a call is in them", async (context) => {
    const { session, dylib, call, objects } = await start(context);
    await session.replace(dylib, await version("1"));
    await call("begin_wait");
    for (const name of ["2", "3"]) await session.replace(dylib, await version(name));
    await until(async () => (await objects.collect()) === 0);
    // Only now, in the old code, is the stub of name() called: it leads to the new one.
    assert.equal(await call("end_wait"), "3".charCodeAt(0));
    assert.equal(await objects.collect(), 1);
  });

  test("stay when their code has taken the address of a function that has no stub, as the kernel may have it", async (context) => {
    const { session, dylib } = await sessionFor(context);
    const handler = async (value: number) => {
      const text = `#include <signal.h>
static volatile int got;
static void handle(int signal) { got += signal + ${value}; }
int install(void) { return signal(SIGUSR1, handle) == SIG_ERR; }
int get(void) { raise(SIGUSR1); return got; }
`;
      return readerOf(await compile(["gcc", "-O2"], "handler.c", text), "handler.o");
    };
    await session.addReplaceableObject(dylib, await handler(0));
    const found = await session.lookup(dylib, ["install", "get"]);
    const objects = await session.replaceableObjects(dylib);
    await session.replace(dylib, await handler(1000));
    assert.equal(await callInt(session, found.get("install")!), 0);
    for (const value of [2000, 3000]) await session.replace(dylib, await handler(value));
    assert.equal(await objects.collect(), 0);
    assert.equal(await callInt(session, found.get("get")!), 1010);
  });

  test("are not looked for in this process, and go when somebody says so", async (context) => {
    const { session, dylib, objects, count } = await start(context, "in this process");
    for (const name of ["1", "2", "3"]) await session.replace(dylib, await version(name));
    assert.equal(await objects.collect(), 0);
    assert.equal(await objects.collect({ unchecked: true }), 2);
    assert.equal(count(), 2);
  });

  test("are gone after 1,000 replacements while threads run in them", async (context) => {
    const { session, dylib, call, objects, count } = await start(context);
    const versions = [await version("a", 200), await version("b", 100)];
    await call("begin");
    await until(async () => (await call("get")) > 0);
    const { pid } = session.epc as unknown as { pid: number };
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
    let most = 0;
    let early = 0;
    for (let i = 0; i < 1000; i++) {
      await session.replace(dylib, versions[i % 2]!);
      most = Math.max(most, count());
      if (i === 99) early = memory();
    }
    assert.ok(memory() < early + 4096, `${early} KiB after 100, ${memory()} KiB after 1,000`);
    assert.ok(most < 100, `${most} jobs at a time`);
    assert.equal(await call("end"), 1);
    await objects.collect();
    assert.ok(count() < 8, `${count()} jobs are left`);
  });
});
