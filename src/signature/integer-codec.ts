import { TWO_32 } from "../bytes/address.ts";
import type { ScalarKind } from "./value-type.ts";

/** Where a value belongs (`argument 2 "count"`); asked only for an error's text. */
export type Place = () => string;

/** The integers that a type holds, both ends included. */
export const RANGES: Partial<Record<ScalarKind, readonly [bigint, bigint]>> = {
  int8: [-0x80n, 0x7fn],
  uint8: [0n, 0xffn],
  int16: [-0x8000n, 0x7fffn],
  uint16: [0n, 0xffffn],
  int32: [-0x8000_0000n, 0x7fff_ffffn],
  uint32: [0n, 0xffff_ffffn],
  int64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
  uint64: [0n, 0xffff_ffff_ffff_ffffn],
};

/** The error for a value that no integer type of this kind holds: TypeError for another type, RangeError with both ends for a number. */
export function integerError(value: unknown, kind: ScalarKind, place: Place): Error {
  if (typeof value !== "number" && typeof value !== "bigint") return kindError(value, `a number for ${kind}`, place);
  const [least, most] = RANGES[kind]!;
  if (typeof value === "number" && Number.isInteger(value) && BigInt(value) >= least && BigInt(value) <= most) {
    return new RangeError(`${place()}: ${value} is beyond ±(2^53 - 1), where numbers are not exact: use a bigint`);
  }
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  return new RangeError(`${place()}: ${value} is not ${isWhole ? "" : "an integer "}in [${least}, ${most}] of ${kind}`);
}

/** The error for a value of another type than is wanted. */
export function kindError(value: unknown, wanted: string, place: Place): TypeError {
  return new TypeError(`${place()}: expected ${wanted}, got ${describe(value)}`);
}

function describe(value: unknown): string {
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return `an object (${value.constructor?.name ?? "without a class"})`;
  return typeof value === "symbol" ? "a symbol" : String(value);
}

/** Writes a 64-bit integer from a safe number or a bigint in the type's range. Errors: as of integerError. */
export function setInt64(view: DataView, at: number, value: unknown, kind: "int64" | "uint64", place: Place): void {
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || (value < 0 && kind === "uint64")) throw integerError(value, kind, place);
    view.setUint32(at, value, true);
    view.setInt32(at + 4, Math.floor(value / TWO_32), true);
    return;
  }
  if (typeof value !== "bigint") throw integerError(value, kind, place);
  if (kind === "int64") {
    if (BigInt.asIntN(64, value) !== value) throw integerError(value, kind, place);
    view.setBigInt64(at, value, true);
  } else {
    if (BigInt.asUintN(64, value) !== value) throw integerError(value, kind, place);
    view.setBigUint64(at, value, true);
  }
}

/** Reads a signed 64-bit integer: a number where it is safe, else a bigint. */
export function getInt64(view: DataView, at: number): number | bigint {
  const value = view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : view.getBigInt64(at, true);
}

/** Reads an unsigned 64-bit integer: a number where it is safe, else a bigint. */
export function getUint64(view: DataView, at: number): number | bigint {
  const value = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
  return Number.isSafeInteger(value) ? value : view.getBigUint64(at, true);
}

/**
 * Reads an address as a number. Canonical ones are exact, with the upper half negative, so that `(void *)-1` is -1; other patterns (tagged
 * pointers) are rounded: uint64 is the type for those.
 */
export function getAddress(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}
