import { isPowerOfTwo } from "../../bytes/address.ts";
import type { SectionKind } from "../../graph/section-table.ts";
import type { EditableRelocation, RelocationSpec } from "./editable-relocation.ts";

/** A section that is added to an object. */
export interface SectionSpec {
  /** Such as `.text.hook`. */
  readonly name: string;
  /** Its protection in the program: r-x, r-- or rw-. */
  readonly kind: "code" | "readOnly" | "data";
  /** The contents; they are copied. */
  readonly bytes: Uint8Array;
  /** A power of two; 16 for code, else 8. */
  readonly alignment?: number;
  /** None by default. */
  readonly relocations?: readonly RelocationSpec[];
}

/** The fields of a section header that are kept as they are (gABI 4, "Section Header"). */
export interface SectionHeader {
  readonly type: number;
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/** A section of an object that can be changed. */
export class EditableSection {
  /** In the file. */
  readonly index: number;
  /** As the file has it; several sections may have one name. */
  readonly name: string;
  /** What it is to the linker; "none" does not become part of the program. */
  readonly kind: keyof typeof SectionKind;
  /** @internal */
  readonly header: SectionHeader;
  /** Those of its bytes: the file's in their order, then those that were added. */
  readonly relocations: EditableRelocation[] = [];
  /** @internal Index of the table of its relocations; 0 for none. */
  relocationTable = 0;
  readonly #noteChange: () => void;
  #alignment = 1;
  #size = 0;
  #file: () => Uint8Array | undefined = () => undefined;
  #bytes: Uint8Array | undefined;

  constructor(
    index: number,
    name: string,
    kind: keyof typeof SectionKind,
    header: SectionHeader,
    noteChange: () => void,
  ) {
    this.index = index;
    this.name = name;
    this.kind = kind;
    this.header = header;
    this.#noteChange = noteChange;
  }

  /** @internal Takes what the file says. */
  read(alignment: number, size: number, file: () => Uint8Array | undefined): void {
    this.#alignment = alignment;
    this.#size = size;
    this.#file = file;
  }

  /** In bytes. */
  get size(): number {
    return this.#bytes?.length ?? this.#size;
  }

  /** A power of two. */
  get alignment(): number {
    return this.#alignment;
  }

  /** Errors: RangeError for what is no power of two. */
  set alignment(value: number) {
    if (!isPowerOfTwo(value)) throw new RangeError(`${this.name}: alignment ${value} is not a power of two`);
    this.#alignment = value;
    this.#noteChange();
  }

  /**
   * The contents, which can be written to, or replaced by others of any size: offsets of symbols and relocations stay what they are.
   * Empty where the file has none (zero-fill).
   */
  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(this.#file() ?? []);
    return this.#bytes;
  }

  /** They are copied. Errors: TypeError for zero-fill, which has no contents to replace. */
  set bytes(value: Uint8Array) {
    if (this.header.type !== 1 && this.#file() === undefined) {
      throw new TypeError(`${this.name}: has no contents in the file (SHT_NOBITS)`);
    }
    this.#bytes = new Uint8Array(value);
    this.#size = -1;
    this.#noteChange();
  }

  /** @internal The bytes were asked for, and are others than the file's. */
  get hasChangedBytes(): boolean {
    if (this.#bytes === undefined) return false;
    return Buffer.compare(this.#bytes, this.#file() ?? new Uint8Array()) !== 0;
  }

  /** @internal What is to be written: nothing for zero-fill. */
  get contents(): Uint8Array | undefined {
    if (this.#bytes !== undefined && (this.#bytes.length > 0 || this.#size <= 0)) return this.#bytes;
    return this.#file();
  }
}
