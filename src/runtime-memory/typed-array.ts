/** The constructors of typed arrays; a DataView or a Buffer can be made over an array's `buffer`. */
export type TypedArrayConstructor =
  | Int8ArrayConstructor
  | Uint8ArrayConstructor
  | Uint8ClampedArrayConstructor
  | Int16ArrayConstructor
  | Uint16ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor
  | BigInt64ArrayConstructor
  | BigUint64ArrayConstructor;

/** What such a constructor makes. */
export type TypedArrayOf<C extends TypedArrayConstructor> = InstanceType<C>;

/** Any typed array. */
export type TypedArray = TypedArrayOf<TypedArrayConstructor>;

const isConstructor = (value: unknown): value is TypedArrayConstructor =>
  typeof value === "function" && Object.getPrototypeOf(value) === Object.getPrototypeOf(Uint8Array);

/** Errors: TypeError that names what is no typed array's constructor: a DataView, an Array or a Buffer has other elements, or none. */
export function checkConstructor(type: unknown): void {
  if (isConstructor(type)) return;
  throw new TypeError(`${nameOf(type)} is no constructor of typed arrays, such as Float64Array`);
}

function nameOf(value: unknown): string {
  if (typeof value === "function") return value.name === "" ? "a function without a name" : value.name;
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** Bytes of `length` elements. Errors: TypeError for what is no typed array's constructor, RangeError for what is no length. */
export function byteSizeOf(type: TypedArrayConstructor, length: number): number {
  checkConstructor(type);
  const size = length * type.BYTES_PER_ELEMENT;
  if (Number.isSafeInteger(length) && length >= 0 && Number.isSafeInteger(size)) return size;
  throw new RangeError(`${type.name} of length ${length}: the length must be a whole number from 0 on`);
}

/** A typed array over memory that is there. TypeScript knows no common signature of all these constructors. */
export function makeArray<C extends TypedArrayConstructor>(
  type: C,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): TypedArrayOf<C> {
  const make = type as unknown as new (buffer: ArrayBufferLike, byteOffset: number, length: number) => unknown;
  return new make(buffer, byteOffset, length) as TypedArrayOf<C>;
}
