import { limitsOf, type RelocationRow, type Term } from "../arch/relocation-row.ts";
import {
  R_X86_64_64,
  R_X86_64_CODE_4_GOTPC32_TLSDESC,
  R_X86_64_CODE_4_GOTPCRELX,
  R_X86_64_CODE_5_GOTPC32_TLSDESC,
  R_X86_64_CODE_6_GOTPC32_TLSDESC,
  R_X86_64_DTPOFF32,
  R_X86_64_DTPOFF64,
  R_X86_64_GNU_VTENTRY,
  R_X86_64_GNU_VTINHERIT,
  R_X86_64_GOTPC32_TLSDESC,
  R_X86_64_GOTPCRELX,
  R_X86_64_GOTTPOFF,
  R_X86_64_NONE,
  R_X86_64_PLT32,
  R_X86_64_PLTOFF64,
  R_X86_64_REX_GOTPCRELX,
  R_X86_64_TLSDESC_CALL,
  R_X86_64_TLSGD,
  R_X86_64_TLSLD,
  relocationRow,
} from "../arch/x86_64.ts";
import { relaxGotLoad } from "../arch/x86_64-relax.ts";
import {
  descriptorToInitialExec,
  relaxDescriptor,
  relaxDescriptorCall,
  relaxGeneralDynamic,
  relaxInitialExec,
  relaxLocalDynamic,
} from "../arch/x86_64-tls.ts";
import { hex } from "../bytes/address.ts";
import { setWord64 } from "../bytes/word.ts";
import { LinkError } from "../errors.ts";
import { RELA_SIZE, STT_TLS } from "../formats/elf/constants.ts";
import type { LinkGraph } from "../graph/link-graph.ts";
import { SectionKind } from "../graph/section-table.ts";
import { ExternalKind } from "./externals.ts";
import type { FixupInputs } from "./fixup-inputs.ts";
import { EntryKind } from "./linkage-tables.ts";

const TWO_32 = 0x1_0000_0000;

const isSafe = Number.isSafeInteger;

/**
 * Fixes up single relocation entries by the rows of the architecture: every type, every range checked, thread-local sequences and
 * GOT loads rewritten where a shorter form does, stubs for functions that are too far away.
 */
export class RowFixups {
  readonly #in: FixupInputs;
  readonly #value: Float64Array;
  /** Functions of libraries whose stub has become their address, because code needs it in 32 bits. */
  readonly canonical = new Set<number>();
  /** A function became canonical after some of its uses were fixed up: everything must be done once more. */
  again = false;
  /** Words of data that are to hold the address of an indirect function: place → the slot whose value they get. */
  readonly resolvedWords = new Map<number, number>();
  /** Code needs the address of an indirect function in 32 bits, so its stub is its address everywhere. */
  stubsAreAddresses = false;

  constructor(inputs: FixupInputs) {
    this.#in = inputs;
    this.#value = inputs.tables.symbols.value;
  }

