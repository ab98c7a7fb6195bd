import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { ElfFile } from "../../src/debug/elf-file.ts";
import { evaluate } from "../../src/debug/expression.ts";
import { findFrame } from "../../src/debug/frame-description.ts";
import { rulesAt } from "../../src/debug/frame-rules.ts";
import { findLine } from "../../src/debug/line-table.ts";
import { ObjectFormatError } from "../../src/errors.ts";
import { compile } from "../support/compile.ts";
import { mutate, Random } from "../support/mutate.ts";

const source = `
  #include <stdio.h>
  int first(int n) { char room[n]; return snprintf(room, n, "%d", n) + room[0]; }
  int main(int count, char **words) { return first(count * 10) + words[0][0]; }`;

/** What a broken section may end in. */
function isExpected(error: unknown): boolean {
  return error instanceof RangeError || error instanceof ObjectFormatError;
}

for (const flags of [["-gdwarf-5"], ["-gdwarf-4"], ["-gdwarf-2", "-gz=zlib"]]) {
  test(`debug information that is broken is none: ${flags.join(" ")}`, async () => {
    const object = readFileSync(await compile(["gcc", "-O2", ...flags], "test.c", source));
    const random = new Random(11);
    let lines = 0;
    let frames = 0;
    let failures = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = round === 0 ? object : mutate(object, random);
      try {
        const file = new ElfFile(ByteReader.of(bytes, "test.o"));
        const sections = (name: string): Uint8Array | undefined => {
          const section = file.section(name);
          return section === undefined ? undefined : file.contents(section);
        };
        const own = (name: string): Uint8Array | undefined => {
          const contents = sections(name);
          if (contents === undefined || bytes === object) return contents;
          const changed = new Uint8Array(contents);
          for (let i = 0; i < 3 && changed.length > 0; i++) changed[random.below(changed.length)] = random.below(256);
          return changed;
        };
        if (findLine(own, 4) !== undefined) lines++;
        const frame = findFrame({ bytes: own(".eh_frame") ?? new Uint8Array(0), address: 0 }, 4);
        if (frame === undefined) continue;
        const rules = rulesAt(frame, 4);
        frames++;
        if (rules.cfa !== undefined && "expression" in rules.cfa) {
          evaluate(rules.cfa.expression, { register: () => 1n, memory: (address) => address });
        }
      } catch (error) {
        if (zlibCodes.test((error as { code?: string }).code ?? "")) continue;
        assert.ok(isExpected(error), `round ${round}: ${(error as Error).stack}`);
        failures++;
      }
    }
    assert.ok(lines > 100 && frames + failures > 100, `${lines} lines, ${frames} frames, ${failures} failures`);
  });
}

/** What node:zlib says of broken data: reports take it for no debug information. */
const zlibCodes = /^(Z_|ERR_BUFFER_TOO_LARGE)/;

test("expressions end, whatever they are", () => {
  const random = new Random(5);
  const outcomes = { value: 0, unknown: 0, broken: 0 };
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: 1 + random.below(24) }, () => random.below(256));
    try {
      const value = evaluate(bytes, { register: () => 5n, memory: (address) => address + 1n }, 7n);
      if (value === undefined) outcomes.unknown++;
      else outcomes.value++;
    } catch (error) {
      assert.ok(error instanceof RangeError, (error as Error).stack);
      outcomes.broken++;
    }
  }
  assert.ok(outcomes.value > 0 && outcomes.unknown > 0 && outcomes.broken > 0, JSON.stringify(outcomes));
  // DW_OP_skip to itself.
  assert.equal(evaluate(Uint8Array.of(0x2f, 0xfd, 0xff), { register: () => 0n, memory: () => 0n }, 1n), undefined);
});
