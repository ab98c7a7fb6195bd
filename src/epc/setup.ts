import { hex, isPowerOfTwo } from "../bytes/address.ts";
import { ProtocolError } from "./protocol-error.ts";
import { SpsReader } from "./sps-reader.ts";

/** What an executor says about itself in its first frame. */
export interface Setup {
  readonly triple: string;
  readonly pageSize: number;
  /** Whether it has the next field, as it does since LLVM 17. */
  readonly hasValues: boolean;
  /** Keys and SPS blobs; empty on Linux. */
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly symbols: ReadonlyMap<string, number>;
}

/** Decodes the payload of a Setup frame, of either form. Errors: ProtocolError. */
export function decodeSetup(payload: Uint8Array): Setup {
  try {
    return decodeForm(payload, true);
  } catch (error) {
    // A name's address in place of a value's size is far more than the bytes present.
    try {
      return decodeForm(payload, false);
    } catch {
      throw error;
    }
  }
}

function decodeForm(payload: Uint8Array, hasValues: boolean): Setup {
  const reader = new SpsReader(payload, "the executor's Setup message");
  const triple = reader.string("triple");
  const pageSize = reader.u64("page size");
  if (!isPowerOfTwo(pageSize)) throw new ProtocolError(`the executor's page size ${hex(pageSize)} is no power of two`);
  const values = new Map<string, Uint8Array>();
  for (let count = hasValues ? reader.count("bootstrap map", 16) : 0; count > 0; count--) {
    insert(values, reader.string("bootstrap key"), reader.blob("bootstrap value"));
  }
  const symbols = new Map<string, number>();
  for (let count = reader.count("bootstrap symbols", 16); count > 0; count--) {
    insert(symbols, reader.string("bootstrap symbol"), reader.u64("bootstrap symbol's address"));
  }
  // LLVM ignores what follows the first form; what looks like the second must be all of it.
  if (!hasValues && reader.remaining > 0)
    throw new ProtocolError("the executor's Setup message goes on behind its symbols");
  return { triple, pageSize, hasValues, values, symbols };
}

function insert<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.has(key)) throw new ProtocolError(`the executor's Setup message has "${key}" twice`);
  map.set(key, value);
}
