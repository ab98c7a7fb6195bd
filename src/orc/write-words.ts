import { checkError } from "../epc/calls.ts";
import { Llvm } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SpsWriter } from "../epc/sps-writer.ts";

/** A 64-bit word and the address, a multiple of 8, that it goes to. */
export interface PlacedWord {
  readonly address: number;
  readonly value: number;
}

/**
 * Writes words into linked, writable memory of the executor: one request, each word a single store, in their order. Threads that read one
 * meanwhile see the old word or the new one. Errors: ExecutorError when one of them cannot be written; those before it are.
 */
export async function writeWords(epc: ExecutorProcessControl, words: readonly PlacedWord[]): Promise<void> {
  if (words.length === 0) return;
  const argument = new SpsWriter(8 + 16 * words.length).sequence(words, ({ address, value }, out) =>
    out.u64(address).u64(value),
  ).bytes;
  const result = await epc.callWrapper(Llvm.memWriteUInt64s, argument);
  if (result.length > 0) checkError(result, "writing words");
}
