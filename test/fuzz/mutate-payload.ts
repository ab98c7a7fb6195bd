import type { Random } from "../support/mutate.ts";
import type { Field } from "./field-writer.ts";

/** Ends of ranges, pages, signs and sizes, as 64-bit patterns. */
export const BOUNDARIES: readonly bigint[] = [
  ...[0n, 1n, 2n, 7n, 8n, 9n, 31n, 32n, 33n, 0xfffn, 0x1000n, 0x1001n, 0x7fffn, 0xffffn],
  ...[0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 1n << 47n, (1n << 47n) - 0x1000n, 1n << 62n],
  ...[(1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 0x1001n, (1n << 64n) - 0x1000n, (1n << 64n) - 8n, (1n << 64n) - 1n],
];

export interface Payload {
  bytes: Uint8Array;
  fields: readonly Field[];
}

/** A copy with one to three places changed; `values` are worth more than the boundaries (addresses that the peer knows). */
export function mutatePayload(
  original: Payload,
  other: Payload,
  values: readonly bigint[],
  random: Random,
): Uint8Array {
  let bytes = original.bytes.slice();
  for (let count = 1 + random.below(3); count > 0; count--) bytes = mutateOnce(bytes, original, other, values, random);
  return bytes;
}

function mutateOnce(
  bytes: Uint8Array<ArrayBuffer>,
  { fields }: Payload,
  other: Payload,
  values: readonly bigint[],
  random: Random,
): Uint8Array<ArrayBuffer> {
  const kind = random.below(16);
  if (kind < 10 && fields.length > 0) {
    setField(bytes, fields[random.below(fields.length)], values, random);
    return bytes;
  }
  if (bytes.length === 0) return Uint8Array.from({ length: random.below(64) }, () => random.below(256));
  const at = random.below(bytes.length);
  switch (kind) {
    case 10:
      return bytes.slice(0, at);
    case 11:
      return concatenate(bytes.subarray(0, at), other.bytes.subarray(random.below(other.bytes.length + 1)));
    case 12: {
      const end = at + random.below(bytes.length - at) + 1;
      return concatenate(bytes.subarray(0, end), bytes.subarray(at));
    }
    case 13:
      return concatenate(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.below(16))));
    case 14:
      bytes[at] = random.below(256);
      return bytes;
    default:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
  }
}

function setField(bytes: Uint8Array, { at, size }: Field, values: readonly bigint[], random: Random): void {
  if (at + size > bytes.length) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (size === 1) bytes[at] = random.below(256);
  else if (size === 4) view.setUint32(at, Number(pick(BOUNDARIES, random) & 0xffff_ffffn), true);
  else view.setBigUint64(at, interesting(view.getBigUint64(at, true), values, random), true);
}

/** A boundary, an address, or a neighbour of either or of what was there. */
function interesting(before: bigint, values: readonly bigint[], random: Random): bigint {
  const source = random.below(10);
  let value = before;
  if (source < 4) value = pick(BOUNDARIES, random);
  else if (source < 8) value = pick(values, random);
  const steps = [0n, 0n, 1n, -1n, 8n, -8n, 0x1000n, -0x1000n];
  return BigInt.asUintN(64, value + pick(steps, random));
}

export function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)];
}

function concatenate(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
