import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { B, D, executorPath, M, OURS, RawController, S } from "./controller.ts";

const NAMES = [
  ...["fn", "ctx"].map((name) => `__llvm_orc_SimpleRemoteEPC_dispatch_${name}`),
  ...["Instance", "open_wrapper", "resolve_wrapper", "lookup_wrapper"].map((name) => D + name),
  ...["Instance", "reserve_wrapper", "initialize_wrapper", "deinitialize_wrapper", "release_wrapper"].map(
    (name) => M + name,
  ),
  ...["finalize_wrapper", "deallocate_wrapper"].map((name) => M + name),
  ...["Instance", "Reserve", "Initialize", "Deinitialize", "Release"].map((name) => S + name),
  ...["main", "void_function", "int_function"].map((name) => `${B}run_as_${name}_wrapper`),
  ...["uint8s", "uint16s", "uint32s", "uint64s", "pointers", "buffers"].flatMap((name) => [
    `${B}mem_write_${name}_wrapper`,
    `${B}mem_read_${name}_wrapper`,
  ]),
  `${B}mem_read_strings_wrapper`,
  ...["registerEHFrame", "deregisterEHFrame", "registerJITLoaderGDB"].map((name) => `llvm_orc_${name}AllocAction`),
  ...["registerEHFrameSection", "deregisterEHFrameSection", "registerJITLoaderGDB"].map(
    (name) => `llvm_orc_${name}Wrapper`,
  ),
  ...[
    "slab_reserve",
    "slab_release",
    "slab_template",
    "image_load",
    "image_unload",
    "resolve_ifuncs",
    "program_run",
    "processor_time",
    "memory_read",
    "memory_write",
  ].map((name) => OURS + name),
];

test("Setup names the machine and every wrapper once", async () => {
  const controller = await RawController.start();
  const setup = await controller.setup;
  assert.match(setup.triple, /^x86_64-.*-linux-gnu$/);
  assert.equal(setup.pageSize, 4096);
  assert.deepEqual(setup.map, []);
  assert.deepEqual(setup.symbols.map(([name]) => name).sort(), [...NAMES].sort());
  for (const [name, address] of setup.symbols) assert.ok(address > 0 && address < 2 ** 31, `${name} lies below 2 GiB`);
  assert.deepEqual(await controller.close(), { status: 0, signal: null });
});

test("descriptors of the executor's own are out of the program's way", async () => {
  const controller = await RawController.start();
  const folder = `/proc/${controller.process.pid}/fd`;
  const linkOf = (path: string): string | undefined => {
    try {
      return readlinkSync(path);
    } catch {
      return undefined;
    }
  };
  // What this process has inherited itself and passes on is not the executor's.
  const own = readdirSync(folder)
    .map(Number)
    .filter((fd) => fd > 2 && fd < 500 && linkOf(`${folder}/${fd}`) !== linkOf(`/proc/self/fd/${fd}`));
  assert.deepEqual(own, []);
  await controller.close();
});

test("arguments that are wrong end with status 2 and a sentence", () => {
  const cases: [string[], RegExp][] = [
    [[], /filedescs=IN,OUT is missing/],
    [["filedescs=3"], /filedescs=3, expected two descriptor numbers/],
    [["filedescs=a,b"], /expected two descriptor numbers/],
    [["filedescs=3,3x"], /expected two descriptor numbers/],
    [["filedescs=77,77"], /descriptor 77: Bad file descriptor/],
    [["filedescs=1,1", "parent=0"], /parent=0, expected a process id/],
    [["filedescs=1,1", "parent=99999999999999999999"], /expected a process id/],
    [["filedescs=1,1", "slab=x"], /slab=x, expected a descriptor number/],
    [["filedescs=1,1", "color=red"], /unknown argument color=red/],
  ];
  for (const [args, expected] of cases) {
    const { status, stderr } = spawnSync(executorPath, args, { encoding: "utf8" });
    assert.equal(status, 2, args.join(" "));
    assert.match(stderr, expected);
    assert.equal(stderr.trimEnd().split("\n").length, 1);
  }
});

test("a parent that is another process ends it at once", async () => {
  const controller = RawController.spawn(["filedescs=3,3", "parent=1"]);
  assert.equal((await controller.ended).status, 1);
  assert.match(controller.stderr, /process 1, the parent, has gone/);
});

test("Setup arrives within milliseconds of the spawn", async (t) => {
  const times: number[] = [];
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    const controller = await RawController.start();
    times.push(performance.now() - start);
    await controller.close();
  }
  times.sort((a, b) => a - b);
  t.diagnostic(`spawn to Setup: median ${times[5].toFixed(2)} ms, fastest ${times[0].toFixed(2)} ms`);
  assert.ok(times[0] < 500);
});
