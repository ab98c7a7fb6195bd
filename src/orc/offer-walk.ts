import { nameDefaultVersions, readSectionsAgain } from "../formats/elf/build-link-graph.ts";
import { makeRoomForObject } from "../formats/elf/read-object.ts";
import { LinkGraph } from "../graph/link-graph.ts";
import { SymbolPlace } from "../graph/symbol-table.ts";
import { type Kernel, kernel } from "../kernel/kernel.ts";
import { type Looping, loop } from "../kernel/loop.ts";
import {
  GRAPH_COUNT,
  OBJECT_RECORD,
  OBJECT_SYMBOLS,
  SECTION_COUNT,
  SYMBOL_COUNT,
  WALK_AT,
  WALK_DIRTY_SECTIONS,
  WALK_DONE,
  WALK_END,
  WALK_IS_VISITING,
  WALK_LEFT_OFFER,
  WALK_LEFT_PARTS,
  WALK_LEFT_VERSIONS,
  WALK_NO_ROOM,
  WALK_OFFER,
  WALK_POSITION,
  WALK_RESTART,
  WALK_ROW_COUNT,
  WALK_SECTIONS_LEFT,
} from "../kernel/record.ts";
import type { Offers } from "./offers.ts";
import { Reference, type SymbolResolution } from "./symbol-resolution.ts";

/** Members that the kernel takes before it is asked whether threads have come that read sections. */
const MEMBERS_BEFORE_THREADS = 32;
const NO_LIMIT = 0x7fff_ffff;

/** How a range of offers is walked through. */
export interface WalkOptions {
  /** Names that are left alone. */
  readonly isElsewhere?: ((id: number) => boolean) | undefined;
  /** Behind each source that was visited from the first one on again, as in a group; otherwise from the next one on. */
  readonly fromFront?: boolean;
}

/**
 * Goes through the offers that are wanted, source by source, and adds what they stand for to the job, which may want further ones. The
 * kernel does all that is usual (kernel/take-members.ts); what it leaves is done here, as is everything where it cannot be used.
 */
export class OfferWalk {
  readonly #resolution: SymbolResolution;
  readonly #offers: Offers;

  constructor(resolution: SymbolResolution, offers: Offers) {
    this.#resolution = resolution;
    this.#offers = offers;
  }

  /** Visits the sources that have the offers [first, end), those of them that are wanted now or will be meanwhile. */
  *visit(first: number, end: number, { isElsewhere, fromFront = false }: WalkOptions): Looping<void> {
    this.#set(WALK_AT, first);
    this.#set(WALK_END, end);
    this.#set(WALK_RESTART, fromFront ? first : -1);
    for (let offer = yield* this.#next(isElsewhere); offer >= 0; offer = yield* this.#next(isElsewhere)) {
      this.#consider(offer, isElsewhere);
    }
  }

