import { expectValue, writeActions } from "../epc/calls.ts";
import { Llvm } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { Protection } from "../host/mapping.ts";
import type { SlabMemory } from "../host/slab-memory.ts";
import { SHARED_DATA } from "./memory-mapper.ts";
import { instanceArgument, releaseRemoteSlab, reserveRemoteSlab } from "./remote-requests.ts";

/**
 * Maps a memory file of this process in an executor of slablink's on this machine, readable and writable, at `address` exactly. Errors: code
 * "memory" where something else is there.
 */
export async function mapInExecutor(epc: ExecutorProcessControl, address: number, file: SlabMemory): Promise<void> {
  await reserveRemoteSlab(epc, file.size, address, `/proc/${process.pid}/fd/${file.fd}`);
  const out = instanceArgument(epc, Llvm.sharedInstance).u64(address);
  out.sequence([file], ({ size }) => {
    out
      .u8(Protection.read | Protection.write | SHARED_DATA)
      .u64(address)
      .u64(size);
  });
  writeActions(out, [], epc.bootstrap);
  const result = await epc.callWrapper(Llvm.sharedInitialize, out.bytes);
  expectValue(result, "mapping common memory", (reader) => reader.u64("key"));
}

/** Takes it away again. Errors: RefusedError when nothing is mapped there. */
export function unmapInExecutor(epc: ExecutorProcessControl, address: number): Promise<void> {
  return releaseRemoteSlab(epc, address);
}
