import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { B, M, RawController, S } from "./controller.ts";
import {
  type ActionPair,
  giveUp,
  initializeMemory,
  initializeShared,
  RW,
  RX,
  reserveMemory,
  reserveSlab,
  returnCode,
  symbol,
} from "./requests.ts";
import { type SpsReader, sps } from "./sps.ts";

const runVoid = async (controller: RawController, address: number): Promise<number> =>
  (await controller.call(`${B}run_as_void_function_wrapper`, sps().u64(address))).i32();

const readBytes = async (controller: RawController, start: number, size: number): Promise<Uint8Array> => {
  const reader = await controller.call(
    `${B}mem_read_buffers_wrapper`,
    sps()
      .u64(1)
      .u64(start)
      .u64(start + size),
  );
  assert.equal(reader.u64(), 1);
  return reader.bytes();
};

/** Protection column of the mapping at `address` in the executor. */
function protectionAt(controller: RawController, address: number): string | undefined {
  for (const line of readFileSync(`/proc/${controller.process.pid}/maps`, "utf8").split("\n")) {
    const [, start, end, protection] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (start && Number.parseInt(start, 16) <= address && address < Number.parseInt(end, 16)) return protection;
  }
  return undefined;
}

test("contents that travel are copied, zero-filled, protected and run", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 3 * 4096);
  const key = await initializeMemory(controller, [
    { group: RX, address: base, size: 6, content: returnCode(42) },
    { group: RW, address: base + 4096, size: 100, content: Uint8Array.of(1, 2, 3) },
  ]);
  assert.equal(key, base);
  assert.equal(await runVoid(controller, base), 42);
  assert.deepEqual([...(await readBytes(controller, base + 4096, 5))], [1, 2, 3, 0, 0]);
  assert.equal(protectionAt(controller, base), "r-xp");
  assert.equal(protectionAt(controller, base + 4096), "rw-p");
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  await initializeMemory(controller, [{ group: RX, address: base, size: 6, content: returnCode(43) }]);
  assert.equal(await runVoid(controller, base), 43);
  await giveUp(controller, `${M}release_wrapper`, [base]);
  assert.equal(protectionAt(controller, base), undefined);
  await controller.close();
});

test("memory is writable and executable where that is asked for on purpose", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 4096);
  const key = await initializeMemory(controller, [{ group: 0x17, address: base, size: 6, content: returnCode(42) }]);
  assert.equal(protectionAt(controller, base), "rwxp");
  assert.equal(await runVoid(controller, base), 42);
  await controller.call(
    `${B}mem_write_uint8s_wrapper`,
    sps()
      .u64(1)
      .u64(base + 1)
      .u8(7),
  );
  assert.equal(await runVoid(controller, base), 7);
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  await controller.close();
});

test("run_as_int_function passes its argument and run_as_main its strings", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 4096);
  const code = Uint8Array.of(0x8d, 0x47, 0x05, 0xc3, 0x89, 0xf8, 0xc3); // lea eax, [rdi+5]; ret; mov eax, edi; ret
  await initializeMemory(controller, [{ group: RX, address: base, size: code.length, content: code }]);
  const int = await controller.call(`${B}run_as_int_function_wrapper`, sps().u64(base).u32(0xfffffff0));
  assert.equal(int.i32(), -11);
  const argv = sps()
    .u64(base + 4)
    .each(["a", "b", "c"], (w, text) => void w.sequence(text));
  assert.equal((await controller.call(`${B}run_as_main_wrapper`, argv)).i64(), 3);
  const none = sps()
    .u64(base + 4)
    .u64(0);
  assert.equal((await controller.call(`${B}run_as_main_wrapper`, none)).i64(), 0);
  await controller.close();
});

