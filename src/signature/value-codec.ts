// How values lie in memory, little-endian. Encoders and decoders are chosen once for each parameter, so that a call asks no type's name.

import { getAddress, getInt64, getUint64, integerError, kindError, type Place, setInt64 } from "./integer-codec.ts";
import type { PointerContext } from "./pointer-context.ts";
import type { ArrayType, FunctionType, ScalarType, StructType, ValueType } from "./value-type.ts";

/** Writes a value at byte `at`. Errors: TypeError for a wrong kind, RangeError for a number that does not fit. */
export type Encoder = (value: unknown, view: DataView, at: number, pointers: PointerContext) => void;

/** Reads the value at byte `at`. */
export type Decoder = (view: DataView, at: number, pointers: PointerContext) => unknown;

/** The encoder of a type; `place` names the parameter, result or member in errors. */
export function encoderOf(type: ValueType | ArrayType, place: Place): Encoder {
  switch (type.kind) {
    case "struct":
      return structEncoder(type, place);
    case "array":
      return arrayEncoder(type, place);
    case "pointer":
    case "string":
    case "function":
      return pointerEncoder(type, place);
    case "bool":
      return (value, view, at) => {
        if (typeof value !== "boolean") throw kindError(value, "true or false", place);
        view.setUint8(at, value ? 1 : 0);
      };
    case "float":
    case "double":
      return floatEncoder(type.kind, place);
    case "int64":
    case "uint64": {
      const { kind } = type;
      return (value, view, at) => setInt64(view, at, value, kind, place);
    }
    default:
      return integerEncoder(type as ScalarType & { kind: SmallKind }, place);
  }
}

/** The decoder of a type: the inverse of its encoder; addresses are numbers, strings are read. */
export function decoderOf(type: ValueType | ArrayType): Decoder {
  switch (type.kind) {
    case "struct":
      return structDecoder(type);
    case "array":
      return arrayDecoder(type);
    case "pointer":
    case "function":
      return getAddress;
    case "string":
      return (view, at, pointers) => pointers.readString(getAddress(view, at));
    case "bool":
      return (view, at) => view.getUint8(at) !== 0;
    case "int8":
      return (view, at) => view.getInt8(at);
    case "uint8":
      return (view, at) => view.getUint8(at);
    case "int16":
      return (view, at) => view.getInt16(at, true);
    case "uint16":
      return (view, at) => view.getUint16(at, true);
    case "int32":
      return (view, at) => view.getInt32(at, true);
    case "uint32":
      return (view, at) => view.getUint32(at, true);
    case "int64":
      return getInt64;
    case "uint64":
      return getUint64;
    case "float":
      return (view, at) => view.getFloat32(at, true);
    case "double":
      return (view, at) => view.getFloat64(at, true);
  }
}

type SmallKind = "int8" | "uint8" | "int16" | "uint16" | "int32" | "uint32";

const SMALL_WRITERS: Record<SmallKind, (view: DataView, at: number, value: number) => void> = {
  int8: (view, at, value) => view.setInt8(at, value),
  uint8: (view, at, value) => view.setUint8(at, value),
  int16: (view, at, value) => view.setInt16(at, value, true),
  uint16: (view, at, value) => view.setUint16(at, value, true),
  int32: (view, at, value) => view.setInt32(at, value, true),
  uint32: (view, at, value) => view.setUint32(at, value, true),
};

/** The smallest and largest number of an integer type of up to 32 bits. */
function rangeOf(kind: SmallKind): [least: number, most: number] {
  const bits = Number(/\d+/.exec(kind)![0]);
  return kind.startsWith("u") ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1];
}

function integerEncoder({ kind }: { kind: SmallKind }, place: Place): Encoder {
  const write = SMALL_WRITERS[kind];
  const [least, most] = rangeOf(kind);
  return (value, view, at) => {
    if (typeof value === "bigint" && value >= least && value <= most) value = Number(value);
    if (typeof value !== "number" || !(value >= least && value <= most) || value !== Math.trunc(value)) {
      throw integerError(value, kind, place);
    }
    write(view, at, value);
  };
}

function floatEncoder(kind: "float" | "double", place: Place): Encoder {
  return (value, view, at) => {
    if (typeof value !== "number") throw kindError(value, `a number for ${kind}`, place);
    if (kind === "float") view.setFloat32(at, value, true);
    else view.setFloat64(at, value, true);
  };
}

/**
 * Addresses and null are written as they are; for all else the executor's side is asked. Where code is expected that is only a function: text and
 * arrays have addresses too, and would be jumped to.
 */
function pointerEncoder(type: ScalarType | FunctionType, place: Place): Encoder {
  const isData = type.kind !== "function";
  return (value, view, at, pointers) => {
    let address = value;
    if (value === null) address = 0;
    else if (typeof value === "function" || (isData && (typeof value === "object" || typeof value === "string"))) {
      try {
        address = pointers.addressOf(value, type);
      } catch (error) {
        if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
        const sameClass = error instanceof TypeError ? TypeError : RangeError;
        throw new sameClass(`${place()}: ${error.message}`, { cause: error });
      }
    }
    if (typeof address !== "number" && typeof address !== "bigint") {
      throw kindError(value, EXPECTED[type.kind] ?? EXPECTED.pointer, place);
    }
    // The upper half of the address space may be written either way.
    setInt64(view, at, address, address < 0 ? "int64" : "uint64", place);
  };
}

const EXPECTED: Record<string, string> = {
  pointer: "an address, null, a typed array, an ArrayBuffer or a string",
  string: "a string, an address or null",
  function: "a function, an address or null",
};

function structEncoder(type: StructType, place: Place): Encoder {
  const members = type.members.map(({ name, offset, type: member }) => ({
    name,
    offset,
    encode: encoderOf(member, () => `${place()}.${name}`),
  }));
  return (value, view, at, pointers) => {
    if (typeof value !== "object" || value === null) throw kindError(value, "an object for a struct", place);
    for (const { name, offset, encode } of members) {
      encode((value as Record<string, unknown>)[name], view, at + offset, pointers);
    }
  };
}

function structDecoder(type: StructType): Decoder {
  const members = type.members.map(({ name, offset, type: member }) => ({ name, offset, decode: decoderOf(member) }));
  return (view, at, pointers) => {
    const value: Record<string, unknown> = {};
    for (const { name, offset, decode } of members) value[name] = decode(view, at + offset, pointers);
    return value;
  };
}

function arrayEncoder({ element, length }: ArrayType, place: Place): Encoder {
  let index = 0;
  const encode = encoderOf(element, () => `${place()}[${index}]`);
  return (value, view, at, pointers) => {
    const { length: given } = (typeof value === "object" && value !== null ? value : {}) as { length?: unknown };
    if (typeof given !== "number") throw kindError(value, `an array of ${length}`, place);
    if (given !== length) throw new RangeError(`${place()}: an array of ${given} is not one of ${length}`);
    for (let i = 0; i < length; i++) {
      index = i;
      encode((value as ArrayLike<unknown>)[i], view, at + i * element.size, pointers);
    }
  };
}

function arrayDecoder({ element, length }: ArrayType): Decoder {
  const decode = decoderOf(element);
  return (view, at, pointers) => {
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(decode(view, at + i * element.size, pointers));
    return values;
  };
}
