import type { ByteReader } from "../../bytes/byte-reader.ts";
import { setWord64 } from "../../bytes/word.ts";
import { RELA_SIZE } from "./constants.ts";

/** LEB128 over a checked window; 64-bit values, of which the low words count, come back as signed numbers. */
class Leb128 {
  readonly #reader: ByteReader;
  position = 0;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  byte(): number {
    return this.#reader.u8(this.position++, "CREL");
  }

  /** `scale` times an unsigned number, modulo 2^64: a step backwards is written as a very large one. */
  unsigned(scale = 1): number {
    const start = this.position;
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return value * scale <= Number.MAX_SAFE_INTEGER ? value * scale : this.#exact(start, scale);
      this.#checkLength(start);
    }
  }

  signed(): number {
    const start = this.position;
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) return byte & 0x40 ? value - weight * 128 : value;
      this.#checkLength(start);
    }
  }

  /** The signed number that began at `start`, with all its bits. */
  signedFrom(start: number): bigint {
    return BigInt.asIntN(7 * (this.position - start), this.#bitsFrom(start));
  }

  #checkLength(start: number): void {
    if (this.position - start >= 10) {
      this.#reader.fail(`CREL: number at 0x${start.toString(16)} has more than the 10 bytes of a 64-bit one`);
    }
  }

  #exact(start: number, scale: number): number {
    return Number(BigInt.asIntN(64, this.#bitsFrom(start) * BigInt(scale)));
  }

  #bitsFrom(start: number): bigint {
    let value = 0n;
    for (let at = this.position - 1; at >= start; at--) {
      value = (value << 7n) | BigInt(this.#reader.u8(at, "CREL") & 0x7f);
    }
    return value;
  }
}

/**
 * Expands a section of compact relocations into ordinary Elf64_Rela entries, the form that everything after reads.
 * Layout (the CREL proposal of the gABI list): a ULEB128 header `count << 3 | addends << 2 | shift`; then per entry a first
 * byte with 3 (with addends) or 2 flag bits that say which of symbol, type and addend change, above them the low bits of the
 * offset's delta, and the deltas themselves. Without addends (`hasAddends`) the relocated fields hold them, as in SHT_REL.
 */
export function expandCrel(reader: ByteReader, section: number): { entries: DataView; hasAddends: boolean } {
  const input = new Leb128(reader);
  const header = input.unsigned();
  const count = Math.floor(header / 8);
  const hasAddends = (header & 4) !== 0;
  const scale = 2 ** (header & 3);
  const flagBits = hasAddends ? 3 : 2;
  if (count > reader.length) reader.fail(`CREL section ${section}: ${count} entries in ${reader.length} bytes`);
  const view = new DataView(new ArrayBuffer(count * RELA_SIZE));
  let offset = 0;
  let symbol = 0;
  let type = 0;
  let addend = 0;
  /** In its place once an addend has needed more bits than a number has. */
  let wideAddend: bigint | undefined;
  for (let i = 0; i < count; i++) {
    const first = input.byte();
    offset += ((first & 0x7f) >> flagBits) * scale;
    if (first >= 0x80) offset += input.unsigned(scale * 2 ** (7 - flagBits));
    if (first & 1) symbol = (symbol + input.signed()) >>> 0;
    if (first & 2) type = (type + input.signed()) >>> 0;
    if (hasAddends && first & 4) {
      const start = input.position;
      const before = addend;
      addend += input.signed();
      if (wideAddend !== undefined) wideAddend += input.signedFrom(start);
      else if (!Number.isSafeInteger(addend)) wideAddend = BigInt(before) + input.signedFrom(start);
    }
    const at = i * RELA_SIZE;
    setWord64(view, at, offset);
    view.setUint32(at + 8, type, true);
    view.setUint32(at + 12, symbol, true);
    if (wideAddend === undefined) setWord64(view, at + 16, addend);
    else view.setBigInt64(at + 16, BigInt.asIntN(64, wideAddend), true);
  }
  return { entries: view, hasAddends };
}
