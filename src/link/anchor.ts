// The anchor: a small shared object, made for one link job, that makes the target process's own loader know the job.
// It has no code but the stubs of canonical functions. Its segments span the job's memory, so that the loader's tables, and with them the unwinder, dladdr and
// thread-exit bookkeeping, find linked code as they find any library's; its dynamic symbols make linked definitions visible to
// dlsym and to libraries; its PT_TLS gives the job thread-locals in threads old and new; its relocations fetch what only the
// loader knows. (gABI 4 and 5; "ELF Handling For Thread-Local Storage"; LSB 5 for PT_GNU_EH_FRAME.)
//
//     header       ELF header, program headers, hash table, dynamic symbols, strings, relocations, TLS image    r--, from the file
//     headerData   dynamic section, words the loader fills in, copies of library data                          rw-, from the file
//     code … read-only    without file contents: the job's stripes are mapped over it                          r--
//     writable code … zero-fill    without file contents: contents are mapped over its front, the rest stays as zero-fill    rw-

import {
  R_X86_64_64,
  R_X86_64_DTPMOD64,
  R_X86_64_DTPOFF64,
  R_X86_64_JUMP_SLOT,
  R_X86_64_TPOFF64,
  STUB_SIZE,
  writeStub,
} from "../arch/x86_64.ts";
import { alignUp } from "../bytes/address.ts";
import { setWord64 } from "../bytes/word.ts";
import {
  DF_1_INITFIRST,
  DF_STATIC_TLS,
  DT_FLAGS,
  DT_FLAGS_1,
  DT_HASH,
  DT_INIT,
  DT_NEEDED,
  DT_NULL,
  DT_RELA,
  DT_RELAENT,
  DT_RELASZ,
  DT_SONAME,
  DT_STRSZ,
  DT_STRTAB,
  DT_SYMENT,
  DT_SYMTAB,
  EHDR_SIZE,
  EM_X86_64,
  ET_DYN,
  PF_R,
  PF_W,
  PF_X,
  PHDR_SIZE,
  PT_DYNAMIC,
  PT_GNU_EH_FRAME,
  PT_GNU_STACK,
  PT_LOAD,
  PT_TLS,
  RELA_SIZE,
  STB_GLOBAL,
  STT_FUNC,
  SYM_SIZE,
} from "../formats/elf/constants.ts";
import { type DynamicSymbolPlace, writeDynamicSymbol } from "./dynamic-symbol.ts";
import { type Layout, PAGE, type Stripe } from "./layout.ts";

const segmentCount = 8;

/** The definitions of the job that the rest of the process may see; written when the job has its addresses. */
export interface AnchorExports {
  readonly count: number;
  /** Length of all names, in bytes. */
  readonly nameBytes: number;
  /** Makes a dynamic symbol of each, in the order given by `place`, and answers the bytes of the string table that are in use then. */
  write(view: DataView, place: DynamicSymbolPlace): number;
}

/** Of a job that shows nothing. */
export const noExports: AnchorExports = { count: 0, nameBytes: 0, write: (_view, { used }) => used };

/** A thread-local variable of a library: its module and offset are the loader's to say. */
export interface ForeignTls {
  readonly name: Uint8Array;
  readonly id: number;
  /** The code reads it relative to the thread pointer (initial-exec), so its library must have static TLS. */
  readonly staticTls: boolean;
}

/** A variable of a library that code reaches by a 32-bit distance: it lives here, and the library binds to this copy. */
export interface DataCopy {
  readonly name: Uint8Array;
  /** The names by which the job refers to it. */
  readonly ids: readonly number[];
  readonly size: number;
  readonly alignment: number;
  readonly contents: Uint8Array;
  /** Other names that it has. */
  readonly aliases: readonly Uint8Array[];
  /** Other libraries are to bind to the copy. */
  readonly exported: boolean;
  /** Pointers inside: the loader adds the address of `symbol` and stores. */
  readonly pointers: readonly { offset: number; symbol: Uint8Array; addend: number }[];
}

