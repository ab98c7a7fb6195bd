// An executor's protocol version is found in what it announces: fakes of each version, and of none.

import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { takesOurArguments } from "../../src/epc/executor-file.ts";
import { Opcode } from "../../src/epc/frame.ts";
import { protocolVersionOf } from "../../src/epc/protocol-versions.ts";
import { RemoteExecutorProcessControl } from "../../src/epc/remote.ts";
import { decodeSetup, type Setup } from "../../src/epc/setup.ts";
import { SpsReader } from "../../src/epc/sps-reader.ts";
import { SpsWriter } from "../../src/epc/sps-writer.ts";
import { freshDirectory } from "../support/workspace.ts";
import { executorPath, llvmExecutorPath, withoutLlvm } from "./executors.ts";
import { FakeExecutor } from "./fake-executor.ts";

const MANAGER = "__llvm_orc_SimpleExecutorDylibManager_";
const INSTANCE = 0x7000;
const OPEN = 0x1000;
const QUERY = 0x2000;
const HANDLE = 0x5555_0000;
const START = 0x3000;

/** What executors of each version announce, and how they ask and answer for one symbol; as EPC-PROTOCOL, section 8, was measured. */
const versions = [
  {
    name: "14 to 16",
    hasValues: false,
    query: "lookup_wrapper",
    takesInstance: true,
    found: (out: SpsWriter) => out.u64(START),
  },
  {
    name: "17 to 21",
    hasValues: true,
    query: "lookup_wrapper",
    takesInstance: true,
    found: (out: SpsWriter) => out.u64(START).u8(0x10).u8(0),
  },
  {
    name: "22",
    hasValues: true,
    query: "resolve_wrapper",
    takesInstance: false,
    found: (out: SpsWriter) => out.bool(true).u64(START).u8(0x10).u8(0),
  },
];

function setupOf(hasValues: boolean, names: Record<string, number>): Uint8Array {
  const out = new SpsWriter().string("x86_64-pc-linux-gnu").u64(4096);
  if (hasValues) out.u64(0);
  return out.sequence(Object.entries(names), ([name, address]) => out.string(name).u64(address)).bytes;
}

for (const { name, hasValues, query, takesInstance, found } of versions) {
  const names = { [`${MANAGER}Instance`]: INSTANCE, [`${MANAGER}open_wrapper`]: OPEN, [`${MANAGER}${query}`]: QUERY };

  test(`an executor like LLVM ${name} is asked in its own way, and has slablink's services from then on`, async () => {
    const executor = new FakeExecutor();
    const services = { path: "/a/library.so", words: ["parent=7", "stream=3"] };
    const connecting = RemoteExecutorProcessControl.connect(executor.stream, { services });
    connecting.catch(() => {}); // awaited below
    executor.send(Opcode.setup, 0, 0, setupOf(hasValues, names));

    const [open] = await executor.frames(1);
    assert.equal(open!.tag, OPEN);
    const opened = new SpsReader(open!.payload, "open");
    assert.deepEqual(
      [opened.u64("instance"), opened.string("path"), opened.u64("mode")],
      [INSTANCE, "/a/library.so", 0],
    );
    executor.send(Opcode.result, open!.sequence, 0, new SpsWriter().bool(true).u64(HANDLE).bytes);

    const [, asked] = await executor.frames(2);
    assert.equal(asked!.tag, QUERY);
    const reader = new SpsReader(asked!.payload, "query");
    if (takesInstance) assert.equal(reader.u64("instance"), INSTANCE);
    assert.equal(reader.u64("handle"), HANDLE);
    assert.deepEqual(
      reader.sequence("names", 9, (each) => [each.string("name"), each.bool("required")]),
      [["__slablink_services_start", false]],
    );
    assert.equal(reader.remaining, 0);
    executor.send(Opcode.result, asked!.sequence, 0, found(new SpsWriter().bool(true).u64(1)).bytes);

    const [, , start] = await executor.frames(3);
    assert.equal(start!.tag, START);
    const words = new SpsReader(start!.payload, "start").sequence("words", 8, (each) => each.string("word"));
    assert.deepEqual(words, services.words);
    const answer = new SpsWriter().bool(true).u64(1).string("__slablink_slab_reserve").u64(0x9000);
    executor.send(Opcode.result, start!.sequence, 0, answer.u64(2).string("").string("/lib/libz.so.1").bytes);

    const epc = await connecting;
    assert.ok(epc.isSlablink);
    assert.equal(epc.bootstrap.get("__slablink_slab_reserve"), 0x9000);
    assert.ok(epc.loadedLibraries?.has("libz.so.1"));
    await epc.disconnect();
  });

  test(`an executor like LLVM ${name} that cannot load the library, or whose library is another, is refused with the reason`, async () => {
    const refusals = [
      {
        results: [new SpsWriter().bool(false).string("no such file")],
        message: "loading slablink's services: no such file",
      },
      {
        results: [new SpsWriter().bool(true).u64(HANDLE), absent(name)],
        message:
          name === "22"
            ? "/a/library.so has no __slablink_services_start"
            : "looking up slablink's services: not there",
      },
    ];
    for (const { results, message } of refusals) {
      const executor = new FakeExecutor();
      const connecting = RemoteExecutorProcessControl.connect(executor.stream, {
        services: { path: "/a/library.so", words: [] },
      });
      const refused = assert.rejects(connecting, { code: "executor", message });
      executor.send(Opcode.setup, 0, 0, setupOf(hasValues, names));
      for (let i = 0; i < results.length; i++) {
        const frames = await executor.frames(i + 1);
        executor.send(Opcode.result, frames[i]!.sequence, 0, results[i]!.bytes);
      }
      await refused;
    }
  });

  test(`the Setup of LLVM ${name} is read in its form alone`, () => {
    const setup = decodeSetup(setupOf(hasValues, names));
    assert.equal(setup.hasValues, hasValues);
    assert.deepEqual([...setup.symbols], Object.entries(names));
    assert.equal(protocolVersionOf(setup).versions, name);
    // The right names in the other form are those of no version, or of another one.
    if (name !== "17 to 21") {
      const other = { ...setup, hasValues: !hasValues };
      if (name === "22") assert.throws(() => protocolVersionOf(other), /lacks a map of values/);
      else assert.equal(protocolVersionOf(other).versions, "17 to 21");
    }
  });
}

