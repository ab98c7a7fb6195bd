import assert from "node:assert/strict";
import { test } from "node:test";
import { B, M, OURS, RawController, S } from "../executor/controller.ts";
import { compileImage, loadCode, SLAB } from "../executor/fixture.ts";
import {
  type ActionPair,
  giveUp,
  initializeMemory,
  openLibrary,
  RW,
  RX,
  reserveMemory,
  resolve,
  returnCode,
} from "../executor/requests.ts";
import { sps } from "../executor/sps.ts";
import { buildSanitizedExecutor } from "../fuzz/executors.ts";
import { has } from "../support/tools.ts";

const ROUNDS = 60;
const THREADS = 4;
const TAG = 0x4321;

/** A program whose threads call the controller, and its child processes try to, while the controller calls it. */
const SOURCE = `
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct result { union { char *pointer; char value[8]; } data; size_t size; };
typedef struct result dispatch(void *, const void *, const char *, size_t);
static dispatch *call_controller;
static void *context;
uint64_t fx_counter;

static int ask(void) {
  struct result result = call_controller(context, (void *)${TAG}, "0123456789", 10);
  int right = result.size == 10 && memcmp(result.data.pointer, "0123456789", 10) == 0;
  if (result.size == 0 || result.size > 8) free(result.data.pointer);
  return right;
}

struct result fx_wrapper(const char *arguments, size_t size) {
  struct result result = {.size = 1};
  result.data.value[0] = call_controller ? !ask() : 2;
  __atomic_fetch_add(&fx_counter, 1, __ATOMIC_RELAXED);
  return result;
}

static void *asker(void *unused) {
  for (int i = 0; i < ${ROUNDS}; i++) if (!ask()) return (void *)1;
  return 0;
}

int fx_main(int argc, char **argv) {
  context = (void *)strtoull(argv[1], 0, 16);
  __atomic_store_n(&call_controller, (dispatch *)strtoull(argv[0], 0, 16), __ATOMIC_RELEASE);
  pthread_t threads[${THREADS}];
  for (int i = 0; i < ${THREADS}; i++) pthread_create(&threads[i], 0, asker, 0);
  int wrong = 0, status;
  for (int i = 0; i < 10; i++) {
    pid_t child = fork();
    if (child == 0) _exit(ask() ? 1 : 3);
    waitpid(child, &status, 0);
    wrong += !WIFEXITED(status) || WEXITSTATUS(status) != 3;
  }
  for (int i = 0; i < ${THREADS}; i++) {
    void *failed;
    pthread_join(threads[i], &failed);
    wrong += failed != 0;
  }
  return wrong;
}
`;

/** Memory that comes and goes, with linked code among its actions. */
async function useMemory(controller: RawController, action: number): Promise<void> {
  const pair: ActionPair = {
    finalize: { fn: action, args: new Uint8Array(1) },
    deallocate: { fn: action, args: new Uint8Array(1) },
  };
  for (let i = 0; i < ROUNDS; i++) {
    const base = await reserveMemory(controller, 3 * 4096);
    const segments = [
      { group: RX, address: base, size: 6, content: returnCode(i) },
      { group: RW, address: base + 4096, size: 16, content: sps().u64(0).u64(0).bytes },
    ];
    const known = framesAndDebugObject(controller, base + 4096);
    const actions = i % 2 === 0 ? [pair, ...known] : known;
    const key = await initializeMemory(controller, segments, actions);
    const run = controller.call(`${B}run_as_void_function_wrapper`, sps().u64(base));
    await controller.call(
      `${B}mem_write_uint64s_wrapper`,
      sps()
        .u64(1)
        .u64(base + 4096)
        .u64(i),
    );
    await controller.call(
      `${B}mem_read_buffers_wrapper`,
      sps()
        .u64(1)
        .u64(base)
        .u64(base + 8192),
    );
    assert.equal((await run).i32(), i);
    await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
    await giveUp(controller, `${M}release_wrapper`, [base]);
  }
}

function framesAndDebugObject(controller: RawController, start: number): ActionPair[] {
  const args = sps()
    .u64(start)
    .u64(start + 16)
    .bytes.slice();
  const [register, deregister] = ["register", "deregister"].map((verb) =>
    controller.address(`llvm_orc_${verb}EHFrameAllocAction`),
  );
  const debug = sps()
    .u64(start)
    .u64(start + 16)
    .bool(true)
    .bytes.slice();
  return [
    { finalize: { fn: register, args }, deallocate: { fn: deregister, args } },
    { finalize: { fn: controller.address("llvm_orc_registerJITLoaderGDBAllocAction"), args: debug } },
  ];
}

async function callLinkedCode(controller: RawController, wrapper: number): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) {
    const answers = await Promise.all([1, 2, 3].map(() => controller.call(wrapper, sps().u64(i))));
    // 2: before main has said how to reach the controller.
    for (const answer of answers) assert.notEqual(answer.u8(), 1);
  }
}

async function askAround(controller: RawController, counter: number): Promise<void> {
  for (let i = 0; i < ROUNDS; i++) {
    await Promise.all([
      resolve(controller, 0, [{ name: "malloc", required: true }]),
      openLibrary(controller, i % 8 === 0 ? "libm.so.6" : ""),
      controller.call(`${B}mem_read_uint64s_wrapper`, sps().u64(1).u64(counter)),
      controller.call(`${OURS}trace_take`),
      controller.call(`${OURS}processor_time`),
    ]);
    const [base] = (await controller.call(`${S}Reserve`, sps().u64(0).u64(4096))).expected((r) => [
      r.u64(),
      r.string(),
    ]);
    await giveUp(controller, `${S}Release`, [base as number]);
  }
}

test("requests, calls in both directions, forks and main at once: ThreadSanitizer has nothing to say", async (t) => {
  if (!has(t, "libtsan.so")) return;
  const image = await compileImage(SOURCE, SLAB, ["-pthread"]);
  const env = { ...process.env, TSAN_OPTIONS: "exitcode=66" };
  const controller = RawController.spawn(["filedescs=3,3", "trace"], env, [], buildSanitizedExecutor("thread"));
  await controller.setup;
  // What it says of a request that fails.
  t.after(() => t.diagnostic(controller.stderr));
  // Batches of the trace get no result.
  controller.onCall = (tag, payload) => (tag === TAG ? payload : undefined);
  const addressOf = await loadCode(controller, image);
  const [main, wrapper, counter] = await Promise.all(["fx_main", "fx_wrapper", "fx_counter"].map(addressOf));
  const words = ["fn", "ctx"].map((name) =>
    controller.address(`__llvm_orc_SimpleRemoteEPC_dispatch_${name}`).toString(16),
  );
  const program = sps()
    .u64(main)
    .each(words, (out, word) => void out.sequence(word));
  const ran = controller.call(`${OURS}program_run`, program.u64(0).u64(0).bool(false).u64(0).u64(0));
  await Promise.all([
    useMemory(controller, wrapper),
    useMemory(controller, wrapper),
    callLinkedCode(controller, wrapper),
    askAround(controller, counter),
  ]);
  assert.equal(
    (await ran).expected((r) => r.i64()),
    0,
  );
  assert.deepEqual(await controller.close(), { status: 0, signal: null }, controller.stderr);
  assert.doesNotMatch(controller.stderr, /ThreadSanitizer/);
});
