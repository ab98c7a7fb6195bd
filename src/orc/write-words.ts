import { checkError } from "../epc/calls.ts";
import { Llvm } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SpsWriter } from "../epc/sps-writer.ts";
import type { ExecutorMemory } from "../runtime-memory/executor-memory.ts";

/** Where words go: an ExecutionSession. */
export interface WordTarget {
  readonly epc: ExecutorProcessControl;
  readonly memory: ExecutorMemory;
}

/** A 64-bit word and the address, a multiple of 8, that it goes to. */
export interface PlacedWord {
  readonly address: number;
  readonly value: number;
}

/**
 * Writes words into linked, writable memory of the executor: without a request where that is this process's too, else by one; each word a single store, in their order. Threads that read one
 * meanwhile see the old word or the new one. Errors: ExecutorError when one of them cannot be written; those before it are.
 */
export async function writeWords(session: WordTarget, words: readonly PlacedWord[]): Promise<void> {
  if (words.length === 0 || writeHere(session, words)) return;
  const argument = new SpsWriter(8 + 16 * words.length).sequence(words, ({ address, value }, out) =>
    out.u64(address).u64(value),
  ).bytes;
  const result = await session.epc.callWrapper(Llvm.memWriteUInt64s, argument);
  if (result.length > 0) checkError(result, "writing words");
}

/** Into memory that this process shares; false if not all of it is. */
function writeHere({ memory }: WordTarget, words: readonly PlacedWord[]): boolean {
  const windows = words.map(({ address }) => memory.window(address, 8));
  if (windows.includes(undefined)) return false;
  windows.forEach((window, i) => {
    const { buffer, byteOffset } = window!;
    Atomics.store(new BigInt64Array(buffer as ArrayBuffer, byteOffset, 1), 0, BigInt(words[i]!.value));
  });
  return true;
}
