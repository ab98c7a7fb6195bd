import type { ByteReader } from "../bytes/byte-reader.ts";
import type { IndexPlace } from "../formats/archive-index.ts";
import type { ArchiveMember } from "../formats/archive-member.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { type ColumnBlock, moveColumns } from "../kernel/columns.ts";
import { kernel } from "../kernel/kernel.ts";
import { type Looping, loop } from "../kernel/loop.ts";
import {
  NAME_OFFERED,
  OFFER_BEFORE,
  OFFER_COUNT,
  OFFER_INDEX,
  OFFER_NAME,
  OFFER_SOURCE,
  SOURCE_ARCHIVE,
  SOURCE_ARCHIVE_SIZE,
  SOURCE_END_OFFER,
  SOURCE_FIRST_OFFER,
  SOURCE_GROUP,
  SOURCE_INDEX,
  SOURCE_INDEX_WORD,
  SOURCE_NAMES,
  SOURCE_NAMES_SIZE,
  SOURCE_SIZE,
  SOURCES,
  WALK_IS_VISITING,
  WALK_POSITION,
} from "../kernel/record.ts";
import { MemberSet } from "./member-set.ts";
import { OfferSet } from "./offer-set.ts";

const INITIAL_OFFERS = 256;
const INITIAL_SOURCES = 16;
/** Bytes of all columns of an offer, with what their alignment may cost. */
const OFFER_SIZE = 16;
const COUNT = OFFER_COUNT / 4;
const POSITION = WALK_POSITION / 4;
const VISITING = WALK_IS_VISITING / 4;

/** Where a definition can be had that is not part of the job yet: an archive. */
export interface LazySource {
  /**
   * Adds what defines the symbol at `index` of this source to the job; undefined when that is there already, or when what
   * comes before the source defines the name, unless only a definition inside the job will do (`inside`).
   */
  extract(index: number, id: number, inside: boolean): LinkGraph | undefined;
  /** Whether the definition at `index` is more than a common symbol. */
  isDefinition(index: number, id: number): boolean;
  /** The file of a member that the kernel has taken, given by the offset of its header. */
  fileAt?(headerOffset: number): ByteReader;
}

/** What the kernel has to know of an archive to take members of it. */
export interface PlainArchive {
  readonly index: IndexPlace;
  /** Offset and size of the table of long names. */
  readonly names: { readonly offset: number; readonly size: number } | undefined;
}

/**
 * What lazy sources can define, and which of it is wanted. An offer says that a source has a definition of a name; those of one source
 * have successive numbers, in the order of its index.
 */
export class Offers {
  readonly #tables: GraphTables;
  readonly #sources: LazySource[] = [];
  /** By number of a source - 1, SOURCE_SIZE bytes each. */
  #packed!: Int32Array;
  #packedBlock: ColumnBlock | undefined;
  /** By name identifier: number of the latest offer of it + 1. */
  #offered!: Int32Array;
  #offeredBlock: ColumnBlock | undefined;
  /** By number of an offer: source, index there, name, and the earlier offer of the same name + 1. */
  #source!: Int32Array;
  #index!: Int32Array;
  #name!: Int32Array;
  #before!: Int32Array;
  #block: ColumnBlock | undefined;
  /** The offers that are wanted and not looked at yet. */
  readonly wanted: OfferSet;
  /** The members that were taken, of archives in the linear memory, and of all others. */
  readonly taken: MemberSet;
  readonly #takenElsewhere = new Set<ArchiveMember>();

  constructor(tables: GraphTables) {
    this.#tables = tables;
    this.wanted = new OfferSet(tables.columns);
    this.taken = new MemberSet(tables.columns);
    this.#allocateSources(INITIAL_SOURCES);
    this.#allocateNames(Math.max(INITIAL_OFFERS, tables.pool.size));
    this.#reserve(0);
  }

  get count(): number {
    return this.#tables.columns.words[COUNT]!;
  }

  get sourceCount(): number {
    return this.#sources.length;
  }

  /** The source of this number; they count from 1. */
  source(number: number): LazySource {
    return this.#sources[number - 1]!;
  }

  /** Group of a source; 0 for none. */
  groupOf(source: number): number {
    return this.#field(source, SOURCE_GROUP);
  }

  firstOffer(source: number): number {
    return this.#field(source, SOURCE_FIRST_OFFER);
  }

  endOffer(source: number): number {
    return this.#field(source, SOURCE_END_OFFER);
  }

  sourceOf(offer: number): number {
    return this.#source[offer]!;
  }

  indexOf(offer: number): number {
    return this.#index[offer]!;
  }

  nameOf(offer: number): number {
    return this.#name[offer]!;
  }

  /** Adds a source behind those that are there. All its offers are made before another one is added. */
  addSource(source: LazySource, group: number): number {
    const number = this.#sources.push(source);
    const capacity = this.#packed.length / (SOURCE_SIZE / 4);
    if (number > capacity) this.#allocateSources(2 * capacity);
    this.#setField(number, SOURCE_GROUP, group);
    this.#setField(number, SOURCE_FIRST_OFFER, this.count);
    this.#setField(number, SOURCE_END_OFFER, this.count);
    return number;
  }

