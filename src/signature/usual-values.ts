// The usual values of the usual types, written and read by one function with a switch on a small number. It is called for all signatures
// alike: (int, int) → int, both ways, takes 12 ns in a program that calls others too, and 30 through a closure for each parameter. All
// else, wrong values first, goes to value-codec.ts.

import { TWO_32 } from "../bytes/address.ts";
import type { ValueType } from "./value-type.ts";

/** Which types are usual, as small numbers. */
export const Usual = { none: 0, int32: 1, uint32: 2, int64: 3, address: 4, double: 5, float: 6 } as const;

/** The number of a type. */
export function usualOf(type: ValueType): number {
  switch (type.kind) {
    case "int32":
      return Usual.int32;
    case "uint32":
      return Usual.uint32;
    case "int64":
      return Usual.int64;
    case "uint64":
    case "pointer":
      return Usual.address;
    case "double":
      return Usual.double;
    case "float":
      return Usual.float;
    default:
      return Usual.none;
  }
}

/** Writes the value and answers true, or leaves it: to whoever knows the type's every value and the error texts. */
export function writeUsual(usual: number, value: unknown, view: DataView, at: number): boolean {
  if (typeof value !== "number") return false;
  switch (usual) {
    case Usual.int32:
      if ((value | 0) !== value) return false;
      view.setInt32(at, value, true);
      return true;
    case Usual.double:
      view.setFloat64(at, value, true);
      return true;
    case Usual.address:
      if (!(value >= 0 && Number.isSafeInteger(value))) return false;
      view.setUint32(at, value, true);
      view.setUint32(at + 4, (value / TWO_32) | 0, true);
      return true;
    case Usual.uint32:
      if (value >>> 0 !== value) return false;
      view.setUint32(at, value, true);
      return true;
    case Usual.int64:
      if (!Number.isSafeInteger(value)) return false;
      view.setUint32(at, value, true);
      view.setInt32(at + 4, Math.floor(value / TWO_32), true);
      return true;
    case Usual.float:
      view.setFloat32(at, value, true);
      return true;
    default:
      return false;
  }
}

/** Reads a number of up to 32 bits or a double; undefined for all other types. */
export function readUsual(usual: number, view: DataView, at: number): number | undefined {
  switch (usual) {
    case Usual.int32:
      return view.getInt32(at, true);
    case Usual.double:
      return view.getFloat64(at, true);
    case Usual.uint32:
      return view.getUint32(at, true);
    case Usual.float:
      return view.getFloat32(at, true);
    default:
      return undefined;
  }
}
