import type { GraphTables } from "../../graph/graph-tables.ts";
import { SectionKind } from "../../graph/section-table.ts";
import { isLinkerDefined, setBound } from "../../link/linker-defined.ts";
import { findExternalNames } from "../external-names.ts";
import { interposes } from "../interposition.ts";
import { addressesOfLoaded, libraryAddresses } from "../library-addresses.ts";
import type { LinkJob } from "../link-job.ts";
import { undefinedSymbols } from "../undefined-symbols.ts";

/** Sorts everything that the job refers to and does not define: the linker's own names, libraries, the process. */
export async function findExternals(job: LinkJob): Promise<void> {
  const { tables, resolution, dylib } = job;
  const { epc, runtime, openedLibraries } = job.context;
  const { pool } = tables;
  const outside: number[] = [];
  for (const id of resolution.undefinedNames()) {
    if (job.aliases.has(id)) continue;
    if (!pool.startsWith(id, "_") && !pool.startsWith(id, "e") && !pool.startsWith(id, "d")) {
      outside.push(id); // none of the names below
      continue;
    }
    const name = pool.name(id);
    const bound = setBound(tables, name);
    if (isLinkerDefined(name)) job.linkerDefined.push(id);
    else if (bound !== undefined && hasSection(tables, bound.section)) job.setBounds.set(id, bound);
    else outside.push(id);
  }
  await linkOthers(job, outside);
  job.external = await findExternalNames(outside, dylib, resolution, epc, runtime);
  if (job.external.missing.length > 0) throw undefinedSymbols(tables, job.external.missing);
  if (job.context.interposition !== undefined && interposes(job)) job.interposition = await job.context.interposition();
  // Here libraries are opened at once; in an executor the anchor brings them in, and they are asked afterwards.
  if (epc.kind === "in-process") {
    const find = job.interposition === undefined ? libraryAddresses : addressesOfLoaded;
    job.libraryAddresses = await find(epc, job.external.fromLibraries, openedLibraries, 0);
  }
}

/** What JITDylibs of the link order can define and have not linked yet is linked in them now. */
async function linkOthers(job: LinkJob, ids: readonly number[]): Promise<void> {
  const { dylib, tables, context } = job;
  for (const other of dylib.linkOrder) {
    const names = ids.map((id) => tables.pool.name(id)).filter((name) => other.find(name) === undefined);
    const offered = names.filter((name) => other.offers(name));
    if (offered.length > 0 || other.pending.length > 0) await context.linkInto(other, offered);
  }
}

function hasSection(tables: GraphTables, name: number): boolean {
  const { sections, graphs, pool } = tables;
  for (let row = 0; row < sections.count; row++) {
    const kind = sections.kind[row];
    if (kind === SectionKind.none || kind === SectionKind.discarded) continue;
    if (kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill) continue; // has no address
    const { view, start, length } = graphs[sections.graph[row]!]!.reader;
    const at = sections.name[row]!;
    if (at !== 0 && view.getUint8(at) !== 0x2e && pool.intern(view, at, start + length) === name) return true;
  }
  return false;
}