/**
 * A function of a library whose address code holds in 32 bits: a stub here is its address for all, as the entry in the procedure
 * linkage table of an ordinary executable is (psABI 5.2, "Function Addresses"): an undefined symbol with a value, to which every
 * reference binds but those of R_X86_64_JUMP_SLOT.
 */
export interface CanonicalFunction {
  readonly id: number;
  readonly name: Uint8Array;
  /** The function itself; where it is not known yet, the loader looks the name up. */
  readonly target?: number;
}

/** A name under which dlsym finds something outside the job, when the program is asked before the libraries. */
export interface OutsideName {
  readonly name: Uint8Array;
  readonly address: number;
  /** STT_… */
  readonly type: number;
}

/** All that goes into an anchor, collected before the job has addresses; sizes and alignments in bytes. */
export interface AnchorPlan {
  readonly name: string;
  readonly exports: AnchorExports;
  readonly foreignTls: readonly ForeignTls[];
  readonly copies: readonly DataCopy[];
  readonly functions: readonly CanonicalFunction[];
  readonly names: readonly OutsideName[];
  readonly needed: readonly string[];
  /** Address of a function that the loader calls before the initializers of the libraries that come with the job; 0: none. */
  readonly initializer: number;
  /** The job has thread-locals of its own; with `staticTls` they get their place relative to the thread pointer. */
  readonly tls: { imageSize: number; size: number; alignment: number };
  readonly staticTls: boolean;
  /** The loader is to make the stacks of all threads executable (PT_GNU_STACK with PF_X). */
  readonly executableStack: boolean;
}

/** What the loader has filled in, by position in the words after the dynamic section. */
export const AnchorWord = { module: 0, threadOffset: 1, foreign: 2 } as const;
const wordsPerForeign = 3;

/** Offsets of the anchor's parts; all but the addresses is known before the layout. */
export interface AnchorSizes {
  readonly symbolCount: number;
  readonly hash: number;
  readonly symbols: number;
  readonly strings: number;
  readonly stringsSize: number;
  readonly relocations: number;
  readonly relocationCount: number;
  readonly tlsImage: number;
  /** Stubs of the canonical functions; the word of each follows those of foreign thread-locals. */
  readonly stubs: number;
  readonly header: number;
  /** Offsets in the second part. */
  readonly words: number;
  readonly wordCount: number;
  /** A word that holds its own address: what `__dso_handle` is in a shared object (crtbeginS.o). */
  readonly dsoHandle: number;
  readonly copies: readonly number[];
  readonly headerData: number;
}

/** Computes the size of every part. */
export function measureAnchor(plan: AnchorPlan): AnchorSizes {
  const pointerNames = new Set<string>();
  let aliasCount = 0;
  let relocationCount = plan.tls.size > 0 ? (plan.staticTls ? 2 : 1) : 0;
  for (const foreign of plan.foreignTls) relocationCount += foreign.staticTls ? 3 : 2;
  let strings = 1 + plan.name.length + 1;
  for (const name of plan.needed) strings += Buffer.byteLength(name) + 1;
  strings += plan.exports.nameBytes + plan.exports.count;
  for (const symbol of plan.foreignTls) strings += symbol.name.length + 1;
  for (const { name } of [...plan.functions, ...plan.names]) strings += name.length + 1;
  relocationCount += plan.functions.filter(({ target }) => target === undefined).length;
  for (const copy of plan.copies) {
    strings += copy.name.length + 1;
    for (const alias of copy.aliases) strings += alias.length + 1;
    aliasCount += copy.aliases.length;
    relocationCount += copy.pointers.length;
    for (const pointer of copy.pointers) pointerNames.add(Buffer.from(pointer.symbol).toString("latin1"));
  }
  for (const name of pointerNames) strings += name.length + 1;
  const { exports, foreignTls, functions } = plan;
  const copyCount = plan.copies.length + aliasCount;
  const outside = functions.length + plan.names.length + foreignTls.length;
  const symbolCount = 1 + exports.count + copyCount + outside + pointerNames.size;
  const hash = EHDR_SIZE + segmentCount * PHDR_SIZE;
  const symbols = alignUp(hash + 4 * (2 + bucketCount(symbolCount) + symbolCount), 8);
  const stringsStart = symbols + symbolCount * SYM_SIZE;
  const relocations = alignUp(stringsStart + strings, 8);
  const tlsImage = alignUp(relocations + relocationCount * RELA_SIZE, Math.max(16, plan.tls.alignment));
  const dynamicSize = 16 * (14 + plan.needed.length);
  const stubs = alignUp(tlsImage + plan.tls.imageSize, functions.length > 0 ? 16 : 1);
  const wordCount = functionWord(plan, functions.length);
  const dsoHandle = dynamicSize + 8 * wordCount;
  let end = dsoHandle + 8;
  const copies = plan.copies.map((copy) => {
    const at = alignUp(end, copy.alignment);
    end = at + copy.size;
    return at;
  });
  return {
    symbolCount,
    hash,
    symbols,
    strings: stringsStart,
    stringsSize: strings,
    relocations,
    relocationCount,
    tlsImage,
    stubs,
    header: stubs + STUB_SIZE * functions.length,
    words: dynamicSize,
    wordCount,
    dsoHandle,
    copies,
    headerData: end,
  };
}

