import { SlablinkError } from "../errors.ts";
import { findSymbols, PROCESS } from "../host/dynamic-loader.ts";
import { callResolver, callWithPointer, writeWord } from "../host/native-call.ts";
import { readMemory, writePointer } from "../host/view.ts";
import { Llvm, Slablink } from "./dialect.ts";
import { SpsReader } from "./sps-reader.ts";
import { SpsWriter } from "./sps-writer.ts";

/** A wrapper function of this process: SPS arguments to SPS result. */
export type InProcessWrapper = (argument: SpsReader) => Uint8Array;

/** The wrapper functions and alloc actions that this process offers itself, under the executor's names. */
export function inProcessWrappers(): Map<string, InProcessWrapper> {
  return new Map<string, InProcessWrapper>([
    [Slablink.resolveIfuncs, asError(resolveIfuncs)],
    [Llvm.registerEHFrame, asError((argument) => callFrameFunction("__register_frame", argument))],
    [Llvm.deregisterEHFrame, asError((argument) => callFrameFunction("__deregister_frame", argument))],
    [Slablink.processorTime, processorTime],
    [Llvm.runAsVoidFunction, runAsVoidFunction],
    [Llvm.memWriteUInt64s, writeWords],
  ]);
}

/** SPS Error from what `run` throws. */
function asError(run: InProcessWrapper | ((argument: SpsReader) => void)): InProcessWrapper {
  return (argument) => {
    try {
      run(argument);
      return new SpsWriter(1).error(undefined).bytes;
    } catch (error) {
      if (!(error instanceof SlablinkError)) throw error;
      return new SpsWriter().error(error.message).bytes;
    }
  };
}

function resolveIfuncs(argument: SpsReader): void {
  const { start, end } = argument.addressRange("ifunc pairs");
  const pairs = new SpsReader(readMemory(start, end - start), "ifunc pairs");
  while (pairs.remaining > 0) {
    const slot = pairs.u64("slot");
    writeWord(slot, callResolver(pairs.u64("resolver")));
  }
}

/** libgcc takes a whole section that ends in a zero word. */
function callFrameFunction(name: string, argument: SpsReader): void {
  const { start } = argument.addressRange("eh-frame section");
  const [address] = findSymbols(PROCESS, [name]);
  if (address === 0) throw new SlablinkError("executor", `this process has no ${name}`);
  callWithPointer(address, start);
}

/** Calls `int f(void)` at an address, here and now on koffi's stack (2 MiB); answers i32. */
function runAsVoidFunction(argument: SpsReader): Uint8Array {
  return new SpsWriter(4).u32(callResolver(argument.u64("function"))).bytes;
}

/** Sequence<Tuple<Addr, u64>>, all writable and aligned: each becomes a single store (memcpy of 8 bytes), as threads may be reading. */
function writeWords(argument: SpsReader): Uint8Array {
  for (let left = argument.count("words", 16); left > 0; left--) {
    writePointer(argument.u64("address"), argument.u64("word"));
  }
  return new Uint8Array(0);
}

/** Tuple<u64, u64>: user and system time of this process in microseconds. */
function processorTime(): Uint8Array {
  const { user, system } = process.cpuUsage();
  return new SpsWriter(16).u64(user).u64(system).bytes;
}