test("requests outside a reservation, overlapping, or writable and executable are refused whole", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 2 * 4096);
  const stack = await symbol(controller, "environ");
  const cases: [string, { group: number; address: number; size: number; content?: Uint8Array }[], RegExp][] = [
    ["outside", [{ group: RW, address: stack, size: 8 }], /is not inside a reservation/],
    ["across the end", [{ group: RW, address: base + 4096, size: 4097 }], /is not inside a reservation/],
    ["around the address space", [{ group: RW, address: base, size: -4096 }], /is not inside a reservation/],
    [
      "second one outside",
      [
        { group: RW, address: base, size: 8 },
        { group: RW, address: base + 8192, size: 8 },
      ],
      /is not inside the reservation/,
    ],
    [
      "writable and executable",
      [{ group: 7, address: base, size: 8 }],
      /not writable and executable at once without bit 0x10/,
    ],
    ["writable code that is not both", [{ group: 0x15, address: base, size: 8 }], /bit 0x10 is for memory that is/],
    ["unknown group bits", [{ group: 0x81, address: base, size: 8 }], /allocation group 0x81/],
    [
      "shared data that is not writable",
      [{ group: 0x21, address: base, size: 8 }],
      /bit 0x20 is for memory that is writable/,
    ],
    [
      "shared code",
      [{ group: 0x37, address: base, size: 8 }],
      /bit 0x20 is for memory that is writable and not executable/,
    ],
    [
      "shared data without a file",
      [{ group: 0x23, address: base, size: 8 }],
      /bit 0x20 is for slabs that have a backing file/,
    ],
    [
      "too much content",
      [{ group: RW, address: base, size: 2, content: new Uint8Array(3) }],
      /3 bytes of contents for a size of 2/,
    ],
    [
      "two in one page",
      [
        { group: RW, address: base, size: 8 },
        { group: RX, address: base + 64, size: 8 },
      ],
      /overlaps \[0x/,
    ],
  ];
  for (const [name, segments, expected] of cases) {
    await assert.rejects(initializeMemory(controller, segments), expected, name);
  }
  const key = await initializeMemory(controller, [{ group: RW, address: base, size: 8192 }]);
  await assert.rejects(
    initializeMemory(controller, [{ group: RW, address: base + 4096, size: 8 }]),
    /is finalized already/,
  );
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  await assert.rejects(giveUp(controller, `${M}deinitialize_wrapper`, [key]), /nothing is finalized under the key/);
  await assert.rejects(giveUp(controller, `${S}Release`, [base]), /no shared memory reservation at/);
  await giveUp(controller, `${M}release_wrapper`, [base]);
  await assert.rejects(giveUp(controller, `${M}release_wrapper`, [base]), /no memory manager reservation at/);
  await assert.rejects(reserveMemory(controller, 2 ** 50), /Cannot allocate memory/);
  await assert.rejects(
    async () => (await controller.call(`${M}reserve_wrapper`, sps().u64(5).u64(4096))).expected((r) => r.u64()),
    /instance 0x5, expected/,
  );
  await controller.close();
});

/** Calls of `mem_write`-like effect are not actions; a registered frame section is the built-in one there is. */
test("actions run in order, are undone in reverse on failure, and again when memory is given up", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 4 * 4096);
  // An action in linked code: appends its argument byte to a log, answers Error::success() or an error.
  //   movzx eax, byte [rdi]; mov rcx, log; mov rdx, [rcx]; mov [rcx+rdx+8], al; inc qword [rcx]; xor eax,eax; mov edx,1; ret
  const log = base + 8192;
  const action = sps()
    .raw(Uint8Array.of(0x0f, 0xb6, 0x07, 0x48, 0xb9))
    .u64(log)
    .raw(Uint8Array.of(0x48, 0x8b, 0x11, 0x88, 0x44, 0x11, 0x08, 0x48, 0xff, 0x01, 0x31, 0xc0, 0xba, 1, 0, 0, 0, 0xc3))
    .bytes.slice();
  //   xor eax, eax; xor edx, edx; ret: an empty result, which is no Error
  const failing = Uint8Array.of(0x31, 0xc0, 0x31, 0xd2, 0xc3);
  await initializeMemory(controller, [
    { group: RX, address: base, size: action.length, content: action },
    { group: RX, address: base + 4096, size: failing.length, content: failing },
    { group: RW, address: log, size: 4096 },
  ]);
  const pair = (letter: string): ActionPair => ({
    finalize: { fn: base, args: new TextEncoder().encode(letter) },
    deallocate: { fn: base, args: new TextEncoder().encode(letter.toUpperCase()) },
  });
  const written = async (): Promise<string> => {
    const bytes = await readBytes(controller, log, 64);
    return new TextDecoder().decode(bytes.subarray(8, 8 + bytes[0]));
  };
  const segment = { group: RW, address: base + 3 * 4096, size: 16 };
  const bad: ActionPair = { finalize: { fn: base + 4096, args: new Uint8Array() } };
  await assert.rejects(
    initializeMemory(controller, [segment], [pair("a"), pair("b"), bad, pair("c")]),
    /answered 0 bytes that are no Error/,
  );
  assert.equal(await written(), "abBA");
  const nowhere: ActionPair = { finalize: { fn: 16, args: new Uint8Array() } };
  await assert.rejects(initializeMemory(controller, [segment], [nowhere]), /allocation action at 0x10: no code there/);
  const key = await initializeMemory(
    controller,
    [segment],
    [pair("d"), { deallocate: pair("e").deallocate }, pair("f")],
  );
  assert.equal(await written(), "abBAdf");
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  assert.equal(await written(), "abBAdfFED");
  await controller.close();
});

