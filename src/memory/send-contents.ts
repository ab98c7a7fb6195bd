import { hex } from "../bytes/address.ts";
import { expectValue, writeActions } from "../epc/calls.ts";
import { Llvm } from "../epc/dialect.ts";
import type { AllocActionPair, ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SlablinkError } from "../errors.ts";
import type { Segment, WorkingMemory } from "./memory-mapper.ts";
import { instanceArgument } from "./remote-requests.ts";

/** A segment and the bytes that it takes in the executor, zero-fill included where that is not the image's part. */
export interface SizedSegment extends Segment {
  readonly size: number;
}

/** One request of the memory manager's Initialize, contents included. Answers its key: the lowest address. */
export async function sendContents(
  epc: ExecutorProcessControl,
  segments: readonly SizedSegment[],
  actions: readonly AllocActionPair[],
  memory: WorkingMemory,
): Promise<number> {
  const total = segments.reduce((sum, segment) => sum + segment.contentSize, 0);
  const out = instanceArgument(epc, Llvm.memoryInstance, total + 1024);
  out.sequence(segments, ({ address, contentSize, protection, size }) => {
    const offset = address - memory.base;
    if (offset < 0 || offset + contentSize > memory.bytes.length) {
      throw new SlablinkError(
        "memory",
        `segment at ${hex(address)} is outside the memory prepared at ${hex(memory.base)}`,
      );
    }
    out
      .u8(protection)
      .u64(address)
      .u64(size)
      .blob(memory.bytes.subarray(offset, offset + contentSize));
  });
  writeActions(out, actions, epc.bootstrap);
  const result = await epc.callWrapper(Llvm.memoryInitialize, out.bytes);
  return expectValue(result, "initializing memory", (reader) => reader.u64("key"));
}
