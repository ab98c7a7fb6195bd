import type { AddressRange } from "../../bytes/address.ts";
import { SectionKind } from "../../graph/section-table.ts";
import { ExternalKind } from "../../link/externals.ts";
import type { ExecutionSession } from "../execution-session.ts";
import type { LinkedJob } from "../linked-job.ts";
import type { ObjectVersion } from "./make-version.ts";

/** A version and the job that it has been linked by. */
export interface LinkedVersion {
  readonly version: ObjectVersion;
  readonly job: LinkedJob;
}

/** So many are kept before it is worth while to look which are still in use. */
const MANY = 48;

/** Versions that no call enters any more, and that calls may still be in. */
export class OldVersions {
  readonly #session: ExecutionSession;
  /** The latest last. */
  #waiting: LinkedJob[] = [];
  /** How many may wait until the next look: the more were in use at the last one, the more. */
  #patience = MANY;

  constructor(session: ExecutionSession) {
    this.#session = session;
  }

  /** Takes a version that has been replaced. */
  add({ version, job }: LinkedVersion): void {
    if (!version.staysForGood && !isShared(job)) this.#waiting.push(job);
  }

  /** Looks when there are many. */
  async collectIfMany(): Promise<void> {
    if (this.#waiting.length < this.#patience) return;
    await this.collect();
    this.#patience = Math.max(MANY, 2 * this.#waiting.length);
  }

  /** Takes those out of the executor that nothing refers to, or all without looking; gives their number. */
  async collect(unchecked = false): Promise<number> {
    const free = await this.#takeFree(unchecked);
    await this.#session.removeAll(free);
    return free.length;
  }

  /** Those that nothing refers to, or all without looking, which wait no more. */
  async #takeFree(unchecked: boolean): Promise<LinkedJob[]> {
    const referred = unchecked || this.#waiting.length === 0 ? [] : await this.#referred();
    if (referred === undefined) return [];
    const free = this.#waiting.filter((_, i) => referred[i] !== true);
    this.#waiting = this.#waiting.filter((_, i) => referred[i] === true);
    return free;
  }

  async #referred(): Promise<boolean[] | undefined> {
    const { findReferences } = await import("./find-references.ts");
    return findReferences(this.#session.epc, this.#waiting.map(rangesOf));
  }
}

/** Objects of a version's job: the version and the padding. */
const OWN_OBJECTS = 2;
const PADDING_GRAPH = 0;
const POINTED_TO: ReadonlySet<number> = new Set([
  SectionKind.code,
  SectionKind.writableCode,
  SectionKind.readOnly,
  SectionKind.data,
]);

/** Whether a job has members of archives, which others may come to use, or a library's variable. */
function isShared({ tables, externals, alloc }: LinkedJob): boolean {
  if (tables.graphs.length > OWN_OBJECTS) return true;
  return externals.ids.some((id) => {
    const address = externals.address[id]!;
    return externals.kind[id] === ExternalKind.data && address >= alloc.address && address < alloc.address + alloc.size;
  });
}

/** The sections that pointers may lead to. What is of the padding is where segments begin, whose addresses the executor keeps. */
function rangesOf({ tables }: LinkedJob): AddressRange[] {
  const { kind, address, size, graph, count } = tables.sections;
  const ranges: AddressRange[] = [];
  for (let row = 0; row < count; row++) {
    if (graph[row] === PADDING_GRAPH || size[row] === 0 || !POINTED_TO.has(kind[row]!)) continue;
    ranges.push({ start: address[row]!, end: address[row]! + size[row]! });
  }
  return ranges;
}
