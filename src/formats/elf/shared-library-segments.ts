import { hex } from "../../bytes/address.ts";
import type { ByteReader } from "../../bytes/byte-reader.ts";
import * as elf from "./constants.ts";

/** One program header; addresses are the file's own (relative to the load address). */
export interface Segment {
  readonly type: number;
  /** PF_X = 1, PF_W = 2, PF_R = 4. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly alignment: number;
}

/** The program headers of an ELF64 file: which addresses exist, where their bytes are, and what may be written. */
export class SegmentTable {
  readonly all: readonly Segment[];
  readonly #reader: ByteReader;
  readonly #loads: Segment[];

  constructor(reader: ByteReader) {
    this.#reader = reader;
    this.all = readSegments(reader);
    this.#loads = this.all.filter(({ type }) => type === elf.PT_LOAD);
  }

  /** The first of a type (PT_…). */
  find(type: number): Segment | undefined {
    return this.all.find((segment) => segment.type === type);
  }

  /** The file offset of `size` bytes at `address`; fails unless the file holds them all. */
  fileOffset(address: number, size: number, field: string): number {
    const load = this.#loads.find((s) => address >= s.address && address + size <= s.address + s.fileSize);
    if (load === undefined) {
      this.#reader.fail(`${field} at address ${hex(address)} with size ${hex(size)} is in no PT_LOAD's file contents`);
    }
    return load.offset + (address - load.address);
  }

  /** How many bytes the file holds from `address` on to the end of its segment; 0 if it is in none. */
  fileRoom(address: number): number {
    const load = this.#loads.find((s) => address >= s.address && address < s.address + s.fileSize);
    return load === undefined ? 0 : load.address + load.fileSize - address;
  }

  /** The initial bytes at `address`: in place when the file holds them all, else a copy with `.bss` as zeros. */
  bytesAt(address: number, size: number): Uint8Array {
    const load = this.#loads.find((s) => address >= s.address && address + size <= s.address + s.memorySize);
    if (load === undefined) {
      this.#reader.fail(`data at address ${hex(address)} with size ${hex(size)} is in no PT_LOAD`);
    }
    const inFile = Math.max(0, Math.min(size, load.address + load.fileSize - address));
    const bytes =
      inFile > 0 ? this.#reader.bytes(load.offset + address - load.address, inFile, "data") : new Uint8Array(0);
    if (inFile === size) return bytes;
    const copy = new Uint8Array(size);
    copy.set(bytes);
    return copy;
  }

  /** Whether all of `[address, address + size)` is unwritable while the program runs: in a PT_LOAD without PF_W, or in PT_GNU_RELRO. */
  isReadOnly(address: number, size: number): boolean {
    return this.all.some((s) => {
      const fixed = s.type === elf.PT_GNU_RELRO || (s.type === elf.PT_LOAD && (s.flags & elf.PF_W) === 0);
      return fixed && address >= s.address && address + size <= s.address + s.memorySize;
    });
  }
}

function readSegments(reader: ByteReader): Segment[] {
  const offset = reader.u64(32, "e_phoff");
  const entrySize = reader.u16(54, "e_phentsize");
  const count = reader.u16(56, "e_phnum");
  if (count > 0 && entrySize !== elf.PHDR_SIZE) {
    reader.fail(`e_phentsize is ${entrySize}, expected ${elf.PHDR_SIZE}`);
  }
  const table = reader.window(offset, count * elf.PHDR_SIZE, "program headers");
  return Array.from({ length: count }, (_, i) => {
    const at = i * elf.PHDR_SIZE;
    const segment = {
      type: table.u32(at, "p_type"),
      flags: table.u32(at + 4, "p_flags"),
      offset: table.u64(at + 8, "p_offset"),
      address: table.u64(at + 16, "p_vaddr"),
      fileSize: table.u64(at + 32, "p_filesz"),
      memorySize: table.u64(at + 40, "p_memsz"),
      alignment: table.u64(at + 48, "p_align"),
    };
    if (segment.type === elf.PT_LOAD) {
      reader.check(segment.offset, segment.fileSize, `program header ${i}'s contents`);
      if (segment.memorySize < segment.fileSize) {
        reader.fail(
          `program header ${i} has p_memsz ${hex(segment.memorySize)} below its p_filesz ${hex(segment.fileSize)}`,
        );
      }
    }
    return segment;
  });
}
