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
  readonly kind: ScalarKind;
  readonly size: number;
  readonly alignment: number;
}

/** A pointer to a function of a known signature: in JavaScript a function or an address. */
export interface FunctionType {
  readonly kind: "function";
  readonly size: number;
  readonly alignment: number;
  readonly signature: ResolvedSignature;
}

/** A structure in C's layout: members in order, each at the next multiple of its alignment (psABI 3.1.2, "Aggregates and Unions"). */
export interface StructType {
  readonly kind: "struct";
  readonly size: number;
  readonly alignment: number;
  readonly members: readonly StructMember[];
}

/** A member and its offset in bytes. */
export interface StructMember {
  readonly name: string;
  readonly offset: number;
  readonly type: ValueType | ArrayType;
}

/** An array; only inside of a structure, since C passes no array by value. */
export interface ArrayType {
  readonly kind: "array";
  readonly size: number;
  readonly alignment: number;
  readonly element: ValueType | ArrayType;
  readonly length: number;
}

/** A type that a parameter or a result may have. */
export type ValueType = ScalarType | FunctionType | StructType;

/** One parameter; C text may have given it a name. */
export interface Parameter {
  readonly name: string | undefined;
  readonly type: ValueType;
}

/** A signature whose types are known in size and layout. */
export interface ResolvedSignature {
  /** The function's name, where C text gave one. */
  readonly name: string | undefined;
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
