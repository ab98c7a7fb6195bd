import assert from "node:assert/strict";
import { test } from "node:test";
import { Slablink } from "../../src/epc/dialect.ts";
import { launchExecutor } from "../../src/epc/launch.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { isAlive, launch, launchBlocking, launchLlvm, withoutLlvm } from "./executors.ts";

const kinds = [
  ["slablink's executor", () => launch(), false],
  ["slablink's executor, waited for by this thread", launchBlocking, false],
  ["LLVM's executor", launchLlvm, withoutLlvm],
] as const;

for (const [name, start, skip] of kinds) {
  test(`${name}: symbols of the process and of a library, in one request each`, { skip }, async () => {
    const epc = await start();
    try {
      assert.equal(epc.pageSize, 4096);
      const handle = await epc.openLibrary("");
      assert.equal(handle, 0);
      await epc.resolve(handle, ["malloc"]);
      const before = epc.counters.requests;
      const [puts, absent, free] = await epc.resolve(handle, ["puts", "no_such_symbol_here", "free"]);
      assert.equal(epc.counters.requests - before, 1);
      assert.ok(puts > 0 && free > 0);
      assert.equal(absent, 0);
      const libm = await epc.openLibrary("libm.so.6");
      assert.ok((await epc.resolve(libm, ["cos"]))[0] > 0);
      await assert.rejects(epc.openLibrary("/no/such/library.so"), /\/no\/such\/library\.so/);
    } finally {
      await epc.disconnect();
    }
    assert.equal(isAlive(epc.pid as number), false);
    assert.deepEqual(await epc.ended, { status: 0 });
  });

  test(`${name}: many calls outstanding at once`, { skip }, async () => {
    const epc = await start();
    try {
      const names = ["puts", "free", "qsort", "exit"];
      const expected = await epc.resolve(0, names);
      const all = await Promise.all(Array.from({ length: 500 }, (_, i) => epc.resolve(0, [names[i % 4]])));
      all.forEach(([address], i) => {
        assert.equal(address, expected[i % 4]);
      });
    } finally {
      await epc.disconnect();
    }
  });

  test(`${name}: killed while a call is pending`, { skip }, async () => {
    const epc = await start();
    const [pause] = await epc.resolve(0, ["pause"]);
    const call = epc.callWrapper("__llvm_orc_bootstrap_run_as_void_function_wrapper", new SpsWriter().u64(pause).bytes);
    process.kill(epc.pid as number, "SIGKILL");
    await assert.rejects(call, { code: "executor", message: /the executor was killed by SIGKILL/ });
    assert.deepEqual(await epc.ended, { signal: "SIGKILL" });
    await epc.disconnect();
  });

  test(`${name}: disconnect ends an executor that is busy`, { skip }, async () => {
    const epc = await start();
    const [pause] = await epc.resolve(0, ["pause"]);
    const call = epc.callWrapper("__llvm_orc_bootstrap_run_as_void_function_wrapper", new SpsWriter().u64(pause).bytes);
    const failed = assert.rejects(call, { code: "executor" });
    await epc.disconnect();
    await failed;
    assert.equal(isAlive(epc.pid as number), false);
  });
}

test("an executor that exits by itself says its status", async () => {
  const epc = await launch();
  const [exit] = await epc.resolve(0, ["_exit"]);
  const argument = new SpsWriter().u64(exit).u32(7).bytes;
  const call = epc.callWrapper("__llvm_orc_bootstrap_run_as_int_function_wrapper", argument);
  await assert.rejects(call, /the executor ended with exit status 7/);
});

test("a program that ends by exit() or by a signal is reported as its end", async () => {
  const program = { argv: ["p"], initFunctions: [], initArrays: [], finiArrays: [], finiFunctions: [], dsoHandle: 0 };
  const run = async (name: string, start: typeof launchBlocking) => {
    const epc = await start();
    const [main] = await epc.resolve(0, [name]);
    const end = await epc.runProgram({ ...program, main });
    await epc.disconnect();
    assert.equal(isAlive(epc.pid as number), false);
    return end;
  };
  // Called as main(1, argv, envp): exit(1), and abort().
  for (const start of [() => launch(), launchBlocking]) {
    assert.deepEqual(await run("exit", start), { status: 1 });
    assert.deepEqual(await run("abort", start), { signal: "SIGABRT" });
  }
});

test("processor time of the executor", async () => {
  const epc = await launch();
  const reader = new SpsReader(await epc.callWrapper(Slablink.processorTime, new Uint8Array(0)), "time");
  assert.ok(reader.u64("user") + reader.u64("system") > 0);
  assert.equal(reader.remaining, 0);
  await epc.disconnect();
});

for (const blocking of [false, true]) {
  const how = blocking ? "this thread" : "the event loop";
  test(`what is no executor, by ${how}: a missing file, a file that cannot run, a program that just ends`, async () => {
    await assert.rejects(launchExecutor({ path: "/no/such/executor", blocking }), {
      code: "executor",
      message: "/no/such/executor: cannot start the executor: No such file or directory",
    });
    await assert.rejects(launchExecutor({ path: "/etc/passwd", blocking }), /\/etc\/passwd: cannot start the executor/);
    await assert.rejects(launchExecutor({ path: "/bin/false", blocking }), /the executor ended with exit status 1/);
    const silent = launchExecutor({ path: "/bin/sleep", llvm: true, blocking, setupLimit: 50 });
    await assert.rejects(silent, /the executor ended with exit status 1|no Setup message within 50 ms/);
  });
}