/** Size of the anchor as a file: both parts from the start of the job. */
export function anchorFileSize(layout: Layout): number {
  return layout.headerData.address - layout.header.address + layout.headerData.size;
}

/** Index in the loader's words of the foreign variable's module; its offset and thread offset follow. */
export function foreignWord(index: number): number {
  return AnchorWord.foreign + wordsPerForeign * index;
}

/** Index in the loader's words of the address of canonical function `index`. */
function functionWord(plan: AnchorPlan, index: number): number {
  return foreignWord(plan.foreignTls.length) + index;
}

function bucketCount(symbols: number): number {
  return Math.max(1, symbols >> 1);
}

/** Writes the anchor into zeroed memory, where `start` is the position of the job's first byte; the TLS image is not touched. */
export function writeAnchor(view: DataView, start: number, plan: AnchorPlan, sizes: AnchorSizes, layout: Layout): void {
  const base = layout.header.address;
  const writer = new AnchorWriter(view, start, sizes);
  writer.elfHeader();
  writer.pointer(layout.headerData.address - base + sizes.dsoHandle, layout.headerData.address + sizes.dsoHandle);
  writer.segments(plan, layout);
  // String table: first NUL, then soname.
  const soname = writer.string(Buffer.from(plan.name));
  const needed = plan.needed.map((name) => writer.string(Buffer.from(name)));
  writer.exports(plan.exports);
  const data = layout.headerData.address;
  plan.copies.forEach((copy, index) => {
    const names = copy.exported ? [copy.name, ...copy.aliases] : [];
    for (const name of names) writer.symbol(name, (1 << 4) | 1, 1, data + sizes.copies[index]!, copy.size);
    writer.bytes(data - base + sizes.copies[index]!, copy.contents);
  });
  const words = data + sizes.words;
  if (plan.tls.size > 0) {
    writer.relocation(words + 8 * AnchorWord.module, R_X86_64_DTPMOD64, 0, 0);
    if (plan.staticTls) writer.relocation(words + 8 * AnchorWord.threadOffset, R_X86_64_TPOFF64, 0, 0);
  }
  plan.foreignTls.forEach((foreign, index) => {
    const symbol = writer.symbol(foreign.name, (1 << 4) | 6, 0, 0, 0);
    const at = words + 8 * foreignWord(index);
    writer.relocation(at, R_X86_64_DTPMOD64, symbol, 0);
    writer.relocation(at + 8, R_X86_64_DTPOFF64, symbol, 0);
    if (foreign.staticTls) writer.relocation(at + 16, R_X86_64_TPOFF64, symbol, 0);
  });
  for (const { name, address, type } of plan.names) writer.symbol(name, (STB_GLOBAL << 4) | type, 0, address, 0);
  plan.functions.forEach(({ name, target }, index) => {
    const stub = sizes.stubs + STUB_SIZE * index;
    const word = words + 8 * functionWord(plan, index);
    const symbol = writer.symbol(name, (STB_GLOBAL << 4) | STT_FUNC, 0, base + stub, 0);
    if (target === undefined) writer.relocation(word, R_X86_64_JUMP_SLOT, symbol, 0);
    else writer.pointer(word - base, target);
    writeStub(view, start + stub, word - base - stub);
  });
  const imports = new Map<string, number>();
  plan.copies.forEach((copy, index) => {
    for (const pointer of copy.pointers) {
      const key = Buffer.from(pointer.symbol).toString("latin1");
      let symbol = imports.get(key);
      if (symbol === undefined) {
        symbol = writer.symbol(pointer.symbol, 1 << 4, 0, 0, 0);
        imports.set(key, symbol);
      }
      writer.relocation(data + sizes.copies[index]! + pointer.offset, R_X86_64_64, symbol, pointer.addend);
    }
  });
  const dynamic: [number, number][] = [
    [DT_SONAME, soname],
    ...needed.map((offset): [number, number] => [DT_NEEDED, offset]),
    [DT_HASH, base + sizes.hash],
    [DT_SYMTAB, base + sizes.symbols],
    [DT_STRTAB, base + sizes.strings],
    [DT_STRSZ, sizes.stringsSize],
    [DT_SYMENT, SYM_SIZE],
  ];
  if (sizes.relocationCount > 0) {
    dynamic.push([DT_RELA, base + sizes.relocations]);
    dynamic.push([DT_RELASZ, sizes.relocationCount * RELA_SIZE]);
    dynamic.push([DT_RELAENT, RELA_SIZE]);
  }
  if (plan.tls.size > 0 && plan.staticTls) dynamic.push([DT_FLAGS, DF_STATIC_TLS]);
  if (plan.initializer !== 0) dynamic.push([DT_INIT, plan.initializer], [DT_FLAGS_1, DF_1_INITFIRST]);
  dynamic.push([DT_NULL, 0]);
  writer.dynamic(data - base, dynamic);
}

