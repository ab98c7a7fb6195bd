import { hex } from "../bytes/address.ts";
import { LinkError } from "../errors.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { traitsOfRow } from "./definition-traits.ts";
import type { JITDylib, LinkedDefinitions } from "./jit-dylib.ts";
import type { LinkJob } from "./link-job.ts";
import type { LinkedJob } from "./linked-job.ts";
import { Reference } from "./symbol-resolution.ts";

/**
 * What a job defines meets what the earlier jobs of its JITDylib define, and what was given by hand. A strong definition beside a strong one,
 * or an address, is an error. One that can be overridden (weak, common, STB_GNU_UNIQUE) gives way to any earlier one: references of the job
 * are bound to that, so that all jobs use one copy of an inline function's static variable. Not so a copy in code that can be removed by
 * itself, on which no other code should come to depend for a mere copy, and thread-local variables, whose place no other job knows.
 */
export function meetEarlierDefinitions(job: LinkJob): void {
  if (job.context.redefines === true) return;
  const met: Met = { duplicates: [], yielded: new Set() };
  meetAbsolutes(job, met);
  if (job.dylib.linked.size > 0) meetEarlierJobs(job, met);
  const { duplicates, yielded } = met;
  if (duplicates.length > 0) throw new LinkError("duplicate-symbol", duplicates.join("\n"));
  if (yielded.size > 0) job.resolution.yieldNames(yielded);
}

/** What becomes of definitions of a job. */
interface Met {
  /** What there is to say of those that must not be. */
  readonly duplicates: string[];
  /** Identifiers of the names that are bound to what was there before. */
  readonly yielded: Set<number>;
}

function meetAbsolutes(job: LinkJob, { duplicates, yielded }: Met): void {
  const { pool } = job.tables;
  for (const [name, address] of job.dylib.absolutes) {
    const id = pool.findString(name);
    const row = id < 0 ? -1 : job.resolution.definition[id]! - 1;
    if (row < 0) continue;
    const now = traitsOfRow(job.resolution, row);
    // Hidden references are met inside of the job alone.
    const isHidden = (job.resolution.references[id]! & Reference.hidden) !== 0;
    if (now.isOverridable && isHidden) continue;
    if (now.isOverridable && !now.isThreadLocal) yielded.add(id);
    else if (!isAt(job, row, address)) {
      duplicates.push(
        `duplicate symbol: ${name}\n>>> defined by hand as ${hex(address)}\n>>> defined in ${now.object}`,
      );
    }
  }
}

function meetEarlierJobs(job: LinkJob, { duplicates, yielded }: Met): void {
  const { dylib, tables, resolution } = job;
  const { pool } = tables;
  for (let id = 0; id < pool.size; id++) {
    const row = resolution.definition[id]! - 1;
    if (row < 0) continue;
    const name = pool.name(id);
    const earlier = dylib.absolutes.has(name) ? undefined : dylib.linked.findDefinition(name)?.job;
    const before = earlier?.traits(name);
    if (earlier === undefined || before === undefined) continue;
    const now = traitsOfRow(resolution, row);
    if (!now.isOverridable) {
      if (before.isOverridable || isAt(job, row, earlier.definition(name)!)) continue;
      duplicates.push(`duplicate symbol: ${name}\n>>> defined in ${before.object}\n>>> defined in ${now.object}`);
    } else if (!now.isThreadLocal && !before.isThreadLocal && !(before.isOverridable && isRemovable(earlier))) {
      yielded.add(id);
    }
  }
}

/** An absolute symbol that says where the earlier definition is contradicts nothing. */
function isAt({ tables }: LinkJob, row: number, address: number): boolean {
  return tables.symbols.section[row] === SymbolPlace.absolute && tables.symbols.value[row] === address;
}

/** A job that goes with trackers of its own. */
function isRemovable(job: LinkedDefinitions): boolean {
  const { objects } = job as LinkedJob;
  return objects.length > 0 && objects.every(({ tracker }) => tracker !== undefined);
}

/** Address of a name that is given by hand or linked, here or in the link order; the job notes whom it depends on. */
export function findEarlier(job: LinkJob, name: string, isThreadLocal: boolean): number | undefined {
  for (const dylib of [job.dylib, ...job.dylib.linkOrder]) {
    const address = findIn(job, dylib, name, isThreadLocal);
    if (address !== undefined) return address;
  }
  return undefined;
}

/** The same in one JITDylib. Errors: LinkError for a thread-local variable, whose address is another one in every thread. */
export function findIn(job: LinkJob, dylib: JITDylib, name: string, isThreadLocal: boolean): number | undefined {
  const found = dylib.findDefinition(name);
  if (found?.job === undefined) return found?.address;
  const traits = found.job.traits(name);
  if (isThreadLocal || traits?.isThreadLocal === true) {
    throw new LinkError(
      "link",
      `${name} is thread-local in ${traits?.object}, which has been linked before: code that uses it must be linked by the same look-up`,
    );
  }
  const names = job.uses.get(found.job);
  if (names === undefined) job.uses.set(found.job, new Set([name]));
  else names.add(name);
  return found.address;
}
