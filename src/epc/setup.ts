import { hex, isPowerOfTwo } from "../bytes/address.ts";
import { ProtocolError } from "./protocol-error.ts";
import { SpsReader } from "./sps-reader.ts";

/** What an executor says about itself in its first frame (SimpleRemoteEPC since LLVM 19). */
export interface Setup {
  readonly triple: string;
  readonly pageSize: number;
  /** Keys and SPS blobs; empty on Linux. */
  readonly values: ReadonlyMap<string, Uint8Array>;
  readonly symbols: ReadonlyMap<string, number>;
}

/** Decodes the payload of a Setup frame. Errors: ProtocolError. */
export function decodeSetup(payload: Uint8Array): Setup {
  const reader = new SpsReader(payload, "the executor's Setup message");
  const triple = reader.string("triple");
  const pageSize = reader.u64("page size");
  if (!isPowerOfTwo(pageSize)) throw new ProtocolError(`the executor's page size ${hex(pageSize)} is no power of two`);
  const values = new Map<string, Uint8Array>();
  for (let count = reader.count("bootstrap map", 16); count > 0; count--) {
    insert(values, reader.string("bootstrap key"), reader.blob("bootstrap value"));
  }
  const symbols = new Map<string, number>();
  for (let count = reader.count("bootstrap symbols", 16); count > 0; count--) {
    insert(symbols, reader.string("bootstrap symbol"), reader.u64("bootstrap symbol's address"));
  }
  return { triple, pageSize, values, symbols };
}

function insert<T>(map: Map<string, T>, key: string, value: T): void {
  if (map.has(key)) throw new ProtocolError(`the executor's Setup message has "${key}" twice`);
  map.set(key, value);
}