class AnchorWriter {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #sizes: AnchorSizes;
  readonly #buckets: number;
  #symbols = 1;
  #strings = 1;
  #relocations = 0;

  constructor(view: DataView, start: number, sizes: AnchorSizes) {
    this.#view = view;
    this.#bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    this.#start = start;
    this.#sizes = sizes;
    this.#buckets = bucketCount(sizes.symbolCount);
    const hash = start + sizes.hash;
    view.setUint32(hash, this.#buckets, true);
    view.setUint32(hash + 4, sizes.symbolCount, true);
  }

  elfHeader(): void {
    const view = this.#view;
    const at = this.#start;
    view.setUint32(at, 0x464c457f, true);
    view.setUint32(at + 4, 0x00010102, true);
    view.setUint16(at + 16, ET_DYN, true);
    view.setUint16(at + 18, EM_X86_64, true);
    view.setUint32(at + 20, 1, true);
    view.setUint32(at + 32, EHDR_SIZE, true);
    view.setUint16(at + 52, EHDR_SIZE, true);
    view.setUint16(at + 54, PHDR_SIZE, true);
    view.setUint16(at + 56, segmentCount, true);
  }

  segments(plan: AnchorPlan, layout: Layout): void {
    const base = layout.header.address;
    const rest = {
      address: layout.code.address,
      size: layout.readOnly.address + layout.readOnly.size - layout.code.address,
    };
    const writable = {
      address: layout.writableCode.address,
      size: base + layout.size - layout.writableCode.address,
    };
    const dynamic = { address: layout.headerData.address, size: this.#sizes.words };
    const table = layout.ehFrameTable;
    const tlsAddress = base + this.#sizes.tlsImage;
    const code = plan.functions.length > 0 ? PF_X : 0;
    this.#segment(0, PT_LOAD, PF_R | code, base, layout.header, layout.header.size, PAGE);
    this.#segment(1, PT_LOAD, PF_R | PF_W, base, layout.headerData, layout.headerData.size, PAGE);
    // Garbage collectors (D's) look for pointers in segments that are writable; blocks of objects hold their data.
    const ownData = layout.objectBlocks.length > 0 ? PF_W : 0;
    this.#segment(2, PT_LOAD, PF_R | ownData, base, rest, 0, PAGE);
    this.#segment(3, PT_LOAD, PF_R | PF_W, base, writable, 0, PAGE);
    this.#segment(4, PT_DYNAMIC, PF_R | PF_W, base, dynamic, dynamic.size, 8);
    this.#segment(5, PT_GNU_EH_FRAME, PF_R, base, table, table.size, 4);
    const stack = PF_R | PF_W | (plan.executableStack ? PF_X : 0);
    this.#segment(6, PT_GNU_STACK, stack, base, { address: base, size: 0 }, 0, 16);
    if (plan.tls.size > 0) {
      const image = { address: tlsAddress, size: plan.tls.size };
      this.#segment(7, PT_TLS, PF_R, base, image, plan.tls.imageSize, plan.tls.alignment);
    }
  }

  /** Appends to the string table and gives the offset. */
  string(bytes: Uint8Array): number {
    const at = this.#strings;
    this.#bytes.set(bytes, this.#start + this.#sizes.strings + at);
    this.#strings += bytes.length + 1;
    return at;
  }

  /** Appends a dynamic symbol and gives its index. */
  symbol(name: Uint8Array, info: number, section: number, value: number, size: number): number {
    const { symbols, strings, hash } = this.#sizes;
    const index = this.#symbols++;
    const place = {
      symbols: this.#start + symbols,
      first: index,
      strings: this.#start + strings,
      used: this.#strings,
      buckets: this.#start + hash + 8,
      bucketCount: this.#buckets,
    };
    this.#strings = writeDynamicSymbol(this.#view, place, { name, info, section, value, size });
    return index;
  }

  /** All that the job exports, at once: there may be hundreds of thousands. */
  exports(exports: AnchorExports): void {
    const { symbols, strings, hash } = this.#sizes;
    this.#strings = exports.write(this.#view, {
      symbols: this.#start + symbols,
      first: this.#symbols,
      strings: this.#start + strings,
      used: this.#strings,
      buckets: this.#start + hash + 8,
      bucketCount: this.#buckets,
    });
    this.#symbols += exports.count;
  }

