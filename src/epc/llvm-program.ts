import type { AddressRange } from "../bytes/address.ts";
import type { Program, ProgramEnd } from "../native/program.ts";
import { Llvm } from "./dialect.ts";
import type { ExecutorProcessControl } from "./executor-process-control.ts";
import { SpsReader } from "./sps-reader.ts";
import { SpsWriter } from "./sps-writer.ts";

/**
 * Runs a program in an executor that has only LLVM's wrappers: init functions and arrays one call each (they get no
 * arguments there), main by run_as_main. The executor stays; its own exit flushes the C library's streams.
 */
export async function runMainByWrappers(epc: ExecutorProcessControl, program: Program): Promise<ProgramEnd> {
  const callAll = async (addresses: readonly number[]): Promise<void> => {
    for (const address of addresses) {
      await epc.callWrapper(Llvm.runAsVoidFunction, new SpsWriter(8).u64(address).bytes);
    }
  };
  await callAll(program.initFunctions);
  for (const range of program.initArrays) await callAll(await readArray(epc, range));
  const call = new SpsWriter().u64(program.main);
  const argument = call.sequence(program.argv, (text) => call.string(text)).bytes;
  const status = new SpsReader(await epc.callWrapper(Llvm.runAsMain, argument), "running main").i64("status");
  for (const range of program.finiArrays.toReversed()) await callAll((await readArray(epc, range)).reverse());
  await callAll(program.finiFunctions);
  // As a process would end: the low byte.
  return { status: status & 0xff };
}

async function readArray(epc: ExecutorProcessControl, range: AddressRange): Promise<number[]> {
  const slots: number[] = [];
  for (let at = range.start; at < range.end; at += 8) slots.push(at);
  const request = new SpsWriter(8 * slots.length + 8);
  const argument = request.sequence(slots, (address) => request.u64(address)).bytes;
  const result = new SpsReader(await epc.callWrapper(Llvm.memReadPointers, argument), "reading an init array");
  const addresses = result.sequence("addresses", 8, (reader) => reader.u64("address"));
  // 0 and -1 (refused by u64) are the terminators of old crt files; nothing is called for 0.
  return addresses.filter((address) => address !== 0);
}
