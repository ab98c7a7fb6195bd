// Every function that others can call by name gets a stub with its name; what it was is `name.vN` from now on, N being the version. A
// function that only its object knows (`static`) gets one where its address is taken, since pointers outlive versions, or where it is
// called from another section. What the assembler has resolved itself, a call within a section, stays within its version.

import { R_X86_64_32, R_X86_64_32S, R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32 } from "../../arch/x86_64.ts";
import { STB_GLOBAL, STB_WEAK, STV_HIDDEN } from "../../formats/elf/constants.ts";
import type { ObjectPatch } from "../../formats/elf/object-patch.ts";
import type { Stub } from "../../formats/elf/stub-object.ts";
import { VERSION_MARK } from "../../formats/elf/symbol-versions.ts";
import { SectionKind } from "../../graph/section-table.ts";
import type { KnownProgram } from "./known-program.ts";
import type { ObjectSymbol, ObjectSymbols } from "./object-symbols.ts";
import { type RelocationEntry, relocationsOf } from "./relocations.ts";

/** A function of a version: what its stub is called, and the symbol that it is itself. */
export interface VersionedFunction {
  readonly stub: string;
  readonly symbol: string;
}

/** What redirecting the functions of an object has come to. */
export interface RedirectedFunctions {
  readonly functions: readonly VersionedFunction[];
  /** Those that have no stub yet. */
  readonly stubs: readonly Stub[];
}

const MARK = String.fromCharCode(VERSION_MARK);

/** Makes the object's functions reachable through stubs, and its own references to them go there. */
export function redirectFunctions(
  object: ObjectSymbols,
  patch: ObjectPatch,
  program: KnownProgram,
  version: number,
): RedirectedFunctions {
  const functions: VersionedFunction[] = [];
  const stubs: Stub[] = [];
  const add = (stub: string, symbol: ObjectSymbol, binding: number, visibility: number): number => {
    const name = `${stub}.v${version}`;
    functions.push({ stub, symbol: name });
    if (!program.stubs.has(stub)) stubs.push({ name: stub, binding, visibility, target: name });
    const { section, value, size, type } = symbol;
    return patch.define({ name, section, value, size, info: (binding << 4) | type });
  };
  // Definitions that frames are to go on describing, by the index that has become a reference.
  const definitions = new Map<number, number>();
  for (const symbol of object.symbols) {
    if (symbol.isLocal || !object.isFunction(symbol) || symbol.name.includes(MARK)) continue;
    const binding = symbol.binding === STB_WEAK ? STB_WEAK : STB_GLOBAL;
    definitions.set(symbol.index, add(symbol.name, symbol, binding, symbol.visibility));
    patch.undefine(symbol.index);
  }
  const locals = new LocalFunctions(object);
  const added = new Set<string>();
  const addLocal = (symbol: ObjectSymbol): string => {
    const stub = `${object.reader.name}:${symbol.name}`;
    if (!added.has(stub)) {
      added.add(stub);
      add(stub, symbol, STB_GLOBAL, STV_HIDDEN);
    }
    return stub;
  };
  for (const entry of relocationsOf(object)) {
    if (object.kind(entry.section) === SectionKind.ehFrame) {
      const definition = definitions.get(entry.symbol);
      if (definition !== undefined) patch.point(entry.position, definition);
      continue;
    }
    const target = locals.targetOf(entry);
    if (target === undefined) continue;
    const addend = isAbsolute(entry.type) ? 0 : -4;
    patch.point(entry.position, patch.reference(addLocal(target)), addend);
  }
  // Pointers to them may be about although nothing takes their address any more.
  for (const symbol of locals.all) {
    if (program.stubs.has(`${object.reader.name}:${symbol.name}`)) addLocal(symbol);
  }
  return { functions, stubs };
}

function isAbsolute(type: number): boolean {
  return type === R_X86_64_64 || type === R_X86_64_32 || type === R_X86_64_32S;
}

const CALL = 0xe8;
const LEA = 0x8d;

/** Functions of one object that have a name of their own there, and the entries that mean their starts. */
class LocalFunctions {
  readonly #object: ObjectSymbols;
  readonly #byPlace = new Map<string, ObjectSymbol>();

  constructor(object: ObjectSymbols) {
    this.#object = object;
    const byName = new Map<string, ObjectSymbol | undefined>();
    for (const symbol of object.symbols) {
      // A name with a dot is a part or a copy of a function that the compiler has made, whose interface is its own affair.
      if (!symbol.isLocal || !object.isFunction(symbol) || symbol.name.includes(".")) continue;
      byName.set(symbol.name, byName.has(symbol.name) ? undefined : symbol);
    }
    for (const symbol of byName.values()) if (symbol !== undefined) this.#byPlace.set(this.#place(symbol), symbol);
  }

  get all(): Iterable<ObjectSymbol> {
    return this.#byPlace.values();
  }

  /**
   * The function whose start an entry means: a call, an address that is loaded, or a word of data. A jump is none of these: it may be one
   * within a function of which a part lies in another section.
   */
  targetOf({ section, offset, type, symbol, addend }: RelocationEntry): ObjectSymbol | undefined {
    const referred = this.#object.symbols[symbol];
    if (referred === undefined || !referred.isLocal || referred.section <= 0) return undefined;
    const kind = this.#object.kind(section);
    const isCode = this.#object.isCode(section);
    if (!isCode && kind !== SectionKind.data && kind !== SectionKind.readOnly) return undefined;
    let value = referred.value + addend;
    if (type === R_X86_64_PC32 || type === R_X86_64_PLT32) {
      if (!isCode || !this.#callsOrLoads(section, offset)) return undefined;
      value += 4;
    } else if (!isAbsolute(type)) return undefined;
    return this.#byPlace.get(this.#place({ section: referred.section, value }));
  }

  #place({ section, value }: Pick<ObjectSymbol, "section" | "value">): string {
    return `${section}:${value}`;
  }

  /** `call f`, or `lea f(%rip), %reg`. */
  #callsOrLoads(section: number, offset: number): boolean {
    const code = this.#object.contents(section);
    if (code[offset - 1] === CALL) return true;
    const [prefix, opcode, modrm] = code.subarray(offset - 3, offset);
    return opcode === LEA && prefix !== undefined && (prefix & 0xfb) === 0x48 && (modrm! & 0xc7) === 0x05;
  }
}
