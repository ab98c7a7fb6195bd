import type { JITDylib } from "./jit-dylib.ts";
import type { LinkedJob } from "./linked-job.ts";
import { UndefinedSymbolsError } from "./undefined-symbols.ts";

/** How names are looked up. */
export interface LookupOptions {
  /** Names that may be missing, and are then absent from the answer: all of them, or these. */
  readonly weak?: boolean | readonly string[];
}

/** Looks names up when it is the JITDylib's turn; those of `weak` may be missing. */
export type LookupNow = (names: readonly string[], weak?: ReadonlySet<string>) => Promise<Map<string, number>>;

/** The names that may be missing. */
export function weakNames(names: readonly string[], weak: LookupOptions["weak"]): ReadonlySet<string> {
  return new Set(weak === true ? names : weak || []);
}

/** Address that one of the jobs has for a name, as a definition or as what it refers to. */
export function addressIn(jobs: readonly LinkedJob[], name: string): number | undefined {
  for (const job of jobs) {
    const address = job.address(name);
    if (address !== undefined) return address;
  }
  return undefined;
}

/**
 * What a look-up answers: addresses of `names` in the JITDylib, or what the jobs that it has linked refer to. Errors: UndefinedSymbolsError for
 * those that have none and are not `weak`.
 */
export function foundNames(
  dylib: JITDylib,
  jobs: readonly LinkedJob[],
  names: readonly string[],
  weak: ReadonlySet<string>,
): Map<string, number> {
  const addresses = new Map<string, number>();
  const missing: string[] = [];
  for (const name of names) {
    const defined = dylib.find(name);
    const address = defined ?? addressIn(jobs, name);
    // 0 is what a weak reference is bound to where nothing defines the name.
    const isAbsent = address === undefined || (address === 0 && defined === undefined && weak.has(name));
    if (!isAbsent) addresses.set(name, address);
    else if (!weak.has(name)) missing.push(name);
  }
  if (missing.length > 0) throw new UndefinedSymbolsError(missing.map((name) => ({ name, references: [] })));
  return addresses;
}
