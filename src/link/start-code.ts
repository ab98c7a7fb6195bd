// Code in sections .init and .fini, the form before .init_array: pieces of one function, which all objects contribute to. An
// ordinary link gets its beginning and its end from crti.o and crtn.o; here both are made, unless these objects are among the
// inputs. The function is then called like an entry of the arrays (gABI 5, "Initialization and Termination Functions": .init
// after .preinit_array and before .init_array, .fini behind .fini_array).

import { alignUp } from "../bytes/address.ts";
import { setWord64 } from "../bytes/word.ts";
import { LinkError } from "../errors.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import type { WorkingMemory } from "../memory/memory-mapper.ts";

const PROLOGUE = [0x48, 0x83, 0xec, 0x08]; //       sub $8, %rsp
const EPILOGUE = [0x48, 0x83, 0xc4, 0x08, 0xc3]; // add $8, %rsp; ret
const RETURN = 0xc3;
const ALIGNMENT = 16;

/** The function made of all `.init` (or `.fini`) sections, and the word in an array that points at it. */
export interface StartCode {
  readonly name: ".init" | ".fini";
  readonly rows: readonly number[];
  /** Beginning and end are inputs', not made here. */
  readonly isComplete: boolean;
  start: number;
  end: number;
  word: number;
}

/** The function that the inputs' sections of this name make, placed one behind the other from `at` on; undefined without any. */
export function placeStartCode(tables: GraphTables, name: StartCode["name"], at: number): StartCode | undefined {
  const { sections } = tables;
  const all = name === ".init" ? tables.initSections : tables.finiSections;
  const rows = all.filter((row) => sections.kind[row] === SectionKind.code);
  if (rows.length === 0) return undefined;
  const isComplete = definesIn(tables, rows, `_${name.slice(1)}`);
  const start = alignUp(at, ALIGNMENT);
  let end = start + (isComplete ? 0 : PROLOGUE.length);
  // One piece runs into the next: nothing may lie between them, whatever alignment they ask for.
  for (const row of rows) {
    sections.address[row] = end;
    end += sections.size[row]!;
  }
  return { name, rows, isComplete, start, end: end + (isComplete ? 0 : EPILOGUE.length), word: 0 };
}

/** Writes what is not in the inputs. Errors: LinkError when crti.o is among them without crtn.o. */
export function writeStartCode(code: StartCode, memory: WorkingMemory): void {
  const { bytes, base, view } = memory;
  if (!code.isComplete) {
    bytes.set(PROLOGUE, code.start - base);
    bytes.set(EPILOGUE, code.end - base - EPILOGUE.length);
  } else if (bytes[code.end - base - 1] !== RETURN) {
    throw new LinkError(
      "link",
      `${code.name}: the inputs have the beginning of the function (crti.o), and not its end (crtn.o, as the last of them)`,
    );
  }
  setWord64(view, code.word - base, code.start);
}

function definesIn(tables: GraphTables, rows: readonly number[], name: string): boolean {
  const { symbols, pool } = tables;
  const id = pool.internString(name);
  for (let row = 0; row < symbols.count; row++) {
    if (symbols.id[row] === id && rows.includes(symbols.section[row]!)) return true;
  }
  return false;
}
