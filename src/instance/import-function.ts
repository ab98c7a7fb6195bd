import type { ImportFunctionOf, NoTypes } from "../signature/inferred.ts";
import { kindError } from "../signature/integer-codec.ts";
import type { Signature, TypeTable } from "../signature/native-type.ts";

/** A JavaScript function that linked code calls like any C function of this signature. */
export interface ImportFunction<S extends Signature = Signature, T extends TypeTable = NoTypes> {
  /** Its C signature. */
  readonly signature: S;
  /** What linked code calls. */
  readonly call: ImportFunctionOf<S, T> | AsyncImport<S, T>;
}

/** A result that comes later: the native thread that called waits for it. */
type AsyncImport<S extends Signature, T extends TypeTable> = (
  ...values: Parameters<ImportFunctionOf<S, T>>
) => Promise<ReturnType<ImportFunctionOf<S, T>>>;

// biome-ignore lint/suspicious/noExplicitAny: the function's own types have been checked where it was made
type AnyImport = ImportFunction<any, any>;

/** What an undefined symbol of a module can be: a JavaScript function with a signature, or an address in the process. */
export type Import = AnyImport | number | bigint;

/**
 * Gives a JavaScript function a C signature, by which its parameters are typed. It may be called from any thread of linked code. What it
 * throws is thrown where JavaScript called the native code that called it; the native caller gets 0. It may be async where the call that it is
 * part of is.
 *
 *     imports: { log: importFunction("void log(const char *)", (text) => console.log(text)) }
 *
 * Errors: TypeError without a signature or a function; what is wrong with the signature is told where it is linked, which knows `types`.
 */
export function importFunction<const S extends Signature, T extends TypeTable = NoTypes>(
  signature: S,
  call: ImportFunctionOf<S, T> | AsyncImport<S, T>,
): ImportFunction<S, T> {
  const given: unknown = signature;
  if (typeof given !== "string" && (typeof given !== "object" || given === null)) {
    throw kindError(given, "a signature", () => "importFunction: argument 1");
  }
  if (typeof call !== "function") {
    const name = typeof signature === "string" ? ` (of ${signature})` : "";
    throw kindError(call, "a function", () => `importFunction: argument 2${name}`);
  }
  return { signature, call };
}
