import type { AddressRange } from "../../bytes/address.ts";
import type { ExecutorProcessControl } from "../../epc/executor-process-control.ts";

/** Placeholder: nothing can be told yet. */
export function findReferences(_epc: ExecutorProcessControl, _ranges: readonly AddressRange[]): boolean[] | undefined {
  return undefined;
}
