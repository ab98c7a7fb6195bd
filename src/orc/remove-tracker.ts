import { LinkError } from "../errors.ts";
import type { ExecutionSession } from "./execution-session.ts";
import { emptySlots } from "./filled-slots.ts";
import type { LinkedDefinitions } from "./jit-dylib.ts";
import type { LinkedJob, LinkedObject } from "./linked-job.ts";
import type { RemoveOptions, ResourceTracker } from "./resource-tracker.ts";

/** Code that stays and refers to what was to be removed. */
export interface StillReferenced {
  /** The objects of the job that stays. */
  readonly objects: readonly string[];
  /** The names that it refers to. */
  readonly names: readonly string[];
}

/** Objects were to be removed that others refer to. Nothing has been removed. */
export class StillReferencedError extends LinkError {
  /** Who refers to what: an entry for each job that stays. */
  readonly references: readonly StillReferenced[];

  constructor(removed: readonly string[], references: readonly StillReferenced[]) {
    const lines = references.map(({ objects, names }) => `>>> ${list(names)} referenced by ${list(objects)}`);
    super("link", `cannot remove ${list(removed)}: code that stays refers to it\n${lines.join("\n")}`);
    this.references = references;
  }
}

/** Files and names that a message shows; the error has all of them as data. */
const SHOWN = 5;

function list(words: readonly string[]): string {
  const more = words.length > SHOWN ? ` and ${words.length - SHOWN} more` : "";
  return `${words.slice(0, SHOWN).join(", ")}${more}`;
}

/** What of a job belongs to the tracker that is removed. */
interface Part {
  readonly job: LinkedJob;
  readonly objects: readonly LinkedObject[];
  /** Nothing of the job stays. */
  readonly isAll: boolean;
}

/** Takes out what belongs to a tracker. Errors: StillReferencedError. */
export async function removeTracker(
  tracker: ResourceTracker,
  options: RemoveOptions,
  session: ExecutionSession,
): Promise<void> {
  const { dylib } = tracker;
  const own = tracker.isDefault ? undefined : tracker;
  const all = [...session.jobs()];
  const parts: Part[] = [];
  for (const job of dylib.linked.jobs() as Iterable<LinkedJob>) {
    const objects = job.objects.filter((object) => object.tracker === own);
    // What nobody has added as an object, a few members of archives, is the default tracker's.
    const isAll = objects.length === job.objects.length && (objects.length > 0 || own === undefined);
    if (isAll || objects.length > 0) parts.push({ job, objects, isAll });
  }
  if (options.force !== true) checkReferences(parts, all);
  dylib.drop((object) => object.tracker === own);
  // The latest first: it may use the others.
  for (const { job, objects, isAll } of parts.reverse()) {
    if (isAll) {
      await session.remove(job);
      for (const other of all) other.uses.delete(job);
      continue;
    }
    const names = namesOf(job, objects);
    for (const name of names) dylib.linked.hide(name, [job]);
    const addresses = new Set(names.map((name) => job.definition(name)));
    await emptySlots(session, [job], (address) => addresses.has(address));
    for (const object of objects) job.objects.splice(job.objects.indexOf(object), 1);
  }
}

/** Whether nothing refers to what a job defines. Errors: StillReferencedError. */
export function checkUnreferenced(job: LinkedJob, jobs: Iterable<LinkedJob>): void {
  checkReferences([{ job, objects: job.objects, isAll: true }], jobs);
}

function checkReferences(parts: readonly Part[], jobs: Iterable<LinkedJob>): void {
  const removed = new Set<LinkedDefinitions>(parts.filter(({ isAll }) => isAll).map(({ job }) => job));
  const references: StillReferenced[] = [];
  for (const user of jobs) {
    if (removed.has(user)) continue;
    const names: string[] = [];
    for (const { job, objects, isAll } of parts) {
      const used = user.uses.get(job);
      if (used === undefined) continue;
      const own = isAll ? undefined : new Set(namesOf(job, objects));
      for (const name of used) if (own === undefined || own.has(name)) names.push(name);
    }
    if (names.length > 0) references.push({ objects: user.tables.graphs.map(({ name }) => name), names });
  }
  if (references.length === 0) return;
  const objects = parts.flatMap((part) => part.objects.map(({ graph }) => graph.name));
  throw new StillReferencedError(objects, references);
}

/** What these objects define, of all that the job defines. */
function namesOf({ tables, resolution }: LinkedJob, objects: readonly LinkedObject[]): string[] {
  const names: string[] = [];
  for (const { graph } of objects) {
    for (let row = graph.firstSymbol + graph.localCount; row < graph.firstSymbol + graph.symbolCount; row++) {
      const id = tables.symbols.id[row]!;
      if (id >= 0 && resolution.definition[id] === row + 1) names.push(tables.pool.name(id));
    }
  }
  return names;
}
