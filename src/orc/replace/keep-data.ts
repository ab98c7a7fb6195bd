// A new version of an object is linked without the variables that are there already. What names a variable is given its address. Code of
// one object names most of its own by their distance from the start of a section, though: `.bss+0x10`. Where a section's variables are
// as far from each other as they were, the section as a whole stands for the old one. Where they have moved, each entry is told apart by
// the variable that it lies in; what could mean two of them (the end of an array is the start of the next variable) is refused.

import { R_X86_64_32, R_X86_64_32S, R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32 } from "../../arch/x86_64.ts";
import { trailingBytes } from "../../arch/x86_64-trailing.ts";
import { hex } from "../../bytes/address.ts";
import { LinkError } from "../../errors.ts";
import { STB_LOCAL } from "../../formats/elf/constants.ts";
import type { ObjectPatch } from "../../formats/elf/object-patch.ts";
import { SymbolPlace } from "../../graph/symbol-table.ts";
import type { ObjectSymbols } from "./object-symbols.ts";
import { type RelocationEntry, relocationsOf } from "./relocations.ts";
import type { BoundVariable } from "./variables.ts";

/** Larger variables may be arrays, which are indexed from places in front of them and compared with their ends. */
const SCALAR = 8;
/** How far in front of an array its address with a constant index may lie. */
const MARGIN = 64;

/** Makes the object use the storage that its variables have, and no other. Errors: LinkError that names section and offset. */
export function keepData(object: ObjectSymbols, patch: ObjectPatch, variables: readonly BoundVariable[]): void {
  const sections = new Map<number, BoundVariable[]>();
  for (const variable of variables) {
    const { symbol, storage } = variable;
    if (symbol.section === SymbolPlace.common) {
      if (storage !== undefined) patch.makeAbsolute(symbol.index, storage.address);
      continue;
    }
    const others = sections.get(symbol.section);
    if (others === undefined) sections.set(symbol.section, [variable]);
    else others.push(variable);
  }
  for (const [section, inside] of sections) {
    if (inside.every(({ storage }) => storage === undefined)) continue;
    const start = startOfWhole(object, section, inside);
    if (start === undefined) keepSome(object, patch, section, inside);
    else keepWhole(object, patch, section, start);
  }
}

/** How far a variable's storage is from its place in its section. */
function distance({ symbol, storage }: BoundVariable): number | undefined {
  return storage === undefined ? undefined : storage.address - symbol.value;
}

/** Where the section's contents are, if all of it is. */
function startOfWhole(object: ObjectSymbols, section: number, inside: readonly BoundVariable[]): number | undefined {
  const [first] = inside;
  const start = distance(first!);
  if (start === undefined || !inside.every((variable) => distance(variable) === start)) return undefined;
  return start + object.sectionSize(section) <= first!.storage!.sectionEnd ? start : undefined;
}

function keepWhole(object: ObjectSymbols, patch: ObjectPatch, section: number, start: number): void {
  for (const symbol of object.symbols) {
    if (symbol.section !== section) continue;
    if (symbol.isLocal) patch.makeAbsolute(symbol.index, start + symbol.value, STB_LOCAL);
    else patch.makeAbsolute(symbol.index, start + symbol.value);
  }
  patch.dropSection(section);
}

function keepSome(object: ObjectSymbols, patch: ObjectPatch, section: number, inside: readonly BoundVariable[]): void {
  for (const { symbol, storage } of inside) {
    if (storage === undefined) continue;
    if (symbol.isLocal) patch.makeAbsolute(symbol.index, storage.address, STB_LOCAL);
    else patch.makeAbsolute(symbol.index, storage.address);
  }
  const places = new Places(object, section, inside);
  for (const entry of relocationsOf(object)) {
    const symbol = object.symbols[entry.symbol];
    if (symbol === undefined || symbol.section !== section || !object.isSection(entry.symbol)) continue;
    const variable = places.variableOf(entry);
    const away = variable === undefined ? undefined : distance(variable);
    if (away !== undefined) patch.point(entry.position, patch.absolute(away, `${object.sectionName(section)}~`));
  }
}

/** Tells which variable of a section an entry means. */
class Places {
  readonly #object: ObjectSymbols;
  readonly #section: number;
  readonly #variables: readonly BoundVariable[];

  constructor(object: ObjectSymbols, section: number, inside: readonly BoundVariable[]) {
    this.#object = object;
    this.#section = section;
    this.#variables = [...inside].sort((a, b) => a.symbol.value - b.symbol.value);
  }

  variableOf(entry: RelocationEntry): BoundVariable | undefined {
    const target = this.#target(entry);
    if (target === undefined) this.#refuse(entry, entry.addend, "the instruction can be read in two ways");
    const at = this.#variables.findLastIndex(({ symbol }) => symbol.value <= target);
    const variable = this.#variables[at];
    const [before, behind] = [this.#variables[at - 1], this.#variables[at + 1]];
    if (variable === undefined) {
      // In front of the first one.
      this.#refuse(entry, target, `it lies in front of ${behind!.symbol.name}`);
    }
    const end = variable.symbol.value + variable.symbol.size;
    if (
      before !== undefined &&
      !alike(before, variable) &&
      before.symbol.size > SCALAR &&
      target === variable.symbol.value &&
      before.symbol.value + before.symbol.size === target
    ) {
      this.#refuse(entry, target, `it may be the end of ${before.symbol.name} or the start of ${variable.symbol.name}`);
    }
    if (behind === undefined && target > end) this.#refuse(entry, target, `it lies behind ${variable.symbol.name}`);
    if (behind !== undefined && !alike(variable, behind)) {
      const isNear = behind.symbol.size > SCALAR && target >= behind.symbol.value - MARGIN;
      if (target >= end || isNear) {
        this.#refuse(entry, target, `it may belong to ${variable.symbol.name} or to ${behind.symbol.name}`);
      }
    }
    return variable;
  }

  /** Offset in the section that the entry's instruction or word means; undefined when that cannot be told. */
  #target({ type, section, offset, addend }: RelocationEntry): number | undefined {
    switch (type) {
      case R_X86_64_64:
      case R_X86_64_32:
      case R_X86_64_32S:
        return addend;
      case R_X86_64_PC32:
      case R_X86_64_PLT32: {
        if (!this.#object.isCode(section)) return addend;
        const trailing = trailingBytes(this.#object.contents(section), offset);
        return trailing === undefined ? undefined : addend + 4 + trailing;
      }
    }
    return undefined;
  }

  #refuse({ section, offset }: RelocationEntry, target: number, why: string): never {
    const object = this.#object;
    throw new LinkError(
      "link",
      `${object.reader.name}:(${object.sectionName(section)}+${hex(offset)}): the variables of ${object.sectionName(this.#section)} have moved, and which one is at offset ${hex(target)} cannot be told: ${why}; compile with -fdata-sections`,
    );
  }
}

/** Whether it makes no difference which of the two is meant. */
function alike(one: BoundVariable, other: BoundVariable): boolean {
  return distance(one) === distance(other);
}
