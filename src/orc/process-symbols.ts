import type { ExecutorTarget } from "./link-job.ts";

/**
 * Addresses that the process has for names; 0 for those that it does not have. The loader knows what has been linked as well. That is no
 * definition of the process's: who may use it finds it in the JITDylib, which knows who depends on whom.
 */
export async function resolveInProcess(
  { epc, memoryManager }: ExecutorTarget,
  names: readonly string[],
): Promise<Float64Array> {
  const addresses = await epc.resolve(0, [...names]);
  return addresses.map((address) => (address !== 0 && memoryManager.holds?.(address) === true ? 0 : address));
}
