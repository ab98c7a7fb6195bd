import { relocationRow, relocationRows } from "../../arch/x86_64.ts";
import type { EditableSection } from "./editable-section.ts";
import type { EditableSymbol } from "./editable-symbol.ts";

/** A relocation that is added to a section. */
export interface RelocationSpec {
  /** Place in the section, in bytes. */
  readonly offset: number;
  /** The psABI's name, `R_X86_64_PC32`. */
  readonly kind: string;
  /** By its name: the global symbol, to which a reference is added if the object has none. */
  readonly symbol: EditableSymbol | string;
  /** 0 by default. A call of `e8 rel32` has -4, as the place is 4 bytes before its end. */
  readonly addend?: number | bigint;
}

/** A relocation of an object that can be changed: an edge of the LinkGraph. */
export class EditableRelocation {
  /** The section whose bytes it changes. */
  readonly section: EditableSection;
  /** Place in the section, in bytes. */
  readonly offset: number;
  /** ELF's number of its type. */
  readonly type: number;
  readonly #noteChange: () => void;
  #symbol: EditableSymbol;
  #addend: bigint;

  private constructor(
    section: EditableSection,
    fields: { offset: number; type: number; addend: bigint },
    symbol: EditableSymbol,
    noteChange: () => void,
  ) {
    this.section = section;
    this.offset = fields.offset;
    this.type = fields.type;
    this.#addend = fields.addend;
    this.#symbol = symbol;
    this.#noteChange = noteChange;
  }

  /** @internal The Elf64_Rela at `at` of a table. */
  static read(
    section: EditableSection,
    entries: DataView,
    at: number,
    symbol: EditableSymbol,
    noteChange: () => void,
  ): EditableRelocation {
    const fields = {
      offset: Number(entries.getBigUint64(at, true)),
      type: entries.getUint32(at + 8, true),
      addend: entries.getBigInt64(at + 16, true),
    };
    return new EditableRelocation(section, fields, symbol, noteChange);
  }

  /** @internal */
  static added(
    section: EditableSection,
    spec: RelocationSpec,
    symbol: EditableSymbol,
    noteChange: () => void,
  ): EditableRelocation {
    const row = relocationRows.find(({ name }) => name === spec.kind);
    if (row === undefined) throw new TypeError(`there is no relocation called ${spec.kind}`);
    if (spec.offset < 0 || spec.offset + row.size > section.size) {
      throw new RangeError(
        `${spec.kind} of ${row.size} bytes at ${spec.offset} is outside of ${section.name}, which has ${section.size}`,
      );
    }
    const fields = { offset: spec.offset, type: row.type, addend: BigInt(spec.addend ?? 0) };
    return new EditableRelocation(section, fields, symbol, noteChange);
  }

  /** The psABI's name, `R_X86_64_PC32`. */
  get kind(): string {
    return relocationRow(this.type)?.name ?? `type ${this.type}`;
  }

  /** What the linker knows for certain to be a call or a jump to a function (R_X86_64_PLT32). */
  get isCall(): boolean {
    return this.kind === "R_X86_64_PLT32";
  }

  /** What it refers to: S in the psABI's expressions. */
  get symbol(): EditableSymbol {
    return this.#symbol;
  }

  /** Lets it refer to another symbol of the same object. */
  set symbol(value: EditableSymbol) {
    this.#symbol = value;
    this.#noteChange();
  }

  /** With all its 64 bits. */
  get addend(): bigint {
    return this.#addend;
  }

  /** Kept modulo 2^64; whether the result fits its field is checked when the object is linked. */
  set addend(value: number | bigint) {
    this.#addend = BigInt.asIntN(64, BigInt(value));
    this.#noteChange();
  }
}
