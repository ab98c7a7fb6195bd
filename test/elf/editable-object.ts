import { readFileSync } from "node:fs";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { buildLinkGraph } from "../../src/formats/elf/build-link-graph.ts";
import { GraphTables } from "../../src/graph/graph-tables.ts";
import type { LinkGraph } from "../../src/graph/link-graph.ts";

/** Offsets of the fields of a section header (gABI 4, "Section Header") and of a symbol. */
export const Shdr = {
  name: 0,
  type: 4,
  flags: 8,
  offset: 24,
  size: 32,
  link: 40,
  info: 44,
  align: 48,
  entsize: 56,
} as const;
export const Sym = { name: 0, info: 4, other: 5, section: 6, value: 8, size: 16 } as const;

/** An object's bytes, with its tables found by name so that a test can change one field. */
export class EditableObject {
  readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes);
  }

  static read(path: string): EditableObject {
    return new EditableObject(readFileSync(path));
  }

  get sectionTable(): number {
    return this.u64(40);
  }

  get sectionCount(): number {
    return this.bytes.readUInt16LE(60);
  }

  /** Position of a section header. */
  header(index: number): number {
    return this.sectionTable + 64 * index;
  }

  /** Index of the section with this name. */
  section(name: string): number {
    const names = this.u64(this.header(this.bytes.readUInt16LE(62)) + Shdr.offset);
    for (let index = 1; index < this.sectionCount; index++) {
      const at = names + this.bytes.readUInt32LE(this.header(index));
      if (this.bytes.toString("latin1", at, this.bytes.indexOf(0, at)) === name) return index;
    }
    throw new Error(`no section ${name}`);
  }

  /** Sets a 32-bit field of a section header; name, type, link and info are of that width. */
  set32(section: string, field: keyof typeof Shdr, value: number): this {
    this.bytes.writeUInt32LE(value, this.header(this.section(section)) + Shdr[field]);
    return this;
  }

  /** Sets a 64-bit field of a section header. */
  set64(section: string, field: keyof typeof Shdr, value: number | bigint): this {
    this.bytes.writeBigUInt64LE(BigInt(value), this.header(this.section(section)) + Shdr[field]);
    return this;
  }

  /** Position of a section's contents. */
  contents(section: string): number {
    return this.u64(this.header(this.section(section)) + Shdr.offset);
  }

  size(section: string): number {
    return this.u64(this.header(this.section(section)) + Shdr.size);
  }

  /** Position of entry `index` of the symbol table. */
  symbol(index: number): number {
    return this.contents(".symtab") + 24 * index;
  }

  /** Index of the symbol with this name. */
  symbolIndex(name: string): number {
    const names = this.contents(".strtab");
    for (let index = 0; 24 * index < this.size(".symtab"); index++) {
      const at = names + this.bytes.readUInt32LE(this.symbol(index));
      if (this.bytes.toString("latin1", at, this.bytes.indexOf(0, at)) === name) return index;
    }
    throw new Error(`no symbol ${name}`);
  }

  u64(at: number): number {
    return Number(this.bytes.readBigUInt64LE(at));
  }

  reader(name = "test.o"): ByteReader {
    return ByteReader.of(this.bytes, name);
  }

  /** Reads it as the linker does. */
  graph(tables = new GraphTables()): LinkGraph {
    return buildLinkGraph(tables, this.reader());
  }
}