  /** The next offer that has to be looked at here, no longer wanted; -1 at the end. */
  *#next(isElsewhere: WalkOptions["isElsewhere"]): Looping<number> {
    // What the kernel cannot ask about it need not be asked about.
    for (let fast = isElsewhere ? undefined : this.#kernel(); fast !== undefined; fast = this.#kernel()) {
      const reason = yield* this.#takeMembers(fast);
      if (reason === WALK_DONE) return -1;
      if (reason === WALK_LEFT_OFFER) return this.#get(WALK_OFFER);
    }
    return this.#nextOffer();
  }

  #kernel(): Kernel | undefined {
    const { columns, pool } = this.#resolution.tables;
    return columns.record === undefined || pool.columns.record === undefined ? undefined : kernel();
  }

  #nextOffer(): number {
    const offers = this.#offers;
    const { wanted } = offers;
    const end = this.#get(WALK_END);
    for (;;) {
      if (this.#get(WALK_IS_VISITING) === 0) {
        const offer = wanted.next(this.#get(WALK_AT));
        if (offer < 0 || offer >= end) return -1;
        const source = offers.sourceOf(offer);
        this.#set(WALK_POSITION, source);
        this.#set(WALK_IS_VISITING, 1);
        this.#set(WALK_AT, offers.firstOffer(source));
      }
      const source = this.#get(WALK_POSITION);
      const endOfSource = offers.endOffer(source);
      const isOfSource = (offer: number): boolean => offer >= 0 && offer < endOfSource;
      let offer = wanted.next(this.#get(WALK_AT));
      if (!isOfSource(offer)) offer = wanted.next(offers.firstOffer(source));
      if (isOfSource(offer)) {
        wanted.delete(offer);
        this.#set(WALK_AT, offer + 1);
        return offer;
      }
      this.#set(WALK_IS_VISITING, 0);
      const restart = this.#get(WALK_RESTART);
      this.#set(WALK_AT, restart < 0 ? endOfSource : restart);
    }
  }

  #consider(offer: number, isElsewhere: WalkOptions["isElsewhere"]): void {
    const offers = this.#offers;
    const { definition, references, tables } = this.#resolution;
    const id = offers.nameOf(offer);
    const source = offers.source(offers.sourceOf(offer));
    const known = definition[id]! - 1;
    if (known >= 0 && tables.symbols.section[known] !== SymbolPlace.common) return;
    if (isElsewhere?.(id)) return;
    // A common symbol is replaced by a definition, not by another one of its kind.
    if (known >= 0 && !source.isDefinition(offers.indexOf(offer), id)) return;
    const graph = source.extract(offers.indexOf(offer), id, (references[id]! & Reference.hidden) !== 0);
    if (graph !== undefined) this.#resolution.add(graph);
  }

  /** Lets the kernel go on, and does at once what has to be done before the next offer. Gives the reason why it came back. */
  *#takeMembers(fast: Kernel): Looping<number> {
    const resolution = this.#resolution;
    const { columns, pool, sections, symbols, graphs, queue } = resolution.tables;
    this.#set(SECTION_COUNT, sections.count);
    this.#set(SYMBOL_COUNT, symbols.count);
    this.#set(GRAPH_COUNT, graphs.length);
    const queuePosition = queue?.position() ?? 0;
    const most = queue !== undefined && queuePosition === 0 ? MEMBERS_BEFORE_THREADS : NO_LIMIT;
    const reason = yield* loop(fast.takeMembers, columns.record!, pool.columns.record!, queuePosition, most);
    sections.count = this.#get(SECTION_COUNT);
    symbols.count = this.#get(SYMBOL_COUNT);
    for (let index = graphs.length; index < this.#get(GRAPH_COUNT); index++) this.#adopt(index);
    if (reason === WALK_NO_ROOM) this.#makeRoom();
    else if (reason === WALK_LEFT_OFFER) this.#clear();
    else if (reason === WALK_LEFT_PARTS || reason === WALK_LEFT_VERSIONS) {
      const graph = graphs.at(-1)!;
      if (this.#get(WALK_SECTIONS_LEFT) !== 0) readSectionsAgain(graph);
      if (reason === WALK_LEFT_PARTS) resolution.addLeft(graph, this.#get(WALK_ROW_COUNT));
      else {
        nameDefaultVersions(graph);
        resolution.add(graph);
      }
    }
    return reason;
  }

  /** Makes the graph that the kernel has packed. */
  #adopt(index: number): void {
    const { tables } = this.#resolution;
    const { firstSection, sectionCount, source, headerOffset, ...symbols } = tables.packedGraphs.get(index);
    const archive = this.#offers.source(source);
    Object.assign(new LinkGraph(tables, () => archive.fileAt!(headerOffset), firstSection, sectionCount), symbols);
  }

  /** Makes room for the object that the kernel has looked at. */
  #makeRoom(): void {
    const names = makeRoomForObject(this.#resolution.tables);
    this.#resolution.fit(names);
    this.#resolution.makeRowRoom(names);
    this.#offers.taken.reserve();
  }

  /** Rows of an object that the kernel has begun to read before it left it. */
  #clear(): void {
    const { sections, symbols } = this.#resolution.tables;
    const dirty = this.#get(WALK_DIRTY_SECTIONS);
    if (dirty === 0) return;
    sections.clear(sections.count, sections.count + dirty);
    symbols.clear(symbols.count, symbols.count + this.#get(OBJECT_RECORD + OBJECT_SYMBOLS));
  }

  #get(field: number): number {
    return this.#resolution.tables.columns.words[field / 4]!;
  }

  #set(field: number, value: number): void {
    this.#resolution.tables.columns.words[field / 4] = value;
  }
}
