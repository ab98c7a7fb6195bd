import type { JITDylib } from "./jit-dylib.ts";
import type { LinkedJob } from "./linked-job.ts";

/** How names are looked up. */
export interface LookupOptions {
  /** Names that may be missing, and are then absent from the answer: all of them, or these. */
  readonly weak?: boolean | readonly string[];
}

/** Looks names up when it is the JITDylib's turn; those of `weak` may be missing. */
export type LookupNow = (names: readonly string[], weak?: ReadonlySet<string>) => Promise<Map<string, number>>;

/** The names that may be missing. */
export function weakNames(names: readonly string[], weak: LookupOptions["weak"]): ReadonlySet<string> | undefined {
  if (weak === undefined || weak === false) return undefined;
  return new Set(weak === true ? names : weak);
}

/** Address that one of the jobs has for a name, as a definition or as what it refers to. */
export function addressIn(jobs: readonly LinkedJob[], name: string): number | undefined {
  for (const job of jobs) {
    const address = job.address(name);
    if (address !== undefined) return address;
  }
  return undefined;
}

/** Addresses of the names that are defined by now, or that one of the jobs has found. */
export function foundAddresses(
  dylib: JITDylib,
  jobs: readonly LinkedJob[],
  names: readonly string[],
  weak: ReadonlySet<string> | undefined,
): Map<string, number> {
  const addresses = new Map<string, number>();
  for (const name of names) {
    const address = dylib.find(name) ?? addressIn(jobs, name);
    // What a weak reference is bound to where nothing defines the name.
    const isAbsent = address === 0 && weak?.has(name) === true && dylib.find(name) === undefined;
    if (address !== undefined && !isAbsent) addresses.set(name, address);
  }
  return addresses;
}
