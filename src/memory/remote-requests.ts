import type { AddressRange } from "../bytes/address.ts";
import { checkError, expectValue, RefusedError } from "../epc/calls.ts";
import { Slablink } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SpsWriter } from "../epc/sps-writer.ts";
import { SlablinkError } from "../errors.ts";

/** Reserves [address, address + size) in slablink's executor; `backing` as in `Slablink.slabReserve`. */
export async function reserveRemoteSlab(
  epc: ExecutorProcessControl,
  size: number,
  address: number | undefined,
  backing: string,
): Promise<AddressRange> {
  const argument = new SpsWriter()
    .u64(address ?? 0)
    .u64(size)
    .string(backing).bytes;
  const result = await epc.callWrapper(Slablink.slabReserve, argument);
  try {
    const start = expectValue(result, "reserving a slab", (reader) => reader.u64("address"));
    return { start, end: start + size };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    throw new SlablinkError("memory", error.message, { cause: error });
  }
}

/** Gives up the slab that starts at `base`. Errors: RefusedError when nothing is reserved there. */
export async function releaseRemoteSlab(epc: ExecutorProcessControl, base: number): Promise<void> {
  const result = await epc.callWrapper(Slablink.slabRelease, new SpsWriter(8).u64(base).bytes);
  checkError(result, "releasing a slab");
}

/** Names the file of segments that are `FROM_TEMPLATE`, for the slab that starts at `base`; false where the executor cannot open it. */
export async function useRemoteTemplate(
  epc: ExecutorProcessControl,
  base: number,
  address: number,
  path: string,
): Promise<boolean> {
  const argument = new SpsWriter().u64(base).u64(address).string(path).bytes;
  const result = await epc.callWrapper(Slablink.slabTemplate, argument);
  try {
    checkError(result, "naming a slab's template");
    return true;
  } catch (error) {
    if (error instanceof RefusedError) return false;
    throw error;
  }
}

/** Calls `wrapper(instance, Sequence<Addr>) → Error`: deinitialize and release. */
export async function callWithAddresses(
  epc: ExecutorProcessControl,
  wrapper: string,
  instance: string,
  addresses: readonly number[],
): Promise<void> {
  const out = instanceArgument(epc, instance, 64 + 8 * addresses.length);
  const argument = out.sequence(addresses, (address) => out.u64(address)).bytes;
  checkError(await epc.callWrapper(wrapper, argument), wrapper);
}

/** An argument list that starts with the value of an `…Instance` bootstrap symbol. */
export function instanceArgument(epc: ExecutorProcessControl, instance: string, capacity = 256): SpsWriter {
  const value = epc.bootstrap.get(instance);
  if (value === undefined) throw new SlablinkError("executor", `the executor has no ${instance}`);
  return new SpsWriter(capacity).u64(value);
}