test("memory can be read and written by every width, and wrong addresses are survived", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 3 * 4096);
  await initializeMemory(controller, [
    { group: RW, address: base, size: 4096 },
    { group: 1, address: base + 4096, size: 4096 },
  ]);
  await giveUp(controller, `${M}deinitialize_wrapper`, []);
  const write = (name: string, args: ReturnType<typeof sps>): Promise<SpsReader> =>
    controller.call(`${B}mem_write_${name}_wrapper`, args);
  const read = (name: string, ...addresses: number[]): Promise<SpsReader> =>
    controller.call(
      `${B}mem_read_${name}_wrapper`,
      sps().each(addresses, (w, a) => void w.u64(a)),
    );
  await write(
    "uint8s",
    sps()
      .u64(2)
      .u64(base)
      .u8(0x11)
      .u64(base + 1)
      .u8(0x22),
  );
  await write(
    "uint16s",
    sps()
      .u64(1)
      .u64(base + 2)
      .u16(0x4433),
  );
  await write(
    "uint32s",
    sps()
      .u64(1)
      .u64(base + 4)
      .u32(0x88776655),
  );
  await write(
    "uint64s",
    sps()
      .u64(1)
      .u64(base + 9)
      .u64(0x1122334455667),
  );
  await write(
    "pointers",
    sps()
      .u64(1)
      .u64(base + 24)
      .u64(base),
  );
  await write(
    "buffers",
    sps()
      .u64(1)
      .u64(base + 32)
      .sequence("text\0more\0"),
  );
  assert.deepEqual([...(await readBytes(controller, base, 9))], [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0]);
  const bytes = await read("uint8s", base, base + 1);
  assert.deepEqual([bytes.u64(), bytes.u8(), bytes.u8(), bytes.rest], [2, 0x11, 0x22, 0]);
  const halves = await read("uint16s", base + 2);
  assert.deepEqual([halves.u64(), halves.u8(), halves.u8(), halves.rest], [1, 0x33, 0x44, 0]);
  const words = await read("uint32s", base + 4);
  assert.deepEqual([words.u64(), words.i32(), words.rest], [1, 0x88776655 | 0, 0]);
  const longs = await read("uint64s", base + 9);
  assert.deepEqual([longs.u64(), longs.u64(), longs.rest], [1, 0x1122334455667, 0]);
  const pointers = await read("pointers", base + 24);
  assert.deepEqual([pointers.u64(), pointers.u64(), pointers.rest], [1, base, 0]);
  const strings = await read("strings", base + 32, base + 37, base + 36);
  assert.deepEqual(
    [strings.u64(), strings.string(), strings.string(), strings.string(), strings.rest],
    [3, "text", "more", "", 0],
  );

  assert.equal(
    (
      await write(
        "uint8s",
        sps()
          .u64(1)
          .u64(base + 4096)
          .u8(1),
      )
    ).rest,
    0,
  );
  assert.equal(
    (
      await write(
        "buffers",
        sps()
          .u64(1)
          .u64(base + 4090)
          .sequence("beyond the page"),
      )
    ).rest,
    0,
  );
  assert.equal((await write("pointers", sps().u64(1).u64(0).u64(1))).rest, 0);
  assert.equal((await read("uint64s", 8)).rest, 0);
  assert.equal((await read("strings", -1)).rest, 0);
  const wide = await controller.call(
    `${B}mem_read_buffers_wrapper`,
    sps()
      .u64(1)
      .u64(base)
      .u64(base + 2 ** 40),
  );
  assert.equal(wide.rest, 0);
  assert.equal((await readBytes(controller, base + 4096, 1))[0], 0);
  const environ = await read("pointers", await symbol(controller, "environ"));
  assert.equal(environ.u64(), 1);
  assert.notEqual(environ.u64(), 0);
  await controller.close();
  assert.equal(controller.stderr.match(/cannot be written/g)?.length, 3);
  assert.equal(controller.stderr.match(/cannot be read/g)?.length, 3);
});

