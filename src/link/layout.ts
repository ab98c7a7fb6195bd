import { alignUp } from "../bytes/address.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { SectionKind } from "../graph/section-table.ts";
import { kernelFor } from "../kernel/kernel.ts";
import { type FunctionArrays, orderFunctionArrays } from "./function-arrays.ts";
import { isInObjectBlock, type ObjectBlock, placeObjectBlocks } from "./object-blocks.ts";
import { SectionSets } from "./section-sets.ts";
import { sectionsOfKinds } from "./sections-of-kinds.ts";
import { placeStartCode, type StartCode } from "./start-code.ts";

/** Smallest unit of protection; also what slab allocations are rounded to. */
export const PAGE = 4096;

/** What a job needs beside its sections, in bytes. */
export interface ExtraSpace {
  /** The anchor's two parts: headers with the dynamic symbols, and what the loader writes to. */
  readonly header: number;
  readonly headerData: number;
  /** Offset of `__dso_handle` in the second part. */
  readonly dsoHandle: number;
  readonly stubs: number;
  readonly globalOffsetTable: number;
  /** Slots that the executor fills with what IFUNC resolvers return. */
  readonly resolvedSlots: number;
}

/** A stripe: one range of the job with one protection. */
export interface Stripe {
  address: number;
  size: number;
}

/**
 * Where everything of a link job goes, in stripes by protection:
 *
 *     header (r--) | header data (rw-) | code + stubs (r-x) | read-only + eh-frame + table + GOT (r--) |
 *     writable code (rwx), only where an input has such sections | data (rw-) | zero-fill | large zero-fill
 *
 * All addresses are offsets from the start of the job until `place` adds the address that the memory manager gave.
 */
export interface Layout {
  size: number;
  /** Bytes from the start that have contents, and that code of the small model reaches. */
  contentSize: number;
  nearSize: number;
  alignment: number;
  header: Stripe;
  headerData: Stripe;
  /** Begins with `objectBlocks`, if objects have memory of their own: these hold read-only sections and data too. */
  code: Stripe;
  readOnly: Stripe;
  writableCode: Stripe;
  data: Stripe;
  zeroFill: Stripe;
  largeZeroFill: Stripe;
  dsoHandle: number;
  stubs: number;
  ehFrame: Stripe;
  ehFrameTable: Stripe;
  globalOffsetTable: number;
  resolvedSlots: number;
  /** The initial image of thread-local storage, its size with the zero-filled rest, and the block's alignment. */
  tls: { imageSize: number; size: number; alignment: number };
  arrays: FunctionArrays;
  /** The functions that sections .init and .fini make. */
  startCode: readonly StartCode[];
  sets: SectionSets;
  /** In the order of their addresses, without gaps; empty unless objects have memory of their own. */
  objectBlocks: readonly ObjectBlock[];
}

const stripeOf: Record<number, number> = {
  [SectionKind.code]: 0,
  [SectionKind.readOnly]: 1,
  [SectionKind.data]: 2,
  [SectionKind.zeroFill]: 3,
  [SectionKind.tlsData]: 4,
  [SectionKind.tlsZeroFill]: 5,
  [SectionKind.ehFrame]: 6,
  [SectionKind.largeZeroFill]: 7,
  [SectionKind.writableCode]: 8,
};
const stripeCount = 9;

/** Zero-fill sections beyond this size go behind all others, so that what a program cannot reach is what is too large. */
const hugeZeroFill = 2 ** 26;

/**
 * Gives every live section its offset: input order within a stripe, except for what has to be contiguous or sorted
 * (constructor arrays, `__start_`/`__stop_` sets, .eh_frame). `perObject`: code, read-only sections and data of an object
 * are next to each other, in pages that no other object has.
 */
