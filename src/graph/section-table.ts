/** What a section is to the linker; decides where its bytes go. */
export const SectionKind = {
  /** Not part of the program's memory: symbol tables, debug information, notes for tools. */
  none: 0,
  code: 1,
  readOnly: 2,
  data: 3,
  zeroFill: 4,
  tlsData: 5,
  tlsZeroFill: 6,
  ehFrame: 7,
  /** .preinit_array, .init_array, .ctors, .fini_array, .dtors with all their suffixes. */
  functionArray: 8,
  /** Member of a COMDAT group that an earlier input already provides. */
  discarded: 9,
  /** Zero-fill of the medium and large code models, which need not be near anything. */
  largeZeroFill: 10,
  /** Both SHF_WRITE and SHF_EXECINSTR, the only memory that becomes writable and executable. */
  writableCode: 11,
} as const;
/** One of the values above. */
export type SectionKind = (typeof SectionKind)[keyof typeof SectionKind];

/**
 * All sections of a link job, one row a section, packed: the inputs of one job have hundreds of thousands. A graph owns
 * the rows `firstSection … firstSection + sectionCount - 1`; row `firstSection + i` is the file's section i.
 */
export class SectionTable {
  count = 0;
  kind = new Uint8Array(8192);
  /** Row of the graph in the job's list. */
  graph = new Int32Array(8192);
  /** Position of the contents in the graph's reader view; -1 for writable code without contents (SHT_NOBITS). */
  content = new Int32Array(8192);
  size = new Float64Array(8192);
  alignment = new Float64Array(8192);
  /** Position of the name in the graph's reader view, NUL-terminated. */
  name = new Int32Array(8192);
  /** Position and number of the RELA entries; a CREL table is expanded into a buffer of its own. */
  relocations = new Int32Array(8192);
  relocationCount = new Int32Array(8192);
  /** Address in the executor once the layout is fixed; offset in the TLS block for TLS sections. */
  address = new Float64Array(8192);

  /** Adds `count` zeroed rows and gives the first. */
  add(count: number): number {
    const first = this.count;
    this.count += count;
    if (this.count > this.kind.length) this.#grow();
    return first;
  }

  #grow(): void {
    const capacity = Math.max(2 * this.kind.length, this.count);
    this.kind = enlarge(this.kind, new Uint8Array(capacity));
    this.graph = enlarge(this.graph, new Int32Array(capacity));
    this.content = enlarge(this.content, new Int32Array(capacity));
    this.size = enlarge(this.size, new Float64Array(capacity));
    this.alignment = enlarge(this.alignment, new Float64Array(capacity));
    this.name = enlarge(this.name, new Int32Array(capacity));
    this.relocations = enlarge(this.relocations, new Int32Array(capacity));
    this.relocationCount = enlarge(this.relocationCount, new Int32Array(capacity));
    this.address = enlarge(this.address, new Float64Array(capacity));
  }
}

/** Copies `from` to the start of the larger array `to`. */
export function enlarge<T extends { set(from: T): void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
