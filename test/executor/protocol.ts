import { sps } from "./sps.ts";

export const D = "__llvm_orc_SimpleExecutorDylibManager_";
export const M = "__llvm_orc_SimpleExecutorMemoryManager_";
export const S = "__llvm_orc_ExecutorSharedMemoryMapperService_";
export const B = "__llvm_orc_bootstrap_";
export const OURS = "__slablink_";

export const OPCODE = { setup: 0, hangup: 1, result: 2, call: 3 } as const;

export function encodeFrame(
  opcode: number,
  sequence: number,
  tag: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  return sps()
    .u64(32 + payload.length)
    .u64(opcode)
    .u64(sequence)
    .u64(tag)
    .raw(payload).bytes;
}
