import assert from "node:assert/strict";
import {
  ByteReader,
  type CallLayout,
  callLayout,
  ExecutionSession,
  InProcessExecutorProcessControl,
  InProcessMemoryMapper,
  type PointerContext,
  ProcessSymbolsGenerator,
  readingOpener,
  resolveSignature,
  SlabMemoryManager,
  shimName,
  writeCallObject,
} from "slablink";
import { koffi } from "../../src/host/koffi.ts";
import { compile } from "../support/compile.ts";
import { type CallCase, leaves, numbersIn, sourceOf } from "./c-source.ts";

/** Addresses are numbers in these tests. */
export const noPointers: PointerContext = {
  addressOf: () => assert.fail("a number needs no address"),
  readString: () => assert.fail("no string is read"),
};

/** Calls `void f(void *, void *)` and `void f(void)` in this process. */
export class NativeCalls {
  readonly #shim = koffi().proto("void", ["intptr_t", "intptr_t"]);
  readonly #plain = koffi().proto("void", []);

  shim(address: number, block: number, target: number): void {
    koffi().call(BigInt(address), this.#shim, block, target);
  }

  plain(address: number): void {
    koffi().call(BigInt(address), this.#plain);
  }
}

/** Memory for a call block, aligned to 16, with its address; filled so that nothing is zero by chance. */
export function blockOf(size: number): { bytes: Uint8Array; view: DataView; address: number } {
  const memory = new Uint8Array(size + 4096).fill(0xa5);
  const start = Number(koffi().address(memory));
  const skip = 16 - (start % 16);
  const bytes = memory.subarray(skip, skip + size);
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, size), address: start + skip };
}

/** Objects linked into this process; gives the addresses of names. */
export async function linkHere(
  objects: readonly (string | Uint8Array)[],
  names: readonly string[],
): Promise<{ session: ExecutionSession; addresses: ReadonlyMap<string, number> }> {
  const epc = new InProcessExecutorProcessControl();
  const memoryManager = new SlabMemoryManager(new InProcessMemoryMapper(epc), epc, { slabSize: 16 * 2 ** 20 });
  const session = new ExecutionSession({ epc, memoryManager, sharedMemory: true });
  const dylib = session.createJITDylib("main");
  for (const object of objects) {
    dylib.addObject(typeof object === "string" ? readingOpener.open(object) : ByteReader.of(object, "calls.o"));
  }
  dylib.addGenerator(new ProcessSymbolsGenerator());
  return { session, addresses: await session.lookup(dylib, [...names]) };
}

/**
 * Compiles all cases with one compiler and calls each both ways: JavaScript to C through a shim, C to JavaScript's place through a
 * thunk. Errors: AssertionError that names the case.
 */
export async function checkCases(cases: readonly CallCase[], compiler: readonly string[]): Promise<void> {
  const layouts = cases.map(({ types, result }) => callLayout(resolveSignature({ arguments: types, return: result })));
  const imports = layouts.map((layout, n) => ({ name: `import${n}`, layout, id: 0x1_0000_0000 + n }));
  const names = cases.flatMap((_, n) => [`f${n}`, `calls${n}`]);
  const data = ["text", "seen", "answer", "seenId", "seenSize", "answerSize", "misaligned"];
  const { session, addresses } = await linkHere(
    [await compile(compiler, "cases.c", sourceOf(cases)), writeCallObject(layouts, imports)],
    [...names, ...data, ...new Set(layouts.map(shimName))],
  );
  try {
    const address = (name: string): number => addresses.get(name)!;
    const dataAt = (name: string, size: number) => new DataView(koffi().view(address(name), size));
    const text = new Uint8Array(koffi().view(address("text"), 65536));
    const [seen, answer] = [dataAt("seen", 65536), dataAt("answer", 65536)];
    const numbers = new Map(data.slice(3).map((name) => [name, dataAt(name, 8)]));
    const numberAt = (name: string) => Number(numbers.get(name)!.getBigUint64(0, true));
    const native = new NativeCalls();
    const printed = () => new TextDecoder().decode(text.subarray(0, text.indexOf(0)));

    cases.forEach((one, n) => {
      const what = `case ${n}: ${JSON.stringify({ return: one.result, arguments: one.types })}`;
      const layout = layouts[n];
      text[0] = 0;
      const block = blockOf(layout.blockSize);
      layout.encodeArguments(one.values, block.view, 0, noPointers);
      native.shim(address(shimName(layout)), block.address, address(`f${n}`));
      const given = one.values.flatMap((value, i) => leaves(one.types[i], value));
      assert.deepEqual(numbersIn(printed(), given), given, `${what}: arguments in C`);
      assert.deepEqual(layout.decodeResult(block.view, 0, noPointers), one.resultValue, `${what}: result from C`);

      text[0] = 0;
      new Uint8Array(answer.buffer).fill(0x3c);
      layout.encodeResult(one.resultValue, answer, 0, noPointers);
      numbers.get("answerSize")!.setBigUint64(0, BigInt(layout.signature.result?.size ?? 0), true);
      native.plain(address(`calls${n}`));
      assert.equal(numberAt("seenId"), 0x1_0000_0000 + n, `${what}: id`);
      assert.equal(numberAt("seenSize"), layout.blockSize, `${what}: size`);
      assert.equal(numberAt("misaligned"), 0, `${what}: alignment of the block`);
      assert.deepEqual(layout.decodeArguments(seen, 0, noPointers), one.values, `${what}: arguments of the import`);
      const returned = one.resultValue === undefined ? [] : leaves(one.result as never, one.resultValue);
      assert.deepEqual(numbersIn(printed(), returned), returned, `${what}: result in C`);
    });
  } finally {
    await session.endSession();
  }
}

/** The layout of a signature object. */
export type { CallLayout };
