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
  /** The code takes addresses of functions that are not stubs: pointers to them may be anywhere, in the kernel for one. */
  readonly leaksAddresses: boolean;
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
    // Weak, so that a name that is defined twice is told of once, for its stub; and those of weak functions apart, as they count less.
    const name = `${stub}.v${version}${binding === STB_WEAK ? ".weak" : ""}`;
    functions.push({ stub, symbol: name });
    if (!program.stubs.has(stub)) stubs.push({ name: stub, binding, visibility, target: name });
    const { section, value, size, type } = symbol;
    return patch.define({ name, section, value, size, info: (STB_WEAK << 4) | type });
  };
  // Definitions that frames are to go on describing, by the index that has become a reference.
  const definitions = new Map<number, number>();
  for (const symbol of object.symbols) {
    if (symbol.isLocal || !object.isFunction(symbol) || symbol.name.includes(MARK)) continue;
    const binding = symbol.binding === STB_WEAK ? STB_WEAK : STB_GLOBAL;
    definitions.set(symbol.index, add(symbol.name, symbol, binding, symbol.visibility));
    patch.undefine(symbol.index);
  }
  const places = new FunctionPlaces(object);
  let leaksAddresses = places.areLoadedDirectly();
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
    const target = places.targetOf(entry);
    if (target === undefined) leaksAddresses ||= places.mayLeak(entry);
    else {
      const name = target.isLocal ? addLocal(target) : target.name;
      patch.point(entry.position, patch.reference(name), isAbsolute(entry.type) ? 0 : -4);
    }
  }
  // Pointers to them may be about although nothing takes their address any more.
  for (const symbol of places.all()) {
    if (program.stubs.has(`${object.reader.name}:${symbol.name}`)) addLocal(symbol);
  }
  return { functions, stubs, leaksAddresses };
}

function isAbsolute(type: number): boolean {
  return type === R_X86_64_64 || type === R_X86_64_32 || type === R_X86_64_32S;
}

const CALL = 0xe8;
const LEA = 0x8d;

/** Where an object's functions begin, and the entries that mean those places. */
class FunctionPlaces {
  readonly #object: ObjectSymbols;
  /** Functions that can have a stub, by their places. */
  readonly #byPlace = new Map<string, ObjectSymbol>();
  /** The places of all. */
  readonly #starts = new Set<string>();

  constructor(object: ObjectSymbols) {
    this.#object = object;
    const byName = new Map<string, ObjectSymbol | undefined>();
    for (const symbol of object.symbols) {
      if (!object.isFunction(symbol)) continue;
      this.#starts.add(place(symbol.section, symbol.value));
      // A name with a dot is a part or a copy of a function that the compiler has made, whose interface is its own affair.
      if (symbol.isLocal && symbol.name.includes(".")) continue;
      if (symbol.name.includes(MARK)) continue;
      byName.set(symbol.name, byName.has(symbol.name) ? undefined : symbol);
    }
    for (const symbol of byName.values()) {
      if (symbol !== undefined) this.#byPlace.set(place(symbol.section, symbol.value), symbol);
    }
  }

  /** Those that only the object knows. */
  *all(): Generator<ObjectSymbol, void, undefined> {
    for (const symbol of this.#byPlace.values()) if (symbol.isLocal) yield symbol;
  }

  /**
   * The function whose start an entry means that does not name it: a call, an address that is loaded, or a word of data. A jump is none of
   * these: it may be one within a function of which a part lies in another section.
   */
  targetOf(entry: RelocationEntry): ObjectSymbol | undefined {
    const at = this.#meant(entry);
    return at === undefined ? undefined : this.#byPlace.get(at);
  }

  /** Whether an entry for which there is no stub may be the address of a function, and not a call or a jump. */
  mayLeak(entry: RelocationEntry): boolean {
    const at = this.#meant(entry);
    return at !== undefined && this.#starts.has(at) && !this.#calls(entry);
  }

  /** Whether code loads the address of a function of its own section, which takes no relocation: `lea f(%rip), %reg`. */
  areLoadedDirectly(): boolean {
    for (let section = 1; section < this.#object.sectionCount; section++) {
      if (!this.#object.isCode(section)) continue;
      const code = this.#object.contents(section);
      const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
      for (let at = code.indexOf(LEA); at >= 0 && at + 6 <= code.length; at = code.indexOf(LEA, at + 1)) {
        if ((code[at + 1]! & 0xc7) !== 0x05) continue;
        if (this.#starts.has(place(section, at + 6 + view.getInt32(at + 2, true)))) return true;
      }
    }
    return false;
  }

  /** The place in code that an entry means by its distance from the start of a section. */
  #meant(entry: RelocationEntry): string | undefined {
    const { section, type, symbol, addend } = entry;
    const referred = this.#object.symbols[symbol];
    if (referred === undefined || !referred.isLocal || referred.section <= 0) return undefined;
    const kind = this.#object.kind(section);
    const isCode = this.#object.isCode(section);
    if (!isCode && kind !== SectionKind.data && kind !== SectionKind.readOnly) return undefined;
    const value = referred.value + addend;
    if (isAbsolute(type)) return place(referred.section, value);
    const isNear = type === R_X86_64_PC32 || type === R_X86_64_PLT32;
    return isNear && isCode && (this.#calls(entry) || this.#loads(entry))
      ? place(referred.section, value + 4)
      : undefined;
  }

  /** `call f` */
  #calls({ section, offset }: RelocationEntry): boolean {
    return this.#object.isCode(section) && this.#object.contents(section)[offset - 1] === CALL;
  }

  /** `lea f(%rip), %reg` */
  #loads({ section, offset }: RelocationEntry): boolean {
    const [prefix, opcode, modrm] = this.#object.contents(section).subarray(offset - 3, offset);
    return opcode === LEA && prefix !== undefined && (prefix & 0xfb) === 0x48 && (modrm! & 0xc7) === 0x05;
  }
}

function place(section: number, value: number): string {
  return `${section}:${value}`;
}