/** The answer for a name that is not there. */
function absent(version: string): SpsWriter {
  if (version === "22") return new SpsWriter().bool(true).u64(1).bool(false);
  return new SpsWriter().bool(false).string("not there");
}

test("an executor of no known version is refused with what it announces and what is known", () => {
  const setup = (names: readonly string[], hasValues = true): Setup => {
    return {
      triple: "t",
      pageSize: 4096,
      hasValues,
      values: new Map(),
      symbols: new Map(names.map((name, i) => [name, i + 1])),
    };
  };
  const known = "known are slablink's own executor and those of LLVM 14 to 16, 17 to 21, 22";
  const renamed = [
    "orc_rt_ci_sps_NativeDylibManager_load",
    "orc_rt_ci_sps_NativeDylibManager_lookup",
    "orc_rt_ci_x",
    "orc_rt_ci_y",
  ];
  const refusals: [Setup, string][] = [
    [setup([]), "has a map of values and announces no names"],
    [setup(["something"], false), "lacks a map of values and announces 1 name: something"],
    [
      setup(renamed),
      "has a map of values and announces 4 names, among them orc_rt_ci_sps_NativeDylibManager_load, orc_rt_ci_sps_NativeDylibManager_lookup",
    ],
  ];
  for (const [seen, words] of refusals) {
    assert.throws(() => protocolVersionOf(seen), {
      code: "executor",
      message: `the executor speaks no protocol that is known here: its Setup message ${words}; ${known}`,
    });
  }
});

test("a Setup that is garbage in both forms is refused as in the newer one", () => {
  const start = (): SpsWriter => new SpsWriter().string("t").u64(4096);
  assert.throws(() => decodeSetup(start().u64(1).string("name").bytes), /bootstrap map|bootstrap value/);
  assert.throws(() => decodeSetup(start().u64(2).string("a").u64(1).string("a").u64(2).bytes), /bootstrap/);
  assert.throws(() => decodeSetup(start().u64(0).u64(1).bytes), /bootstrap symbols/);
});

test("slablink's executor is known by its note, others by their lack of it, scripts by their text", {
  skip: withoutLlvm,
}, () => {
  assert.equal(takesOurArguments(executorPath), true);
  assert.equal(takesOurArguments(llvmExecutorPath), false);
  assert.equal(takesOurArguments("/bin/true"), false);
  assert.equal(takesOurArguments("/no/such/file"), true);
  const script = join(freshDirectory(), "script");
  for (const [text, ours] of [
    ["exec slablink-executor", true],
    ["exec llvm-jitlink-executor", false],
  ] as const) {
    writeFileSync(script, `#!/bin/sh\n${text} "$@"\n`);
    chmodSync(script, 0o755);
    assert.equal(takesOurArguments(script), ours);
  }
});
