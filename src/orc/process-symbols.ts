import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import type { JITDylib } from "./jit-dylib.ts";

/**
 * Addresses that the process has for names; 0 for those that it does not have. The loader knows what has been linked as well, so it
 * also finds what was taken out of a JITDylib while its memory stays: that counts as missing.
 */
export async function resolveInProcess(
  epc: ExecutorProcessControl,
  { linked, linkOrder }: JITDylib,
  names: readonly string[],
): Promise<Float64Array> {
  const addresses = await epc.resolve(0, [...names]);
  const indexes = [linked, ...linkOrder.map((other) => other.linked)];
  for (const [i, name] of names.entries()) {
    if (indexes.some((index) => index.isHiddenAt(name, addresses[i]!))) addresses[i] = 0;
  }
  return addresses;
}
