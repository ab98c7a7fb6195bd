import { hex } from "../bytes/address.ts";
import { expectValue, writeActions } from "../epc/calls.ts";
import { Llvm } from "../epc/dialect.ts";
import type { AllocActionPair, ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import type { Segment } from "./memory-mapper.ts";
import { instanceArgument } from "./remote-requests.ts";

/** A segment and the bytes that it takes in the executor, zero-fill included where that is not the image's part. */
export interface SizedSegment extends Segment {
  readonly size: number;
}

/** Prepared memory: target [start, start + size) is at `position` in `bytes`. */
export interface Contents {
  readonly start: number;
  readonly size: number;
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** One request of the memory manager's Initialize, contents included, which are not needed any more when this returns. Answers its key: the lowest address. */
export async function sendContents(
  epc: ExecutorProcessControl,
  segments: readonly SizedSegment[],
  actions: readonly AllocActionPair[],
  { start, size: prepared, position, bytes }: Contents,
): Promise<number> {
  const total = segments.reduce((sum, segment) => sum + segment.contentSize, 0);
  const out = instanceArgument(epc, Llvm.memoryInstance, total + 1024);
  out.sequence(segments, ({ address, contentSize, protection, size }) => {
    const offset = address - start;
    if (offset < 0 || offset + contentSize > prepared) {
      throw new SlablinkError("memory", `segment at ${hex(address)} is outside the memory prepared at ${hex(start)}`);
    }
    const from = position + offset;
    out
      .u8(protection)
      .u64(address)
      .u64(size)
      .blob(bytes.subarray(from, from + contentSize));
  });
  writeActions(out, actions, epc.bootstrap);
  const result = await epc.callWrapper(Llvm.memoryInitialize, out.bytes);
  return expectValue(result, "initializing memory", (reader) => reader.u64("key"));
}
