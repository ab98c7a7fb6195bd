import type { LinkedJob } from "./linked-job.ts";

/** How names are looked up. */
export interface LookupOptions {
  /** Names that may be missing, and are then absent from the answer: all of them, or these. */
  readonly weak?: boolean | readonly string[];
}

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