  /** Says that `source` can define `id`; all offers are made before anything is taken. */
  add(id: number, source: number, index: number): void {
    this.fit();
    const offer = this.count;
    this.#reserve(1);
    this.#source[offer] = source;
    this.#index[offer] = index;
    this.#name[offer] = id;
    this.#before[offer] = this.#offered[id]!;
    this.#offered[id] = offer + 1;
    this.#tables.columns.words[COUNT] = offer + 1;
    this.#setField(source, SOURCE_END_OFFER, offer + 1);
  }

  /** Says that `source` can define all names of an archive's index; false, with nothing said, when the index has to be read otherwise. */
  *addIndex(source: number, { reader, position, count, word, end }: IndexPlace): Looping<boolean> {
    const { columns, pool } = this.#tables;
    const names = position + word * count;
    if (reader.view.buffer !== columns.buffer || columns.record === undefined) return false;
    pool.reserve(count, end - names);
    this.#reserve(count);
    this.fit(count);
    const [record, poolRecord] = [columns.record, pool.columns.record];
    const fast = record === undefined || poolRecord === undefined ? undefined : kernel();
    if (fast === undefined) return false;
    const values = [record!, poolRecord!, position, count, word, names, end, reader.length, source];
    const isRead = (yield* loop(fast.offerIndex, ...values)) !== 0;
    if (isRead) this.#setField(source, SOURCE_END_OFFER, this.count);
    return isRead;
  }

  /** Lets the kernel take members of a source whose whole index was added. */
  letTake(source: number, { index, names }: PlainArchive): void {
    const { reader, position, word } = index;
    this.#setField(source, SOURCE_ARCHIVE, reader.start);
    this.#setField(source, SOURCE_ARCHIVE_SIZE, reader.length);
    this.#setField(source, SOURCE_INDEX, position);
    this.#setField(source, SOURCE_INDEX_WORD, word);
    this.#setField(source, SOURCE_NAMES, names?.offset ?? 0);
    this.#setField(source, SOURCE_NAMES_SIZE, names?.size ?? 0);
  }

  /** Notes that a member becomes part of the job; false when it is already: an archive that is given twice is two sources. */
  take(member: ArchiveMember): boolean {
    const { reader } = member.archive;
    if (reader.view.buffer === this.#tables.columns.buffer) return this.taken.add(reader.start + member.headerOffset);
    if (this.#takenElsewhere.has(member)) return false;
    this.#takenElsewhere.add(member);
    return true;
  }

  /** Makes room for so many more names, each of them offered. */
  reserve(names: number): void {
    this.#reserve(names);
    this.fit(names);
  }

  /** Makes room for what is known of each name, and of so many more. */
  fit(more = 0): void {
    const size = this.#tables.pool.size + more;
    if (size > this.#offered.length) this.#allocateNames(Math.max(2 * this.#offered.length, size));
  }

  /** Names that there is room for. */
  get nameCapacity(): number {
    return this.#offered.length;
  }

  /** Wants every offer of a name, and every one of the group that is being visited, that the order of the link has not passed. */
  want(id: number): void {
    const { words } = this.#tables.columns;
    const position = words[POSITION]!;
    const group = position === 0 ? 0 : this.groupOf(position);
    for (let offer = this.#offered[id]! - 1; offer >= 0; offer = this.#before[offer]! - 1) {
      const source = this.#source[offer]!;
      const isAhead = source > position || (source === position && words[VISITING] !== 0);
      if (isAhead || (group !== 0 && this.groupOf(source) === group)) this.wanted.add(offer);
    }
  }

  /** Forgets everything, when nothing more is to be taken. */
  detach(): void {
    this.#sources.length = 0;
    this.#offered = this.#packed = new Int32Array(0);
    this.#source = this.#index = this.#name = this.#before = new Int32Array(0);
  }

  #field(source: number, field: number): number {
    return this.#packed[((source - 1) * SOURCE_SIZE + field) / 4]!;
  }

  #setField(source: number, field: number, value: number): void {
    this.#packed[((source - 1) * SOURCE_SIZE + field) / 4] = value;
  }

  #reserve(count: number): void {
    const needed = this.count + count;
    const capacity = this.#block === undefined ? 0 : this.#source.length;
    if (this.#block !== undefined && needed <= capacity) return;
    const [source, index, name, earlier] = [this.#source, this.#index, this.#name, this.#before];
    const before = this.#block;
    const size = Math.max(2 * capacity, needed, INITIAL_OFFERS);
    this.#block = this.#tables.columns.block(OFFER_SIZE * size + 32);
    this.#source = this.#block.int32(size, OFFER_SOURCE);
    this.#index = this.#block.int32(size, OFFER_INDEX);
    this.#name = this.#block.int32(size, OFFER_NAME);
    this.#before = this.#block.int32(size, OFFER_BEFORE);
    this.wanted.reserve(size);
    moveColumns(before, [source, index, name, earlier], [this.#source, this.#index, this.#name, this.#before]);
  }

  #allocateSources(capacity: number): void {
    const [before, packed] = [this.#packedBlock, this.#packed];
    this.#packedBlock = this.#tables.columns.block(SOURCE_SIZE * capacity);
    this.#packed = this.#packedBlock.int32((SOURCE_SIZE / 4) * capacity, SOURCES);
    moveColumns(before, [packed], [this.#packed]);
  }

  #allocateNames(capacity: number): void {
    const [before, offered] = [this.#offeredBlock, this.#offered];
    this.#offeredBlock = this.#tables.columns.block(4 * capacity);
    this.#offered = this.#offeredBlock.int32(capacity, NAME_OFFERED);
    moveColumns(before, [offered], [this.#offered]);
  }
}