  /** Fixes up one entry; gives the number of following entries that belonged to it. */
  apply(graph: LinkGraph, section: number, entries: DataView, entry: number, end: number): number {
    const { sections } = this.#in.tables;
    const offset = entries.getUint32(entry + 4, true) * TWO_32 + entries.getUint32(entry, true);
    const type = entries.getUint32(entry + 8, true);
    const symbol = entries.getUint32(entry + 12, true);
    const A = entries.getInt32(entry + 20, true) * TWO_32 + entries.getUint32(entry + 16, true);
    if (type === R_X86_64_NONE || type === R_X86_64_GNU_VTINHERIT || type === R_X86_64_GNU_VTENTRY) return 0;
    const row = relocationRow(type);
    const place = { graph, section, offset };
    if (row === undefined) throw new LinkError("relocation", `${placeName(place)}: unknown relocation type ${type}`);
    if (symbol >= graph.symbolCount) {
      throw new LinkError(
        "relocation",
        `${placeName(place)}: ${row.name}: symbol ${symbol}, the file has ${graph.symbolCount} symbols`,
      );
    }
    if (offset + row.size > sections.size[section]!) {
      throw new LinkError(
        "relocation",
        `${placeName(place)}: ${row.name}: field of ${row.size} bytes is outside the section of ${hex(sections.size[section]!)} bytes`,
      );
    }
    const index = graph.firstSymbol + symbol;
    const fixup: Fixup = { graph, section, offset, row, symbol, index, A, entries, entry };
    if (this.#referToIndirect(fixup)) return 0;
    const special = this.#rewriteSequence(fixup, entry + RELA_SIZE < end);
    if (special >= 0) return special;
    const value = this.#evaluate(fixup);
    if (row.size === 8 && !(isSafe(value) && isSafe(A) && isSafe(this.#value[index]!))) this.#writeExactly(fixup);
    else this.#write(fixup, value);
    return 0;
  }

  /**
   * A reference to an indirect function's address other than by a call. Through the GOT and in data it gets what the resolver
   * returned and from nearby code its stub, as in an ordinary PIE; an absolute 32-bit field, which only non-PIC code has,
   * makes the stub the address for all, as in an ordinary executable.
   */
  #referToIndirect(fixup: Fixup): boolean {
    if (this.stubsAreAddresses) return false;
    const slot = this.#in.indirectSlots.get(this.#value[fixup.index]!);
    if (slot === undefined || fixup.row.type === R_X86_64_PLT32 || fixup.row.type === R_X86_64_PLTOFF64) return false;
    const place = this.addressOf(fixup.section) + fixup.offset;
    const kind = this.#in.tables.sections.kind[fixup.section];
    if (
      fixup.row.type === R_X86_64_64 &&
      fixup.A === 0 &&
      (kind === SectionKind.data || kind === SectionKind.writableCode)
    ) {
      this.resolvedWords.set(place, slot);
      return true;
    }
    const { terms } = fixup.row;
    if (terms.some(({ term }) => term === "G") && terms.some(({ term }) => term === "P")) {
      const reached = slot + fixup.A - place;
      this.#write(fixup, reached);
      return true;
    }
    if (terms.some(({ term }) => term === "P")) return false;
    this.stubsAreAddresses = true;
    this.resolvedWords.clear();
    this.again = true;
    return false;
  }

  /** Thread-local sequences and GOT loads that can be replaced; -1 when the row's expression applies. */
  #rewriteSequence(fixup: Fixup, more: boolean): number {
    const { memory, tls } = this.#in;
    const out = memory.view;
    const address = this.addressOf(fixup.section) + fixup.offset;
    const at = address - memory.base;
    const threadOffset = this.#ownThreadOffset(fixup.index);
    switch (fixup.row.type) {
      case R_X86_64_GOTPCRELX:
      case R_X86_64_REX_GOTPCRELX: {
        if (fixup.A !== -4 || fixup.offset < 3) return -1;
        const prefix = fixup.row.type === R_X86_64_REX_GOTPCRELX ? "rex" : "none";
        return relaxGotLoad(out, at, this.#value[fixup.index]!, address, prefix) ? 0 : -1;
      }
      case R_X86_64_GOTTPOFF:
        if (threadOffset === undefined || fixup.offset < 3 || fixup.A !== -4) return -1;
        return relaxInitialExec(out, at, threadOffset) ? 0 : -1;
      case R_X86_64_CODE_4_GOTPCRELX:
        if (fixup.A !== -4 || fixup.offset < 4) return -1;
        return relaxGotLoad(out, at, this.#value[fixup.index]!, address, "rex2") ? 0 : -1;
      case R_X86_64_TLSGD: {
        if (threadOffset === undefined || fixup.offset < 4 || !more) return -1;
        return this.#expectCall(fixup, relaxGeneralDynamic(out, at, threadOffset + fixup.A + 4));
      }
      case R_X86_64_TLSLD:
        if (tls.threadOffset === undefined || fixup.offset < 3 || !more) return -1;
        return this.#expectCall(fixup, relaxLocalDynamic(out, at));
      case R_X86_64_GOTPC32_TLSDESC:
      case R_X86_64_CODE_4_GOTPC32_TLSDESC:
      case R_X86_64_CODE_5_GOTPC32_TLSDESC:
      case R_X86_64_CODE_6_GOTPC32_TLSDESC:
        if (fixup.offset < 3 || fixup.A !== -4) return this.#expectSequence(fixup, -1);
        if (
          threadOffset !== undefined &&
          fixup.row.type === R_X86_64_GOTPC32_TLSDESC &&
          relaxDescriptor(out, at, threadOffset)
        )
          return 0;
        if (descriptorToInitialExec(out, at)) return -1;
        return this.#expectSequence(fixup, -1);
      case R_X86_64_TLSDESC_CALL:
        return this.#expectSequence(fixup, relaxDescriptorCall(out, at) ? 0 : -1);
      default:
        return -1;
    }
  }

  /** `distance`: where behind the fixup the call's own field is; its relocation has to be the next, and is done with this one. */
  #expectCall(fixup: Fixup, distance: number): number {
    const next = fixup.entries.getUint32(fixup.entry + RELA_SIZE, true);
    return this.#expectSequence(fixup, distance > 0 && next === fixup.offset + distance ? 1 : -1);
  }

  #expectSequence(fixup: Fixup, consumed: number): number {
    if (consumed < 0) {
      throw new LinkError(
        "relocation",
        `${placeName(fixup)}: ${fixup.row.name}: the instructions here are not one of the ABI's sequences`,
      );
    }
    return consumed;
  }

  #evaluate(fixup: Fixup): number {
    // The frame of a dropped function: a start of zero distance lies in the table itself, where no function is.
    const { kind } = this.#in.tables.sections;
    if (kind[fixup.section] === SectionKind.ehFrame && Number.isNaN(this.#value[fixup.index]!)) return 0;
    let value = 0;
    for (const { sign, term } of fixup.row.terms) value += sign * this.#term(fixup, term);
    if (fixup.row.range === "any") return value;
    const { minimum, maximum } = limitsOf(fixup.row);
    if (value >= minimum && value <= maximum) return value;
    return this.#reachOrFail(fixup, value, minimum, maximum);
  }

  #term(fixup: Fixup, term: Term): number {
    const { linkage, tls, externals } = this.#in;
    const { index } = fixup;
    switch (term) {
      case "A":
        return fixup.A;
      case "P":
        return this.addressOf(fixup.section) + fixup.offset;
      case "S":
      case "L":
        return this.#symbolAddress(fixup);
      case "GOT":
        return linkage.base;
      case "G": {
        const S = this.#symbolAddress(fixup);
        const slot = linkage.slot(this.#key(index, EntryKind.address), S);
        const { view, base } = this.#in.memory;
        if (!isSafe(S)) view.setBigInt64(slot - base, BigInt.asIntN(64, this.#in.exactValue(index)), true);
        return slot - linkage.base;
      }
      case "Z":
        return this.#in.symbolSize(index);
      case "TPOFF":
        return this.#threadOffset(fixup);
      case "GOTTPOFF":
        return linkage.slot(this.#key(index, EntryKind.threadOffset), this.#threadOffset(fixup));
      case "DTPOFF":
        return this.#blockOffset(fixup);
      case "DTPMOD":
        return this.#module(fixup);
      case "GOTDTP": {
        const foreign = externals.threadLocals.get(this.#externalId(index));
        if (foreign === undefined) this.#expectThreadLocal(fixup);
        const offset = foreign?.offset ?? this.#value[index]!;
        return linkage.slot(this.#key(index, EntryKind.pair), this.#module(fixup), offset);
      }
      case "GOTLD":
        return linkage.slot(EntryKind.module, tls.module, 0);
    }
  }

  /** A symbol's address; a symbol of a dropped section has none, which only unwind tables may ask for. */
  #symbolAddress(fixup: Fixup): number {
    const S = this.#value[fixup.index]!;
    if (!Number.isNaN(S)) return S;
    const kind = this.#in.tables.sections.kind[fixup.section];
    if (kind === SectionKind.ehFrame || fixup.graph.sectionName(fixup.section).startsWith(".gcc_except_table"))
      return 0;
    const name = fixup.graph.symbolName(fixup.symbol);
    throw new LinkError(
      "relocation",
      `${placeName(fixup)}: ${fixup.row.name} refers to ${name}, which is defined in a discarded section`,
    );
  }

  #threadOffset(fixup: Fixup): number {
    const foreign = this.#in.externals.threadLocals.get(this.#externalId(fixup.index));
    if (foreign?.threadOffset !== undefined) return foreign.threadOffset;
    const threadOffset = this.#ownThreadOffset(fixup.index);
    if (foreign === undefined && threadOffset !== undefined) return threadOffset;
    if (foreign === undefined) this.#expectThreadLocal(fixup);
    const name = fixup.graph.symbolName(fixup.symbol);
    throw new LinkError(
      "relocation",
      `${placeName(fixup)}: ${fixup.row.name}: the process has no static thread-local room left for ${name}; recompile with -fPIC -ftls-model=global-dynamic, or run in the executor`,
    );
  }

  #expectThreadLocal(fixup: Fixup): void {
    if (this.#isOwnThreadLocal(fixup.index)) return;
    const name = fixup.graph.symbolName(fixup.symbol) || "no symbol";
    throw new LinkError(
      "relocation",
      `${placeName(fixup)}: ${fixup.row.name} refers to ${name}, which is not thread-local`,
    );
  }

  #blockOffset(fixup: Fixup): number {
    const foreign = this.#in.externals.threadLocals.get(this.#externalId(fixup.index));
    if (foreign !== undefined) return foreign.offset;
    this.#expectThreadLocal(fixup);
    const { threadOffset } = this.#in.tls;
    const kind = this.#in.tables.sections.kind[fixup.section];
    // In code a local-dynamic sequence was rewritten to start from the thread pointer; data keeps the block's offset.
    const inCode =
      (kind === SectionKind.code || kind === SectionKind.writableCode) &&
      (fixup.row.type === R_X86_64_DTPOFF32 || fixup.row.type === R_X86_64_DTPOFF64);
    return this.#value[fixup.index]! + (inCode && threadOffset !== undefined ? threadOffset : 0);
  }

  /** The module of the symbol's block; an entry without a symbol asks for the job's own. */
  #module(fixup: Fixup): number {
    const foreign = this.#in.externals.threadLocals.get(this.#externalId(fixup.index));
    if (foreign === undefined && fixup.symbol !== 0) this.#expectThreadLocal(fixup);
    return foreign?.module ?? this.#in.tls.module;
  }

  /** Out of range: a library's function is reached through a stub, anything else is an error. */
  #reachOrFail(fixup: Fixup, value: number, minimum: number, maximum: number): number {
    const { externals, linkage, tables } = this.#in;
    const { row, index } = fixup;
    const id = this.#externalId(index);
    if (id >= 0 && row.terms.some((each) => each.term === "S" || each.term === "L")) {
      const branch = row.type === R_X86_64_PLT32;
      let kind = externals.kind[id] as ExternalKind;
      if (!branch && kind === ExternalKind.unknown) {
        kind = this.#in.classify(id);
        externals.kind[id] = kind;
      }
      if (branch || kind === ExternalKind.function) {
        const stub = linkage.stub(id, externals.address[id]!, this.#key(index, EntryKind.address));
        const S = this.#value[index]!;
        const reached = value - S + stub;
        if (reached >= minimum && reached <= maximum) {
          const kindOfPlace = tables.sections.kind[fixup.section];
          // Unwind tables name the personality function only to have it called.
          const isAddress = !branch && kindOfPlace !== SectionKind.ehFrame;
          if (isAddress && !this.canonical.has(id)) this.#makeCanonical(id, stub);
          return reached;
        }
      }
    }
    const name = fixup.graph.symbolName(fixup.symbol) || "(no name)";
    const to = this.#value[index]!;
    const advice =
      id < 0 ? "" : `; ${tables.pool.name(id)} is a library's: recompile with -fPIC, or try another --placement`;
    throw new LinkError(
      "relocation",
      `${placeName(fixup)}: ${row.name} out of range: ${hex(value)} is not in [${hex(minimum)}, ${hex(maximum)}]; from ${hex(this.addressOf(fixup.section) + fixup.offset)} it references ${name} at ${hex(to)}${advice}`,
    );
  }

  #makeCanonical(id: number, stub: number): void {
    const { symbols } = this.#in.tables;
    this.canonical.add(id);
    this.again = true;
    for (let row = 0; row < symbols.count; row++) {
      if (symbols.id[row] === id) this.#value[row] = stub;
    }
  }

  /** A 64-bit field where numbers would round: large addends (tagged pointers), absolute symbols of all 64 bits. */
  #writeExactly(fixup: Fixup): void {
    let value = 0n;
    for (const { sign, term } of fixup.row.terms) {
      let exact: bigint;
      if (term === "A") exact = fixup.entries.getBigInt64(fixup.entry + 16, true);
      else {
        const known = this.#term(fixup, term);
        exact = isSafe(known) ? BigInt(known) : this.#in.exactValue(fixup.index);
      }
      value += BigInt(sign) * exact;
    }
    const { view, base } = this.#in.memory;
    view.setBigInt64(this.addressOf(fixup.section) + fixup.offset - base, BigInt.asIntN(64, value), true);
  }

  #write(fixup: Fixup, value: number): void {
    const { view, base } = this.#in.memory;
    const at = this.addressOf(fixup.section) + fixup.offset - base;
    switch (fixup.row.size) {
      case 1:
        view.setUint8(at, value);
        break;
      case 2:
        view.setUint16(at, value, true);
        break;
      case 4:
        view.setUint32(at, value, true);
        break;
      case 8:
        setWord64(view, at, value);
        break;
    }
  }

  /** Where the section's bytes are written: thread-local sections have offsets for addresses, their image is elsewhere. */
  addressOf(section: number): number {
    const { sections } = this.#in.tables;
    const address = sections.address[section]!;
    return sections.kind[section] === SectionKind.tlsData ? this.#in.tlsImage + address : address;
  }

  /** Distance from the thread pointer of the job's own variable, when its block has a static place. */
  #ownThreadOffset(index: number): number | undefined {
    const { threadOffset } = this.#in.tls;
    if (threadOffset === undefined || !this.#isOwnThreadLocal(index)) return undefined;
    // _TLS_MODULE_BASE_ is what DTPOFF fields are relative to, which in rewritten code is the thread pointer itself.
    return this.#externalId(index) >= 0 ? 0 : this.#value[index]! + threadOffset;
  }

  #isOwnThreadLocal(index: number): boolean {
    const { symbols, sections } = this.#in.tables;
    const id = this.#externalId(index);
    // Of the names from outside only _TLS_MODULE_BASE_ stands for the job's own block.
    if (id >= 0) return this.#in.externals.kind[id] === ExternalKind.ownThreadLocal;
    const section = symbols.section[index]!;
    if ((symbols.info[index]! & 0xf) === STT_TLS) return true;
    if (section < 0) return false;
    const kind = sections.kind[section];
    return kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill;
  }

  /** The name's identifier when the job takes the symbol from outside, else -1. */
  #externalId(index: number): number {
    const id = this.#in.tables.symbols.id[index]!;
    return id >= 0 && !Number.isNaN(this.#in.externals.address[id]!) ? id : -1;
  }

  /** One GOT entry a global name or local symbol and kind; the value 3 is the module's own pair. */
  #key(index: number, kind: number): number {
    const id = this.#in.tables.symbols.id[index]!;
    const which = id >= 0 ? id : this.#in.linkage.stubOfName.length + index;
    return (which + 1) * 4 + kind;
  }
}

/** Where a relocation applies, in its file. */
interface Place {
  readonly graph: LinkGraph;
  readonly section: number;
  readonly offset: number;
}

/** What errors call it: made for them only, since thousands of entries are not usual. */
function placeName({ graph, section, offset }: Place): string {
  return `${graph.name}:(${graph.sectionName(section)}+${hex(offset)})`;
}

interface Fixup extends Place {
  readonly row: RelocationRow;
  /** Index in the file's symbol table, and row in the job's. */
  readonly symbol: number;
  readonly index: number;
  readonly A: number;
  /** The relocation entry itself. */
  readonly entries: DataView;
  readonly entry: number;
}
