import { C_LIBRARY } from "../../inputs/runtime-libraries.ts";
import { ExternalKind } from "../../link/externals.ts";
import { isLinkerDefined, setBound } from "../../link/linker-defined.ts";
import { cNamedSections } from "../../link/section-sets.ts";
import { uniteDefaultVersions } from "../default-versions.ts";
import { findExternalNames } from "../external-names.ts";
import { interposes } from "../interposition.ts";
import { addressesInForeign, addressesOfLoaded, libraryAddresses } from "../library-addresses.ts";
import { checkLibraryReferences } from "../library-references.ts";
import type { LinkJob } from "../link-job.ts";
import { staticTlsError } from "../static-tls-error.ts";
import { UndefinedSymbolsError, undefinedSymbols } from "../undefined-symbols.ts";

/** Sorts everything that the job refers to and does not define: the linker's own names, libraries, the process. */
export async function findExternals(job: LinkJob): Promise<void> {
  const { tables, resolution } = job;
  const { epc, openedLibraries } = job.context;
  const { pool } = tables;
  let outside: number[] = [];
  let named: ReadonlySet<number> | undefined;
  for (const id of resolution.undefinedNames()) {
    if (job.aliases.has(id)) continue;
    if (!pool.startsWith(id, "_") && !pool.startsWith(id, "e") && !pool.startsWith(id, "d")) {
      outside.push(id); // none of the names below
      continue;
    }
    const name = pool.name(id);
    const bound = setBound(tables, name);
    if (bound !== undefined) named ??= cNamedSections(tables);
    if (isLinkerDefined(name)) job.linkerDefined.push(id);
    else if (bound !== undefined && named?.has(bound.section)) job.setBounds.set(id, bound);
    else outside.push(id);
  }
  if (tables.hasVersions) outside = uniteDefaultVersions(job, outside);
  await linkOthers(job, outside);
  const hasVersions = tables.hasVersions || job.aliases.size > 0 || job.lookedUp.some((name) => name.includes("@"));
  job.external = await findExternalNames(outside, job, hasVersions);
  if (job.external.missing.length > 0) failUnlessUnused(job);
  if (epc.kind === "remote") await checkLibraryReferences(job);
  if (job.context.interposition !== undefined && interposes(job)) job.interposition = await job.context.interposition();
  await findForeignAddresses(job);
  // Here libraries are opened at once; in an executor the anchor brings them in, and they are asked afterwards.
  if (epc.kind === "in-process") {
    const come = job.interposition !== undefined;
    try {
      const find = come ? addressesOfLoaded : libraryAddresses;
      job.libraryAddresses = await find(epc, job.external.fromLibraries, openedLibraries, 0);
      // Others are there for their constructors, or for the program to look up.
      for (const { loadName, library } of job.external.libraries) {
        if (come || openedLibraries.has(loadName) || library.soname === C_LIBRARY) continue;
        openedLibraries.set(loadName, await epc.openLibrary(loadName));
      }
    } catch (error) {
      throw staticTlsError(job, error);
    }
  }
}

/** What another's executor has loaded for itself stays where it is. To be asked again when the executor is exchanged. */
export async function findForeignAddresses(job: LinkJob): Promise<void> {
  const { epc } = job.context;
  const { loadedLibraries } = epc;
  if (loadedLibraries === undefined) return;
  job.libraryAddresses = await addressesInForeign(epc, job.external.fromLibraries, loadedLibraries);
}

/**
 * A name that is only declared, as assemblers do with every `extern`, is missed by nobody: what counts are relocations, look-ups, and other
 * names for it.
 */
function failUnlessUnused(job: LinkJob): void {
  const { missing, known } = job.external;
  const { symbols } = undefinedSymbols(job.tables, missing);
  const otherNames = otherNamesOf(job);
  const missed = symbols
    .filter(({ name, references }) => references.length > 0 || job.lookedUp.includes(name) || otherNames.has(name))
    .map((symbol) => ({
      ...symbol,
      note: job.cLibraries.objection(symbol.name) ?? otherNames.get(symbol.name) ?? circle(job),
    }));
  if (missed.length > 0) throw new UndefinedSymbolsError(missed);
  for (const id of missing) known.push({ id, address: 0, kind: ExternalKind.absent });
}

/** What is said of a name that a JITDylib may define which itself waits for this job. */
function circle({ dylib, context }: LinkJob): string | undefined {
  const waiting = dylib.linkOrder.find((other) => context.isWaiting?.(other));
  if (waiting === undefined) return undefined;
  return `if the JITDylib ${waiting.name} defines it: ${waiting.name} and ${dylib.name} are in each other's link orders, and ${dylib.name} is linked first, since ${waiting.name} needs it`;
}

/** What there is to say of each name that aliases of the job stand for. */
function otherNamesOf({ dylib, context }: LinkJob): ReadonlyMap<string, string> {
  const notes = new Map<string, string>();
  for (const [alias, target] of context.aliases ?? dylib.aliases) {
    if (!notes.has(target)) notes.set(target, `${alias} is an alias of it`);
  }
  return notes;
}

/** What JITDylibs of the link order can define and have not linked yet is linked in them now. */
async function linkOthers(job: LinkJob, ids: readonly number[]): Promise<void> {
  const { dylib, tables, context } = job;
  let names = ids.map((id) => tables.pool.name(id));
  for (const other of dylib.linkOrder) {
    const isMissing = (name: string): boolean => other.find(name) === undefined;
    // The first that defines a name has it.
    names = names.filter(isMissing);
    const offered = names.filter((name) => other.offers(name));
    if (offered.length === 0 && other.pending.length === 0) continue;
    await context.linkInto(other, offered);
    names = names.filter(isMissing);
  }
}
