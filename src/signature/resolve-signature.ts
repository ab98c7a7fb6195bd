import { parseSignature, parseType } from "./c-parser.ts";
import type { MemberType, NativeType, Signature, TypeTable } from "./native-type.ts";
import { arrayType, structType } from "./struct-layout.ts";
import { REFUSED, scalarNamed } from "./type-names.ts";
import {
  type ArrayType,
  functionType,
  type Parameter,
  type ResolvedSignature,
  scalarType,
  type ValueType,
} from "./value-type.ts";

const NO_TYPES: TypeTable = {};

/** Texts without named types of their own, by text: reading one takes 50 µs, and programs have few. */
const texts = new Map<string, ResolvedSignature>();
const MOST_TEXTS = 4096;

/**
 * Finds the sizes and layouts of a signature's types.
 * @param signature an object, or C text for one function (behind structures and typedefs that it uses, if any)
 * @param types names that C text may use beside the standard ones
 * Errors: TypeError for an unknown or unsupported type, with its place (`arguments[1]`, or the text and the column).
 */
export function resolveSignature(signature: Signature, types: TypeTable = NO_TYPES): ResolvedSignature {
  if (typeof signature !== "string" || types !== NO_TYPES) return signatureAt(signature, new Resolver(types), "");
  let resolved = texts.get(signature);
  if (resolved === undefined) {
    resolved = signatureAt(signature, new Resolver(types), "");
    if (texts.size === MOST_TEXTS) texts.clear();
    texts.set(signature, resolved);
  }
  return resolved;
}

/** Finds the size and layout of one type; errors as of resolveSignature. */
export function resolveType(type: NativeType, types: TypeTable = NO_TYPES): ValueType {
  return new Resolver(types).value(type, "the type");
}

function signatureAt(signature: Signature, resolver: Resolver, place: string): ResolvedSignature {
  if (typeof signature === "string") return parseSignature(signature, resolver.named);
  if (typeof signature !== "object" || signature === null) {
    throw new TypeError(`${place || "a signature"} is ${describe(signature)}, not an object or C text`);
  }
  const prefix = place === "" ? "" : `${place}.`;
  const types = signature.arguments ?? [];
  if (!Array.isArray(types)) throw new TypeError(`${prefix}arguments is ${describe(types)}, not an array of types`);
  const parameters = types.map(
    (type, i): Parameter => ({ name: undefined, type: resolver.value(type, `${prefix}arguments[${i}]`) }),
  );
  const { return: result = "void", variadic = false } = signature;
  return {
    name: undefined,
    parameters,
    result: result === "void" ? undefined : resolver.value(result, `${prefix}return`),
    variadic: Boolean(variadic),
  };
}

class Resolver {
  readonly #types: TypeTable;
  /** Names of the table that have been resolved; undefined while one is being: it would contain itself. */
  readonly #known = new Map<string, ValueType | ArrayType | undefined>();

  constructor(types: TypeTable) {
    this.#types = types;
  }

  /** What C text asks for its names. */
  readonly named = (name: string): ValueType | ArrayType | undefined => {
    if (!Object.hasOwn(this.#types, name)) return undefined;
    if (this.#known.has(name)) {
      const type = this.#known.get(name);
      if (type === undefined) throw new TypeError(`the type "${name}" contains itself: point at it instead`);
      return type;
    }
    this.#known.set(name, undefined);
    const spelled = this.#types[name];
    const text = typeof spelled === "string" && scalarNamed(spelled) === undefined;
    const type = text ? parseType(spelled, this.named) : this.value(spelled as NativeType, `the type "${name}"`);
    this.#known.set(name, type);
    return type;
  };

  value(type: NativeType, place: string): ValueType {
    const resolved = this.#member(type, place);
    if (resolved.kind === "array") {
      throw new TypeError(`${place} is an array, which C passes as a pointer: use "pointer", or a struct around it`);
    }
    return resolved;
  }

  #member(type: MemberType, place: string): ValueType | ArrayType {
    if (typeof type === "string") return this.#scalar(type, place);
    if (typeof type === "object" && type !== null) {
      if ("struct" in type) {
        const members = Object.entries(type.struct);
        return at(place, () =>
          structType(
            members.map(([name, member]) => [name, this.#member(member, `${place}.${name}`)] as const),
            type.align,
          ),
        );
      }
      if ("array" in type) {
        const element = this.#member(type.array, `${place}[]`);
        return at(place, () => arrayType(element, type.length));
      }
      if ("function" in type) return functionType(signatureAt(type.function, this, place));
      if ("pointer" in type) return scalarType("pointer");
    }
    throw new TypeError(
      `${place} is ${describe(type)}, not a type: a name, or an object with struct, array, pointer or function`,
    );
  }

  #scalar(name: string, place: string): ValueType {
    const type = scalarNamed(name);
    if (type !== undefined) return type;
    if (name === "void") throw new TypeError(`${place} is void, which only a result may be`);
    if (Object.hasOwn(REFUSED, name)) throw new TypeError(`${place}: ${REFUSED[name]}`);
    throw new TypeError(
      `${place}: there is no type "${name}"; C's own types are named as in C, others int8 to uint64, pointer, string`,
    );
  }
}

/** Says where an error of a layout is; one that says so already is left. */
function at<T>(place: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError) || error.message.startsWith(place)) throw error;
    throw new TypeError(`${place}: ${error.message}`, { cause: error });
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === "object" ? "another object" : `${typeof value} ${String(value)}`;
}
