import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  type ArrayType,
  type MemberType,
  resolveSignature,
  resolveType,
  type StructType,
  type ValueType,
} from "slablink";
import { mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { Structs } from "./c-source.ts";
import { struct } from "./random-cases.ts";

/** Size, alignment and offsets of members, as the program prints them. */
const describe = (type: StructType) =>
  [type.size, type.alignment, ...type.members.map(({ offset }) => offset)].join(" ");

test("sizes and offsets of 300 structs are gcc's, from objects and from C text", async () => {
  const structs = new Structs();
  const shapes = fc.sample(struct, { seed: 7, numRuns: 300 });
  const printing = shapes.map((shape) => {
    const name = structs.name(shape);
    const offsets = Object.keys(shape.struct).map((member) => `offsetof(${name}, ${member})`);
    return `  printf("%d %d${" %d".repeat(offsets.length)}\\n", ${["sizeof", "_Alignof"].map((of) => `(int)${of}(${name})`).join(", ")}, ${offsets.map((offset) => `(int)${offset}`).join(", ")});`;
  });
  const source = `#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n${structs.text}int main(void) {\n${printing.join("\n")}\n}\n`;
  const path = join(freshDirectory(), "layouts");
  writeFileSync(`${path}.c`, source);
  await mustRun("gcc", [`${path}.c`, "-o", path]);
  const printed = (await mustRun(path, [])).trimEnd().split("\n");
  assert.equal(printed.length, shapes.length);
  let read = 0;
  shapes.forEach((shape, i) => {
    const type = resolveType(shape) as StructType;
    assert.equal(describe(type), printed[i], JSON.stringify(shape));
    // C text has no _Alignas here.
    if (JSON.stringify(shape).includes('"align"')) return;
    const unaligned = structs.text.replaceAll(/_Alignas\(16\) /g, "");
    const { parameters } = resolveSignature(`${unaligned} void f(${structs.name(shape)} value);`);
    assert.deepEqual(plain(parameters[0].type), plain(type), JSON.stringify(shape));
    read++;
  });
  assert.ok(read > 100);
});

test("every offset counts: arrays of arrays and structs in structs", () => {
  const shape: MemberType = {
    struct: {
      a: "int8",
      b: { array: { array: "int16", length: 3 }, length: 2 },
      c: { array: { struct: { x: "double", y: "int8" } }, length: 2 },
      d: "bool",
    },
  };
  assert.equal(describe(resolveType(shape) as StructType), "56 8 0 2 16 48");
});

/** Without identity: types that C text names are equal in kind. */
function plain(type: ValueType | ArrayType): unknown {
  if (type.kind === "struct")
    return { ...type, members: type.members.map((member) => [member.name, plain(member.type)]) };
  return type.kind === "array" ? { ...type, element: plain(type.element) } : type;
}
