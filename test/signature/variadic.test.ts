import assert from "node:assert/strict";
import { test } from "node:test";
import {
  callLayout,
  type PointerContext,
  resolveSignature,
  shimName,
  splitVariableArguments,
  writeCallObject,
} from "slablink";
import { koffi } from "../../src/host/koffi.ts";
import { compile } from "../support/compile.ts";
import { blockOf, linkHere, NativeCalls } from "./linked-cases.ts";

const source = `
#include <stdarg.h>
#include <stdio.h>
int format(char *out, size_t size, const char *how, ...) {
  va_list list;
  va_start(list, how);
  int length = vsnprintf(out, size, how, list);
  va_end(list);
  return length;
}
`;

const cases: readonly [how: string, values: readonly unknown[], text: string][] = [
  ["nothing", [], "nothing"],
  ["%d %d", [1, -2], "1 -2"],
  ["%f %g", [0.5, ["double", 2]], "0.500000 2"],
  ["%s|%s", ["text", ""], "text|"],
  ["%ld %lu %lx", [-(2n ** 63n), 2n ** 64n - 1n, 2 ** 40], "-9223372036854775808 18446744073709551615 10000000000"],
  [
    "%d %d %d",
    [
      ["int8", -5],
      ["uint8", 250],
      ["int16", -300],
    ],
    "-5 250 -300",
  ],
  ["%d %d", [true, ["bool", false]], "1 0"],
  ["%.3f", [["float", 0.1]], "0.100"],
  ["%p", [0x1234n], "0x1234"],
  // Three are in registers, the rest on the stack, bytes among them.
  ["%d %d %d %d %d %d", [1, 2, 3, 4, ["int8", -5], ["int16", -6]], "1 2 3 4 -5 -6"],
  [
    "%g %g %g %g %g %g %g %g %g %g",
    [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5],
    "0.5 1.5 2.5 3.5 4.5 5.5 6.5 7.5 8.5 9.5",
  ],
  ["%d %g %s %ld %g %d %s", [1, 2.5, "three", 4n, 5.5, 6, "seven"], "1 2.5 three 4 5.5 6 seven"],
];

test("variable arguments arrive as C's default promotions make them", async () => {
  const signature = resolveSignature("int format(char *out, size_t size, const char *how, ...)");
  const split = cases.map(([how, values]) => splitVariableArguments(signature, [0, 4096, how, ...values]));
  const layouts = split.map(({ variable }) => callLayout(signature, variable));
  const { session, addresses } = await linkHere(
    [await compile(["gcc", "-O1", "-fPIE"], "format.c", source), writeCallObject(layouts)],
    ["format", ...layouts.map(shimName)],
  );
  try {
    const native = new NativeCalls();
    const out = blockOf(4096);
    const strings: Uint8Array[] = [];
    const pointers: PointerContext = {
      addressOf(value) {
        const bytes = Buffer.alloc(4096, `${value}\0`);
        strings.push(bytes);
        return Number(koffi().address(bytes));
      },
      readString: () => assert.fail("no string comes back"),
    };
    cases.forEach(([how, , text], i) => {
      const block = blockOf(layouts[i].blockSize);
      layouts[i].encodeArguments([out.address, ...split[i].values.slice(1)], block.view, 0, pointers);
      native.shim(addresses.get(shimName(layouts[i]))!, block.address, addresses.get("format")!);
      assert.equal(layouts[i].decodeResult(block.view, 0, pointers), text.length, how);
      assert.equal(Buffer.from(out.bytes).toString("latin1", 0, text.length + 1), `${text}\0`, how);
    });
  } finally {
    await session.endSession();
  }
});

test("an import cannot be variadic", () => {
  const layout = callLayout(resolveSignature("int log(const char *, ...)"));
  assert.throws(() => writeCallObject([], [{ name: "log", layout, id: 1 }]), {
    name: "TypeError",
    message: /^log is variadic/,
  });
});
