import assert from "node:assert/strict";
import { test } from "node:test";
import { SHN_XINDEX } from "../../src/formats/elf/constants.ts";
import { linkPlainly } from "../link/plain-job.ts";
import { compile } from "../support/compile.ts";
import { has } from "../support/tools.ts";
import { EditableObject, Shdr } from "./editable-object.ts";

/** More sections than 16-bit indices can tell apart (SHN_LORESERVE is 65 280). */
const COUNT = 65_400;

for (const compiler of ["gcc", "clang-22"]) {
  test(`an object of ${COUNT} sections: ${compiler}`, async (t) => {
    if (!has(t, compiler)) return;
    const lines = Array.from(
      { length: COUNT },
      (_, i) => `.section .t.${i},"ax"\n.globl f${i}\nf${i}: .byte ${i & 255}, ${i >> 8}\n`,
    );
    lines.push(`.data\n.globl table\ntable: .quad f0, f65000, f${COUNT - 1}\n`);
    const path = await compile([compiler], "many.s", lines.join(""));
    const o = EditableObject.read(path);
    // The numbers of sections and the index of the names are in section 0.
    assert.equal(o.bytes.readUInt16LE(60), 0);
    assert.ok(o.u64(o.sectionTable + Shdr.size) > COUNT);
    assert.equal(o.bytes.readUInt16LE(62), compiler === "gcc" ? SHN_XINDEX : 1);
    const job = await linkPlainly([path]);
    for (const i of [0, 1, 65_000, 65_279, 65_280, 65_281, 65_300, COUNT - 1]) {
      assert.deepEqual([...job.bytesAt(job.address(`f${i}`), 2)], [i & 255, i >> 8], `f${i}`);
    }
    const table = job.address("table");
    assert.deepEqual(
      [0, 8, 16].map((at) => job.u64At(table + at)),
      [job.address("f0"), job.address("f65000"), job.address(`f${COUNT - 1}`)],
    );
  });
}