export function layOut(
  tables: GraphTables,
  setNames: ReadonlySet<number>,
  extra: ExtraSpace,
  perObject = false,
): Layout {
  const { sections } = tables;
  const cursor = new Float64Array(stripeCount);
  const alignments = new Float64Array(stripeCount).fill(1);
  const sets = new SectionSets(tables, setNames);
  const arrayRows: number[] = [];
  const hugeRows: number[] = [];
  const blockRows: number[] = [];

  const place = (row: number, stripe: number, alignment: number): void => {
    const at = alignUp(cursor[stripe]!, alignment);
    sections.address[row] = at;
    cursor[stripe] = at + sections.size[row]!;
    if (alignment > alignments[stripe]!) alignments[stripe] = alignment;
  };

  const startRows = new Set([...tables.initSections, ...tables.finiSections]);
  const isUsual = !perObject && startRows.size + setNames.size === 0;
  const left = isUsual ? placeWithKernel(tables, cursor, alignments, hugeZeroFill) : undefined;
  const rows = left?.length ?? sections.count;
  for (let i = 0; i < rows; i++) {
    const row = left?.[i] ?? i;
    const kind = sections.kind[row]!;
    if (kind === SectionKind.none || kind === SectionKind.discarded) continue;
    if (startRows.size > 0 && startRows.has(row)) continue;
    if (setNames.size > 0 && sets.claims(row)) continue;
    if (kind === SectionKind.functionArray) arrayRows.push(row);
    else if (kind === SectionKind.zeroFill && sections.size[row]! > hugeZeroFill) hugeRows.push(row);
    else if (perObject && isInObjectBlock(kind)) blockRows.push(row);
    // Readers of .eh_frame go from record to record: no padding between sections, as it would read as the end.
    else place(row, stripeOf[kind]!, kind === SectionKind.ehFrame ? 4 : sections.alignment[row]!);
  }
  const own = perObject ? placeObjectBlocks(tables, blockRows) : undefined;
  if (own !== undefined) [cursor[0], alignments[0]] = [own.end, own.alignment];
  const nearZeroFill = cursor[3]!;
  for (const row of hugeRows) place(row, 3, sections.alignment[row]!);
  const startCode: StartCode[] = [];
  for (const name of [".init", ".fini"] as const) {
    const code = placeStartCode(tables, name, cursor[0]!);
    if (code === undefined) continue;
    cursor[0] = code.end;
    startCode.push(code);
  }
  const arrays = orderFunctionArrays(tables, arrayRows);
  const placeWordOf = (name: string): void => {
    const code = startCode.find((each) => each.name === name);
    if (code === undefined) return;
    code.word = alignUp(cursor[2]!, 8);
    cursor[2] = code.word + 8;
  };
  for (const group of arrays.groups) {
    cursor[2] = alignUp(cursor[2]!, 8);
    group.start = cursor[2]!;
    // The array of the end runs backwards, and .fini behind it.
    if (group === arrays.fini) placeWordOf(".fini");
    for (const row of group.rows) place(row, 2, sections.alignment[row]!);
    if (group === arrays.preinit) placeWordOf(".init");
    group.end = cursor[2]!;
  }
  for (const set of sets.all()) {
    // As in an ordinary link, a set has the flags of all its members.
    const stripe = set.writable ? (set.executable ? 8 : 2) : set.executable ? 0 : 1;
    // What its members' distances from the start depend on: the alignment that their output section would have.
    let alignment = 1;
    for (const row of set.rows) alignment = Math.max(alignment, sections.alignment[row]!);
    cursor[stripe] = alignUp(cursor[stripe]!, alignment);
    set.stripe = stripe;
    set.start = cursor[stripe]!;
    for (const row of set.rows) place(row, stripe, sections.alignment[row]!);
    set.end = cursor[stripe]!;
  }

  const tls = measureThreadLocals(tables);
  const header = { address: 0, size: extra.header };
  const headerData = { address: alignUp(header.size, PAGE), size: extra.headerData };
  const code = { address: alignUp(headerData.address + headerData.size, Math.max(PAGE, alignments[0]!)), size: 0 };
  const stubs = alignUp(code.address + cursor[0]!, 16);
  code.size = stubs + extra.stubs - code.address;
  const readOnly = { address: alignUp(code.address + code.size, Math.max(PAGE, alignments[1]!)), size: 0 };
  const ehFrame = { address: alignUp(readOnly.address + cursor[1]!, 8), size: cursor[6]! + 4 };
  // An FDE has 16 bytes at least, its row in the table has 8.
  const ehFrameTable = {
    address: alignUp(ehFrame.address + ehFrame.size, 8),
    size: 12 + 8 * Math.ceil(cursor[6]! / 16),
  };
  const globalOffsetTable = alignUp(ehFrameTable.address + ehFrameTable.size, 16);
  readOnly.size = globalOffsetTable + extra.globalOffsetTable - readOnly.address;
  const writableCode = {
    address: alignUp(readOnly.address + readOnly.size, Math.max(PAGE, alignments[8]!)),
    size: cursor[8]!,
  };
  const data = { address: alignUp(writableCode.address + writableCode.size, Math.max(PAGE, alignments[2]!)), size: 0 };
  const resolvedSlots = alignUp(data.address + cursor[2]!, 8);
  data.size = resolvedSlots + extra.resolvedSlots - data.address;
  const zeroFill = { address: alignUp(data.address + data.size, alignments[3]!), size: cursor[3]! };
  const nearSize = alignUp(zeroFill.address + nearZeroFill, PAGE);
  const largeZeroFill = { address: alignUp(zeroFill.address + zeroFill.size, alignments[7]!), size: cursor[7]! };
  return {
    size: alignUp(largeZeroFill.address + largeZeroFill.size, PAGE),
    contentSize: alignUp(data.address + data.size, PAGE),
    nearSize,
    alignment: Math.max(PAGE, ...alignments.subarray(0, 4), alignments[7]!, alignments[8]!, tls.alignment),
    header,
    headerData,
    code,
    readOnly,
    writableCode,
    data,
    zeroFill,
    largeZeroFill,
    dsoHandle: headerData.address + extra.dsoHandle,
    stubs,
    ehFrame,
    ehFrameTable,
    globalOffsetTable,
    resolvedSlots,
    tls,
    arrays,
    startCode,
    sets,
    objectBlocks: own?.blocks ?? [],
  };
}

