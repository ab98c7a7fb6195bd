import { nativeFunction } from "../host/native-function.ts";
import type { ResolvedSignature, ScalarKind, ValueType } from "../signature/value-type.ts";

/** A scalar in koffi's words, and which values it takes as they are: all others need a look at them (`block-call.ts`). */
interface Scalar {
  readonly parameter: string;
  readonly result: string;
  takes(value: unknown): boolean;
}

const SCALARS: Readonly<Record<ScalarKind, Scalar>> = {
  bool: { parameter: "bool", result: "bool", takes: (value) => value === true || value === false },
  int8: { parameter: "int8", result: "int8", takes: (value) => ((value as number) << 24) >> 24 === value },
  uint8: { parameter: "uint8", result: "uint8", takes: (value) => ((value as number) & 0xff) === value },
  int16: { parameter: "int16", result: "int16", takes: (value) => ((value as number) << 16) >> 16 === value },
  uint16: { parameter: "uint16", result: "uint16", takes: (value) => ((value as number) & 0xffff) === value },
  int32: { parameter: "int32", result: "int32", takes: (value) => ((value as number) | 0) === value },
  uint32: { parameter: "uint32", result: "uint32", takes: (value) => (value as number) >>> 0 === value },
  int64: { parameter: "int64", result: "int64", takes: Number.isSafeInteger },
  uint64: {
    parameter: "uint64",
    result: "uint64",
    takes: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  float: { parameter: "float", result: "float", takes: (value) => typeof value === "number" },
  double: { parameter: "double", result: "double", takes: (value) => typeof value === "number" },
  pointer: { parameter: "intptr_t", result: "intptr_t", takes: Number.isSafeInteger },
  string: { parameter: "intptr_t", result: "str", takes: Number.isSafeInteger },
};

/** Results that koffi gives in another form than slablink. */
const CONVERTED: Partial<Record<ScalarKind, (value: unknown) => unknown>> = {
  int64: exact,
  uint64: exact,
  pointer: Number,
};

/** A number only where it is exact. */
function exact(value: unknown): unknown {
  return typeof value === "number" && !Number.isSafeInteger(value) ? BigInt(value) : value;
}

type Call = (...values: unknown[]) => unknown;

/** koffi's function, as soon as there is one. */
interface Native {
  call: Call;
}

/** Says whether calls are made on this thread at the moment. */
interface Direct {
  readonly isDirect: boolean;
}

/**
 * The fast way to call a function of this process: koffi's, for values that are passed as they are. All others go to `otherwise`, which also
 * has the errors, as do calls that are not to be made on this thread. undefined where a parameter or the result is no scalar.
 */
export function scalarCall(
  address: number,
  signature: ResolvedSignature,
  otherwise: Call,
  direct: Direct,
): Call | undefined {
  const { parameters, result, variadic } = signature;
  const scalars = parameters.map(({ type }) => scalarOf(type));
  const resultScalar = result === undefined ? undefined : scalarOf(result);
  if (variadic || scalars.includes(undefined) || (result !== undefined && resultScalar === undefined)) return undefined;
  const native: Native = {
    // Made by the first call: that takes 50 µs, and an instance may have many functions.
    call: (...values) => {
      const words = scalars.map((scalar) => scalar!.parameter);
      native.call = nativeFunction(address, resultScalar?.result ?? "void", words);
      return native.call(...values);
    },
  };
  const convert = result === undefined ? undefined : CONVERTED[result.kind as ScalarKind];
  const checked = checkedCall(
    native,
    scalars.map((scalar) => scalar!.takes),
    otherwise,
    direct,
  );
  // A value that `otherwise` gives has its form already, and the conversion leaves it.
  return convert === undefined ? checked : (...values) => convert(checked(...values));
}

function scalarOf(type: ValueType): Scalar | undefined {
  return type.kind === "struct" || type.kind === "function" ? undefined : SCALARS[type.kind];
}

/** A function for each usual count: spreading the values costs half as much as the call. */
function checkedCall(native: Native, takes: readonly Scalar["takes"][], otherwise: Call, direct: Direct): Call {
  const [first, second, third] = takes as [Scalar["takes"], Scalar["takes"], Scalar["takes"]];
  switch (takes.length) {
    case 0:
      return (...v) => (direct.isDirect && v.length === 0 ? native.call() : otherwise(...v));
    case 1:
      return (...v) => (direct.isDirect && v.length === 1 && first(v[0]) ? native.call(v[0]) : otherwise(...v));
    case 2:
      return (...v) =>
        direct.isDirect && v.length === 2 && first(v[0]) && second(v[1]) ? native.call(v[0], v[1]) : otherwise(...v);
    case 3:
      return (...v) =>
        direct.isDirect && v.length === 3 && first(v[0]) && second(v[1]) && third(v[2])
          ? native.call(v[0], v[1], v[2])
          : otherwise(...v);
    default:
      return (...v) =>
        direct.isDirect && v.length === takes.length && v.every((value, i) => takes[i]!(value))
          ? native.call(...v)
          : otherwise(...v);
  }
}