  relocation(place: number, type: number, symbol: number, addend: number): void {
    const at = this.#start + this.#sizes.relocations + RELA_SIZE * this.#relocations++;
    setWord64(this.#view, at, place);
    this.#view.setUint32(at + 8, type, true);
    this.#view.setUint32(at + 12, symbol, true);
    setWord64(this.#view, at + 16, addend);
  }

  pointer(offset: number, value: number): void {
    setWord64(this.#view, this.#start + offset, value);
  }

  bytes(offset: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#start + offset);
  }

  dynamic(offset: number, entries: readonly [number, number][]): void {
    let at = this.#start + offset;
    for (const [tag, value] of entries) {
      setWord64(this.#view, at, tag);
      setWord64(this.#view, at + 8, value);
      at += 16;
    }
  }

  #segment(
    index: number,
    type: number,
    flags: number,
    base: number,
    range: Stripe,
    fileSize: number,
    align: number,
  ): void {
    const at = this.#start + EHDR_SIZE + index * PHDR_SIZE;
    this.#view.setUint32(at, type, true);
    this.#view.setUint32(at + 4, flags, true);
    setWord64(this.#view, at + 8, fileSize === 0 && type === PT_LOAD ? 0 : range.address - base);
    setWord64(this.#view, at + 16, range.address);
    setWord64(this.#view, at + 24, range.address);
    setWord64(this.#view, at + 32, fileSize);
    setWord64(this.#view, at + 40, range.size);
    setWord64(this.#view, at + 48, align);
  }
}
