import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { EditableSection } from "./editable-section.ts";

/** ELF's values of a binding by name, STB_* (gABI 4, "Symbol Table"; GNU's extensions). */
export const symbolBindings = { local: 0, global: 1, weak: 2, unique: 10 } as const;
/** STT_*. */
export const symbolTypes = {
  none: 0,
  object: 1,
  function: 2,
  section: 3,
  file: 4,
  common: 5,
  threadLocal: 6,
  indirectFunction: 10,
} as const;
/** STV_*. */
export const symbolVisibilities = { default: 0, internal: 1, hidden: 2, protected: 3 } as const;

/** Who can refer to a symbol, and which of several definitions is taken. */
export type SymbolBinding = keyof typeof symbolBindings;
/** What a symbol is. */
export type SymbolType = keyof typeof symbolTypes;
/** Who outside of a component sees a symbol. */
export type SymbolVisibility = keyof typeof symbolVisibilities;

/** A symbol that is added to an object. */
export interface SymbolSpec {
  /** What other objects call it, if it is not local. */
  readonly name: string;
  /** The section that it is defined in. */
  readonly section?: EditableSection;
  /** Offset in its section; without one, the absolute address that it stands for. */
  readonly value?: number | bigint;
  /** In bytes. */
  readonly size?: number;
  /** "global" by default. */
  readonly binding?: SymbolBinding;
  /** By default "function" in a section of code, "object" in another one. */
  readonly type?: SymbolType;
  /** "default" by default. */
  readonly visibility?: SymbolVisibility;
}

/** What a symbol is defined in. */
interface Place {
  readonly name: string;
  readonly section: EditableSection | undefined;
  readonly place: "section" | "undefined" | "absolute" | "common";
}

/** A symbol of an object that can be changed. */
export class EditableSymbol {
  /** The section that it is defined in. */
  readonly section: EditableSection | undefined;
  /** Whether it lies in a section, is to be found elsewhere, stands for an address, or is a common symbol. */
  readonly place: Place["place"];
  /** @internal Bits of st_other beside the visibility. */
  readonly other: number;
  readonly #noteChange: () => void;
  #name: string;
  #binding: SymbolBinding;
  #type: SymbolType;
  #visibility: SymbolVisibility;
  #value: bigint;
  #size: number;

  private constructor(
    place: Place,
    fields: Required<Pick<SymbolSpec, "binding" | "type" | "visibility" | "size">>,
    value: bigint,
    other: number,
    noteChange: () => void,
  ) {
    this.section = place.section;
    this.place = place.place;
    this.other = other;
    this.#name = place.name;
    this.#binding = fields.binding;
    this.#type = fields.type;
    this.#visibility = fields.visibility;
    this.#size = fields.size;
    this.#value = value;
    this.#noteChange = noteChange;
  }

  /** @internal The entry at `at` of a symbol table. */
  static read(entries: ByteReader, at: number, place: Place, noteChange: () => void): EditableSymbol {
    const info = entries.u8(at + 4, "st_info");
    const other = entries.u8(at + 5, "st_other");
    const fields = {
      binding: nameOf(symbolBindings, info >> 4) ?? entries.fail(`symbol ${place.name}: unknown binding ${info >> 4}`),
      type: nameOf(symbolTypes, info & 0xf) ?? "none",
      visibility: nameOf(symbolVisibilities, other & 3)!,
      size: entries.u64(at + 16, "st_size"),
    };
    return new EditableSymbol(
      place,
      fields,
      entries.view.getBigUint64(entries.start + at + 8, true),
      other & ~3,
      noteChange,
    );
  }

  /** @internal */
  static added(spec: SymbolSpec, noteChange: () => void): EditableSymbol {
    const { section, value } = spec;
    const place = section !== undefined ? "section" : value === undefined ? "undefined" : "absolute";
    if (spec.binding === "local" && place === "undefined") {
      throw new TypeError(`the symbol ${spec.name} is local and defined nowhere`);
    }
    if (section !== undefined && Number(value ?? 0) > section.size) {
      throw new RangeError(
        `the symbol ${spec.name} is at ${value} of ${section.name}, which has ${section.size} bytes`,
      );
    }
    const ordinary = section === undefined ? "none" : section.kind === "code" ? "function" : "object";
    const { binding = "global", type = ordinary, visibility = "default", size = 0 } = spec;
    const name = { name: spec.name, section, place } as const;
    return new EditableSymbol(name, { binding, type, visibility, size }, BigInt(value ?? 0), 0, noteChange);
  }

  /** As the symbol table has it, without a symbol version. */
  get name(): string {
    return this.#name;
  }

  /** Renames it, in this object alone. */
  set name(value: string) {
    this.#name = value;
    this.#noteChange();
  }

  /** This object says what it is; false for what other objects are to define. */
  get isDefined(): boolean {
    return this.place !== "undefined";
  }

  /** STB_* of the symbol table (gABI 4, "Symbol Table"). */
  get binding(): SymbolBinding {
    return this.#binding;
  }

  /** Errors: TypeError for a local symbol that is defined nowhere. */
  set binding(value: SymbolBinding) {
    if (value === "local" && !this.isDefined)
      throw new TypeError(`the symbol ${this.#name} is defined nowhere: it cannot be local`);
    this.#binding = value;
    this.#noteChange();
  }

  /** STT_* of the symbol table; "none" for numbers that have no name here. */
  get type(): SymbolType {
    return this.#type;
  }

  /** STV_* of the symbol table. */
  get visibility(): SymbolVisibility {
    return this.#visibility;
  }

  /** Takes effect for what other objects and libraries see of it. */
  set visibility(value: SymbolVisibility) {
    this.#visibility = value;
    this.#noteChange();
  }

  /** Offset in its section, absolute address, or the alignment of a common symbol; with all its 64 bits. */
  get value(): bigint {
    return this.#value;
  }

  /** Kept modulo 2^64. */
  set value(value: number | bigint) {
    this.#value = BigInt.asUintN(64, BigInt(value));
    this.#noteChange();
  }

  /** In bytes. */
  get size(): number {
    return this.#size;
  }

  /** In bytes; nothing is moved. */
  set size(value: number) {
    this.#size = value;
    this.#noteChange();
  }
}

function nameOf<T extends string>(values: Readonly<Record<T, number>>, value: number): T | undefined {
  return (Object.keys(values) as T[]).find((name) => values[name] === value);
}