/** Size, initialized part and alignment of the job's thread-local block, as `layOut` will place it. */
export function measureThreadLocals(tables: GraphTables): Layout["tls"] {
  const { sections } = tables;
  const rows = sectionsOfKinds(tables, SectionKind.tlsData, SectionKind.tlsZeroFill);
  let imageSize = 0;
  let alignment = 1;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (sections.kind[row] !== SectionKind.tlsData) continue;
    alignment = Math.max(alignment, sections.alignment[row]!);
    imageSize = alignUp(imageSize, sections.alignment[row]!) + sections.size[row]!;
  }
  const zeroFill = alignTlsZeroFill(tables, imageSize);
  let size = imageSize;
  let offset = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (sections.kind[row] !== SectionKind.tlsZeroFill) continue;
    alignment = Math.max(alignment, sections.alignment[row]!);
    offset = alignUp(offset, sections.alignment[row]!) + sections.size[row]!;
    size = zeroFill + offset;
  }
  return { imageSize, size, alignment };
}

/** Turns the offsets of a layout into addresses in the executor, those of the sections included. */
export function placeLayout(tables: GraphTables, layout: Layout, address: number): void {
  const { sections } = tables;
  const stripes = [
    layout.header,
    layout.headerData,
    layout.code,
    layout.readOnly,
    layout.writableCode,
    layout.data,
    layout.zeroFill,
    layout.largeZeroFill,
    layout.ehFrame,
    layout.ehFrameTable,
  ];
  for (const stripe of stripes) stripe.address += address;
  layout.dsoHandle += address;
  layout.stubs += address;
  layout.globalOffsetTable += address;
  layout.resolvedSlots += address;
  const tlsZeroFill = alignTlsZeroFill(tables, layout.tls.imageSize);
  const base = new Float64Array(16);
  base[SectionKind.code] = layout.code.address;
  base[SectionKind.readOnly] = layout.readOnly.address;
  base[SectionKind.writableCode] = layout.writableCode.address;
  base[SectionKind.data] = layout.data.address;
  base[SectionKind.zeroFill] = layout.zeroFill.address;
  base[SectionKind.largeZeroFill] = layout.largeZeroFill.address;
  base[SectionKind.tlsZeroFill] = tlsZeroFill;
  base[SectionKind.ehFrame] = layout.ehFrame.address;
  base[SectionKind.functionArray] = layout.data.address;
  if (layout.objectBlocks.length > 0) {
    base[SectionKind.readOnly] = layout.code.address;
    base[SectionKind.data] = layout.code.address;
  }
  for (const block of layout.objectBlocks) {
    block.address += layout.code.address;
    for (const segment of block.segments) segment.address += layout.code.address;
  }
  moveSections(tables, base);
  for (const group of layout.arrays.groups) {
    group.start += layout.data.address;
    group.end += layout.data.address;
  }
  for (const code of layout.startCode) {
    code.start += layout.code.address;
    code.end += layout.code.address;
    code.word += layout.data.address;
  }
  for (const set of layout.sets.all()) {
    const stripe = [layout.code, layout.readOnly, layout.data][set.stripe] ?? layout.writableCode;
    // A member was moved by its own kind above; a set lives in the stripe of its most demanding member.
    for (const row of set.rows) sections.address[row]! += stripe.address - base[sections.kind[row]!]!;
    set.start += stripe.address;
    set.end += stripe.address;
  }
}

