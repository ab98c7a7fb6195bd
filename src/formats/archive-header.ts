import { hex } from "../bytes/address.ts";
import type { ByteReader } from "../bytes/byte-reader.ts";
import { HEADER_SIZE, MAGIC_SIZE } from "./archive-sizes.ts";

/**
 * The 60 bytes before each archive member (System V `ar.h`, the same in GNU and BSD archives), all of it text:
 *
 *     offset  0      16    28   34   40    48    58
 *            | name | date | uid | gid | mode | size | "`\n" |
 *
 * Only the name, the size and the terminator matter to a linker.
 */
export { HEADER_SIZE, MAGIC_SIZE } from "./archive-sizes.ts";
/** The name field, at the header's start. */
export const NAME_WIDTH = 16;
const SIZE_OFFSET = 48;
const SIZE_WIDTH = 10;
const TERMINATOR_OFFSET = 58;

const SPACE = 0x20;

/** Checks a header's place and terminator and returns its size field, in bytes. */
export function readHeader(archive: ByteReader, offset: number): number {
  if (!(offset >= MAGIC_SIZE && offset + HEADER_SIZE <= archive.length)) {
    archive.fail(
      `a member header of ${HEADER_SIZE} bytes at ${hex(offset)} is outside the archive of ${hex(archive.length)} bytes`,
    );
  }
  const terminator = archive.u16(offset + TERMINATOR_OFFSET, "header terminator");
  if (terminator !== 0x0a60) {
    archive.fail(`the member header at ${hex(offset)} ends in ${hex(terminator)}, expected 0xa60 ("\`\\n")`);
  }
  return readDecimal(archive, offset + SIZE_OFFSET, SIZE_WIDTH, "member size");
}

/**
 * A decimal numeral of at most `width` characters, filled up with spaces (or ended early by a NUL or by `stop`).
 * Fails on anything else, and on an empty one.
 */
export function readDecimal(archive: ByteReader, offset: number, width: number, field: string, stop = SPACE): number {
  const digits = archive.bytes(offset, width, field);
  let value = 0;
  let i = 0;
  for (; i < width && digits[i] >= 0x30 && digits[i] <= 0x39; i++) value = value * 10 + (digits[i] - 0x30);
  let bad = i === 0;
  for (let j = i; j < width && digits[j] !== stop; j++) bad ||= digits[j] !== SPACE && digits[j] !== 0;
  if (bad) archive.fail(`${field} at ${hex(offset)} is ${quote(digits)}, expected a decimal number`);
  return value;
}

/** Bytes as a quoted string for an error text. */
export function quote(bytes: Uint8Array): string {
  return JSON.stringify(String.fromCharCode(...bytes.subarray(0, 64)));
}
