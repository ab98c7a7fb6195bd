/** What a scalar is in memory and in JavaScript. */
export type ScalarKind =
  | "bool"
  | "int8"
  | "uint8"
  | "int16"
  | "uint16"
  | "int32"
  | "uint32"
  | "int64"
  | "uint64"
  | "float"
  | "double"
  | "pointer"
  | "string";

/** A number, a truth value, or an address; `string` is the address of a C string. Size and alignment in bytes. */
export interface ScalarType {
  /** Tells it from other types. */
  readonly kind: ScalarKind;
  /** Bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly alignment: number;
}

/** A pointer to a function of a known signature: in JavaScript a function or an address. */
export interface FunctionType {
  /** Tells it from other types. */
  readonly kind: "function";
  /** Bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly alignment: number;
  /** Of the function that it points to. */
  readonly signature: ResolvedSignature;
}

/** A structure in C's layout: members in order, each at the next multiple of its alignment (psABI 3.1.2, "Aggregates and Unions"). */
export interface StructType {
  /** Tells it from other types. */
  readonly kind: "struct";
  /** Bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly alignment: number;
  /** In order. */
  readonly members: readonly StructMember[];
}

/** A member and its offset in bytes. */
export interface StructMember {
  /** As declared. */
  readonly name: string;
  /** Bytes from the struct's start. */
  readonly offset: number;
  /** What it holds. */
  readonly type: ValueType | ArrayType;
}

/** An array; only inside of a structure, since C passes no array by value. */
export interface ArrayType {
  /** Tells it from other types. */
  readonly kind: "array";
  /** Bytes. */
  readonly size: number;
  /** Bytes, a power of two. */
  readonly alignment: number;
  /** The type of its elements. */
  readonly element: ValueType | ArrayType;
  /** Their number. */
  readonly length: number;
}

/** A type that a parameter or a result may have. */
export type ValueType = ScalarType | FunctionType | StructType;

/** One parameter; C text may have given it a name. */
export interface Parameter {
  /** For errors; undefined if the signature has none. */
  readonly name: string | undefined;
  /** What it takes. */
  readonly type: ValueType;
}

/** A signature whose types are known in size and layout. */
export interface ResolvedSignature {
  /** The function's name, where C text gave one. */
  readonly name: string | undefined;
  /** In order. */
  readonly parameters: readonly Parameter[];
  /** undefined: void. */
  readonly result: ValueType | undefined;
  /** Further arguments may follow (`...`); their types come with each call. */
  readonly variadic: boolean;
}

const SIZES: Readonly<Record<ScalarKind, number>> = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float: 4,
  double: 8,
  pointer: 8,
  string: 8,
};

const scalars = new Map<ScalarKind, ScalarType>();
for (const [kind, size] of Object.entries(SIZES) as [ScalarKind, number][]) {
  scalars.set(kind, Object.freeze({ kind, size, alignment: size }));
}

/** The scalar type of a kind: one object for each. */
export function scalarType(kind: ScalarKind): ScalarType {
  return scalars.get(kind)!;
}

/** A pointer to a function. */
export function functionType(signature: ResolvedSignature): FunctionType {
  return { kind: "function", size: 8, alignment: 8, signature };
}