test("frame sections are checked before the unwinder sees them", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 2 * 4096);
  const cie = [1, 0x7a, 0x52, 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0];
  const section = sps().u32(20).u32(0).raw(Uint8Array.from(cie)).u32(0).bytes.slice();
  await initializeMemory(controller, [{ group: RW, address: base, size: 4096, content: section }]);
  const register = controller.address("llvm_orc_registerEHFrameAllocAction");
  const deregister = controller.address("llvm_orc_deregisterEHFrameAllocAction");
  const call = async (fn: number, start: number, end: number): Promise<void> =>
    (await controller.call(fn, sps().u64(start).u64(end))).success();
  await assert.rejects(call(register, base, base + 24), /do not end in a zero word/);
  await assert.rejects(call(register, base, base + 20), /frame record of 20 bytes at .*, but the section has 16 left/);
  await assert.rejects(call(register, base + 4096, base + 4128), /not in linked, readable memory/);
  await assert.rejects(call(deregister, base, base + 28), /no frames are registered at/);
  await call(register, base, base + 28);
  await assert.rejects(call(register, base, base + 28), /are registered already/);
  await call(deregister, base, base + 28);
  const range = sps()
    .u64(base + 4096)
    .u64(base + 4096 + section.length)
    .bytes.slice();
  const key = await initializeMemory(
    controller,
    [{ group: 1, address: base + 4096, size: section.length, content: section }],
    [{ finalize: { fn: register, args: range }, deallocate: { fn: deregister, args: range } }],
  );
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  await assert.rejects(call(deregister, base + 4096, base + 4128), /no frames are registered at/);
  // Memory that goes away takes its registration along.
  await call(register, base, base + 28);
  await giveUp(controller, `${M}release_wrapper`, [base]);
  await assert.rejects(call(deregister, base, base + 28), /no frames are registered at/);
  await controller.close();
});

test("debug objects are listed for the debugger while their memory is there", async () => {
  const controller = await RawController.start();
  const base = await reserveMemory(controller, 4096);
  const key = await initializeMemory(controller, [{ group: 1, address: base, size: 64 }]);
  const register = "llvm_orc_registerJITLoaderGDBAllocAction";
  const descriptor = await symbol(controller, "__jit_debug_descriptor");
  const first = async (): Promise<number> => {
    const reader = await controller.call(
      `${B}mem_read_pointers_wrapper`,
      sps()
        .u64(1)
        .u64(descriptor + 16),
    );
    reader.u64();
    return reader.u64();
  };
  assert.equal(await first(), 0);
  (
    await controller.call(
      register,
      sps()
        .u64(base)
        .u64(base + 64)
        .bool(true),
    )
  ).success();
  const entry = await controller.call(
    `${B}mem_read_uint64s_wrapper`,
    sps()
      .u64(2)
      .u64((await first()) + 16)
      .u64((await first()) + 24),
  );
  assert.deepEqual([entry.u64(), entry.u64(), entry.u64()], [2, base, 64]);
  await assert.rejects(
    async () => (await controller.call(register, sps().u64(16).u64(64).bool(false))).success(),
    /not in linked, readable memory/,
  );
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  assert.equal(await first(), 0);
  await controller.close();
});

test("a private slab is inaccessible until it is initialized, and again afterwards", async () => {
  const controller = await RawController.start();
  const base = await reserveSlab(controller, 0, 16 * 4096);
  assert.equal(protectionAt(controller, base), "---p");
  const segments = [
    { group: RX, address: base + 4096, size: 6, content: returnCode(7) },
    { group: RW, address: base + 3 * 4096, size: 5000, content: Uint8Array.of(9) },
  ];
  const key = await initializeMemory(controller, segments);
  assert.equal(await runVoid(controller, base + 4096), 7);
  await assert.rejects(
    initializeShared(controller, base, [{ group: RX, address: base, size: 1 }]),
    /has no backing file/,
  );
  await assert.rejects(giveUp(controller, `${M}release_wrapper`, [base]), /no memory manager reservation/);
  await giveUp(controller, `${M}deinitialize_wrapper`, [key]);
  assert.equal(protectionAt(controller, base + 4096), "---p");
  assert.equal(protectionAt(controller, base + 3 * 4096), "---p");
  await controller.close();
});