function alignTlsZeroFill(tables: GraphTables, imageSize: number): number {
  const { sections } = tables;
  const rows = sectionsOfKinds(tables, SectionKind.tlsZeroFill);
  let alignment = 1;
  for (let i = 0; i < rows.length; i++) alignment = Math.max(alignment, sections.alignment[rows[i]!]!);
  return alignUp(imageSize, alignment);
}

/** Lets the kernel place all sections that are nothing special; gives the rows of the others. */
function placeWithKernel(
  tables: GraphTables,
  cursor: Float64Array,
  alignments: Float64Array,
  huge: number,
): Int32Array | undefined {
  const { columns, sections } = tables;
  const { record } = columns;
  const fast = kernelFor(record);
  if (fast === undefined) return undefined;
  const block = columns.block(256 + 16 * stripeCount + 4 * sections.count);
  const cursors = block.float64(stripeCount);
  const largest = block.float64(stripeCount);
  const stripes = block.uint8(64);
  const out = block.int32(sections.count);
  for (const [kind, stripe] of Object.entries(stripeOf)) stripes[Number(kind)] = stripe;
  cursors.set(cursor);
  largest.set(alignments);
  const at = [stripes.byteOffset, cursors.byteOffset, largest.byteOffset] as const;
  const count = fast.placeSections(record!, sections.count, ...at, huge, out.byteOffset);
  cursor.set(cursors);
  alignments.set(largest);
  const left = out.slice(0, count);
  block.release();
  return left;
}

/** Adds to each section's address what `base` has for its kind. */
function moveSections(tables: GraphTables, base: Float64Array): void {
  const { columns, sections } = tables;
  const { record } = columns;
  const fast = kernelFor(record);
  if (fast === undefined) {
    for (let row = 0; row < sections.count; row++) sections.address[row]! += base[sections.kind[row]!]!;
    return;
  }
  const block = columns.block(8 * base.length);
  block.float64(base.length).set(base);
  fast.moveSections(record!, sections.count, block.position);
  block.release();
}
