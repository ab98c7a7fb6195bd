import { hex, isPowerOfTwo, TWO_32 } from "../../bytes/address.ts";
import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { GraphTables } from "../../graph/graph-tables.ts";
import { LinkGraph } from "../../graph/link-graph.ts";
import { SectionKind } from "../../graph/section-table.ts";
import { SymbolPlace } from "../../graph/symbol-table.ts";
import {
  GRP_COMDAT,
  RELA_SIZE,
  SHDR_SIZE,
  SHF_ALLOC,
  SHF_COMPRESSED,
  SHF_EXECINSTR,
  SHF_LINK_ORDER,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_X86_64_LCOMMON,
  SHN_XINDEX,
  SHT_CREL,
  SHT_GROUP,
  SHT_NOBITS,
  SHT_NULL,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  STB_GLOBAL,
  STB_GNU_UNIQUE,
  STB_LOCAL,
  STB_WEAK,
  SYM_SIZE,
} from "./constants.ts";
import { expandCrel } from "./crel.ts";
import { type ElfHeader, readElfHeader } from "./header.ts";
import { expandRel, REL_SIZE, readImplicitAddends } from "./implicit-addends.ts";
import { isSectionNamed, sectionKindOf } from "./section-kind.ts";
import { namesOfDefaultVersion, VERSION_MARK } from "./symbol-versions.ts";

/** Alignments above this are taken for damage rather than for a wish. */
const largestAlignment = 1 << 30;

/** Sizes from here on are damage: no process has so much address space to give. */
const largestSize = 2 ** 40;

/** One file's section headers, read in place and checked where they are used. */
interface SectionHeaders {
  readonly reader: ByteReader;
  readonly header: ElfHeader;
  /** Position of section header `index` in the reader's view. */
  at(index: number): number;
}

/**
 * Reads a relocatable ELF x86-64 file into the job's tables (gABI 4 and 5). Headers and tables are checked once, here;
 * contents and relocation entries stay in the file.
 */
export function buildLinkGraph(tables: GraphTables, reader: ByteReader): LinkGraph {
  const header = readElfHeader(reader);
  const headers: SectionHeaders = {
    reader,
    header,
    at: (index) => reader.start + header.sectionTable + index * SHDR_SIZE,
  };
  const graph = new LinkGraph(tables, reader, tables.sections.add(header.sectionCount), header.sectionCount);
  const found = readSections(graph, headers);
  readSymbolTable(graph, headers, found.symbolTable, found.extendedIndices);
  for (const group of found.groups) readGroup(graph, headers, group, found.symbolTable);
  discardLinkonce(graph);
  for (const section of found.linkOrder) discardWithLinked(graph, headers, section);
  for (const table of found.relocations) readRelocationTable(graph, headers, table, found.symbolTable);
  readSymbols(graph, headers, found.extendedIndices);
  tables.pack(graph);
  return graph;
}

/**
 * Reads the sections of a graph whose groups and symbols the kernel has read, and whose sections hold something that it leaves to others,
 * or damage.
 */
export function readSectionsAgain(graph: LinkGraph): void {
  const { reader, firstSection, sectionCount, tables } = graph;
  const { sections } = tables;
  const dropped: number[] = [];
  for (let row = firstSection; row < firstSection + sectionCount; row++) {
    if (sections.kind[row] === SectionKind.discarded) dropped.push(row);
  }
  sections.clear(firstSection, firstSection + sectionCount);
  const header = readElfHeader(reader);
  const at = (index: number): number => reader.start + header.sectionTable + index * SHDR_SIZE;
  const headers: SectionHeaders = { reader, header, at };
  const found = readSections(graph, headers);
  for (const row of dropped) sections.kind[row] = SectionKind.discarded;
  for (const table of found.relocations) readRelocationTable(graph, headers, table, found.symbolTable);
}

interface FoundSections {
  symbolTable: number;
  extendedIndices: number;
  groups: number[];
  relocations: number[];
  /** Sections that belong to the one in their sh_link (SHF_LINK_ORDER). */
  linkOrder: number[];
}

function readSections(graph: LinkGraph, headers: SectionHeaders): FoundSections {
  const reader: ByteReader = headers.reader;
  const { view, start, length } = reader;
  const { sections } = graph.tables;
  const count = graph.sectionCount;
  const found: FoundSections = { symbolTable: 0, extendedIndices: 0, groups: [], relocations: [], linkOrder: [] };
  const namesHeader = headers.at(headers.header.sectionNames);
  const names = stringTable(headers, headers.header.sectionNames, "section name table");
  const namesSize = view.getUint32(namesHeader + 32, true);
  for (let index = 1; index < count; index++) {
    const at = headers.at(index);
    const row = graph.firstSection + index;
    const name = view.getUint32(at, true);
    const type = view.getUint32(at + 4, true);
    const flags = view.getUint32(at + 8, true);
    if (name >= namesSize) {
      reader.fail(`section ${index}: sh_name is ${hex(name)}, the name table has ${hex(namesSize)} bytes`);
    }
    sections.graph[row] = graph.index;
    sections.name[row] = names + name;
    if (type === SHT_NULL) continue;
    const offset = view.getUint32(at + 24, true) + view.getUint32(at + 28, true) * TWO_32;
    const size = view.getUint32(at + 32, true) + view.getUint32(at + 36, true) * TWO_32;
    if (type !== SHT_NOBITS && offset + size > length) {
      reader.fail(
        `section ${index} (${graph.sectionName(row)}): [${hex(offset)}, ${hex(offset + size)}) is outside the file of ${hex(length)} bytes`,
      );
    }
    sections.content[row] = start + offset;
    sections.size[row] = size;
    switch (type) {
      case SHT_SYMTAB:
        if (found.symbolTable !== 0) reader.fail(`sections ${found.symbolTable} and ${index} are both symbol tables`);
        found.symbolTable = index;
        break;
      case SHT_SYMTAB_SHNDX:
        found.extendedIndices = index;
        break;
      case SHT_GROUP:
        found.groups.push(index);
        break;
      case SHT_RELA:
      case SHT_REL:
      case SHT_CREL:
        if ((flags & SHF_ALLOC) === 0) found.relocations.push(index);
        break;
      default: {
        const kind = sectionKindOf(type, flags, view, names + name);
        if (kind === SectionKind.none) {
          // What gcc writes for nested functions whose address is taken: their trampolines are on the stack.
          if ((flags & SHF_EXECINSTR) !== 0 && isSectionNamed(view, names + name, ".note.GNU-stack")) {
            graph.tables.executableStacks.push(graph);
          }
          break;
        }
        sections.kind[row] = kind;
        if ((flags & SHF_LINK_ORDER) !== 0) found.linkOrder.push(index);
        if (kind === SectionKind.code && size > 0) noteStartCode(graph.tables, row, view, names + name);
        if (type === SHT_NOBITS && kind === SectionKind.writableCode) sections.content[row] = -1;
        const alignment = view.getUint32(at + 48, true) + view.getUint32(at + 52, true) * TWO_32;
        if (alignment > largestAlignment || (alignment !== 0 && !isPowerOfTwo(alignment))) {
          reader.fail(
            `section ${index} (${graph.sectionName(row)}): alignment ${hex(alignment)} is not a power of two up to ${hex(largestAlignment)}`,
          );
        }
        sections.alignment[row] = alignment || 1;
        if (size >= largestSize) {
          reader.fail(
            `section ${index} (${graph.sectionName(row)}): size ${hex(size)} is beyond any address space here`,
          );
        }
        if (type === SHT_NOBITS && kind === SectionKind.code && size > 0) {
          reader.fail(`section ${index} (${graph.sectionName(row)}): executable and without contents (SHT_NOBITS)`);
        }
        if ((flags & SHF_COMPRESSED) !== 0) {
          reader.fail(`section ${index} (${graph.sectionName(row)}): compressed sections cannot be part of a program`);
        }
      }
    }
  }
  return found;
}

/** Notes sections `.init` and `.fini`, whose code is not called but run into. */
function noteStartCode({ initSections, finiSections }: GraphTables, row: number, view: DataView, name: number): void {
  // Nearly all code is in .text: a look at one character.
  const second = view.getUint8(name) === 0x2e ? view.getUint8(name + 1) : 0;
  if (second === 0x69 && isSectionNamed(view, name, ".init") && view.getUint8(name + 5) === 0) initSections.push(row);
  if (second === 0x66 && isSectionNamed(view, name, ".fini") && view.getUint8(name + 5) === 0) finiSections.push(row);
}

/** Position of a checked string table: its bytes end with NUL, so that no name can run past it. */
function stringTable(headers: SectionHeaders, index: number, what: string): number {
  const reader: ByteReader = headers.reader;
  const at = headers.at(index) - reader.start;
  const type = reader.u32(at + 4, "sh_type");
  if (type !== SHT_STRTAB)
    reader.fail(`${what}: section ${index} has type ${type}, expected a string table (${SHT_STRTAB})`);
  const offset = reader.u64(at + 24, "sh_offset");
  const size = reader.u64(at + 32, "sh_size");
  reader.check(offset, size, what);
  if (size === 0 || reader.u8(offset + size - 1, what) !== 0) {
    reader.fail(`${what}: section ${index} of ${hex(size)} bytes does not end with NUL`);
  }
  return reader.start + offset;
}

function readSymbolTable(graph: LinkGraph, headers: SectionHeaders, table: number, extended: number): void {
  if (table === 0) return;
  const reader: ByteReader = headers.reader;
  const at = headers.at(table) - reader.start;
  const size = reader.u64(at + 32, "sh_size");
  const entrySize = reader.u64(at + 56, "sh_entsize");
  const link = reader.u32(at + 40, "sh_link");
  const locals = reader.u32(at + 44, "sh_info");
  if (entrySize !== SYM_SIZE || size % SYM_SIZE !== 0) {
    reader.fail(`symbol table: size ${hex(size)} with entries of ${entrySize} bytes, expected entries of ${SYM_SIZE}`);
  }
  if (link === 0 || link >= graph.sectionCount) {
    reader.fail(`symbol table: sh_link is ${link}, the file has ${graph.sectionCount} sections`);
  }
  const count = size / SYM_SIZE;
  if (locals > count) reader.fail(`symbol table: sh_info is ${locals}, the table has ${count} symbols`);
  if (extended !== 0) {
    const words = reader.u64(headers.at(extended) - reader.start + 32, "sh_size") / 4;
    if (words !== count) reader.fail(`extended section indices: ${words} entries for ${count} symbols`);
  }
  graph.symbolEntries = reader.start + reader.u64(at + 24, "sh_offset");
  graph.symbolNames = stringTable(headers, link, "symbol name table");
  graph.symbolNamesEnd = graph.symbolNames + reader.u64(headers.at(link) - reader.start + 32, "sh_size");
  graph.localCount = locals;
  graph.symbolCount = count;
  graph.firstSymbol = graph.tables.symbols.add(count);
}

/** COMDAT: the first group of a signature is kept, the members of every later one are dropped (gABI 4, "Section Groups"). */
function readGroup(graph: LinkGraph, headers: SectionHeaders, index: number, symbolTable: number): void {
  const reader: ByteReader = headers.reader;
  const { sections, pool, groups } = graph.tables;
  const at = headers.at(index) - reader.start;
  const link = reader.u32(at + 40, "sh_link");
  const signature = reader.u32(at + 44, "sh_info");
  const offset = reader.u64(at + 24, "sh_offset");
  const size = reader.u64(at + 32, "sh_size");
  if (size < 4 || size % 4 !== 0) reader.fail(`group section ${index}: size ${hex(size)} is not a number of words`);
  if (symbolTable === 0 || link !== symbolTable || signature >= graph.symbolCount) {
    reader.fail(
      `group section ${index}: signature is symbol ${signature} of section ${link}, there are ${graph.symbolCount} symbols`,
    );
  }
  if ((reader.u32(offset, "group flags") & GRP_COMDAT) === 0) return;
  const entry = graph.symbolEntries + SYM_SIZE * signature;
  let name = graph.symbolNames + reader.view.getUint32(entry, true);
  if (name >= graph.symbolNamesEnd) {
    reader.fail(`group section ${index}: the signature's name is outside the symbol name table`);
  }
  let limit = graph.symbolNamesEnd;
  const section = reader.view.getUint16(entry + 6, true);
  if (name === graph.symbolNames && section > 0 && section < graph.sectionCount) {
    name = sections.name[graph.firstSection + section]!;
    limit = reader.start + reader.length;
  }
  const id = pool.intern(reader.view, name, limit);
  const owner = groups.get(id);
  if (owner === undefined) {
    groups.set(id, graph.index);
    return;
  }
  if (owner === graph.index) return;
  for (let member = 4; member < size; member += 4) {
    const number = reader.u32(offset + member, "group member");
    if (number === 0 || number >= graph.sectionCount) {
      reader.fail(`group section ${index}: member ${number}, the file has ${graph.sectionCount} sections`);
    }
    if (sections.kind[graph.firstSection + number] !== SectionKind.none) {
      sections.kind[graph.firstSection + number] = SectionKind.discarded;
    }
  }
}

/** `.gnu.linkonce.*`, the form before groups: the section's whole name is the signature. */
function discardLinkonce(graph: LinkGraph): void {
  const { sections, pool, groups } = graph.tables;
  const { view, start, length } = graph.reader;
  for (let row = graph.firstSection + 1; row < graph.firstSection + graph.sectionCount; row++) {
    const name = sections.name[row]!;
    if (sections.kind[row] === SectionKind.none || view.getUint8(name) !== 0x2e) continue;
    if (view.getUint8(name + 1) !== 0x67) continue;
    if (!isSectionNamed(view, name, ".gnu.linkonce")) continue;
    const id = pool.intern(view, name, start + length);
    const owner = groups.get(id);
    if (owner === undefined) groups.set(id, graph.index);
    else if (owner !== graph.index) sections.kind[row] = SectionKind.discarded;
  }
}

/** Data about a section that was dropped is dropped with it (`__patchable_function_entries` of a COMDAT function). */
function discardWithLinked(graph: LinkGraph, headers: SectionHeaders, index: number): void {
  const { sections } = graph.tables;
  const link = headers.reader.u32(headers.at(index) - headers.reader.start + 40, "sh_link");
  if (link === 0 || link >= graph.sectionCount) return;
  if (sections.kind[graph.firstSection + link] === SectionKind.discarded) {
    sections.kind[graph.firstSection + index] = SectionKind.discarded;
  }
}

function readRelocationTable(graph: LinkGraph, headers: SectionHeaders, index: number, symbolTable: number): void {
  const reader: ByteReader = headers.reader;
  const { sections } = graph.tables;
  const at = headers.at(index) - reader.start;
  const type = reader.u32(at + 4, "sh_type");
  const target = reader.u32(at + 44, "sh_info");
  const link = reader.u32(at + 40, "sh_link");
  if (target === 0 || target >= graph.sectionCount) {
    reader.fail(`relocation section ${index}: sh_info is ${target}, the file has ${graph.sectionCount} sections`);
  }
  const row = graph.firstSection + target;
  const kind = sections.kind[row];
  if (kind === SectionKind.none || kind === SectionKind.discarded) return;
  if (link !== symbolTable) {
    reader.fail(`relocation section ${index}: sh_link is ${link}, the symbol table is section ${symbolTable}`);
  }
  const offset = reader.u64(at + 24, "sh_offset");
  const size = reader.u64(at + 32, "sh_size");
  if (size === 0) return;
  if (
    kind === SectionKind.zeroFill ||
    kind === SectionKind.tlsZeroFill ||
    kind === SectionKind.largeZeroFill ||
    sections.content[row] === -1
  ) {
    reader.fail(`relocation section ${index}: its section ${target} (${graph.sectionName(row)}) has no contents`);
  }
  if (sections.relocationCount[row] !== 0) {
    reader.fail(`relocation section ${index}: section ${target} (${graph.sectionName(row)}) already has relocations`);
  }
  if (type === SHT_CREL) {
    const { entries, hasAddends } = expandCrel(reader.window(offset, size, "CREL section"), index);
    useExpanded(graph, row, entries, hasAddends);
    return;
  }
  const expected = type === SHT_REL ? REL_SIZE : RELA_SIZE;
  const entrySize = reader.u64(at + 56, "sh_entsize");
  if (entrySize !== expected || size % expected !== 0) {
    reader.fail(
      `relocation section ${index}: size ${hex(size)} with entries of ${entrySize} bytes, expected ${expected}`,
    );
  }
  if (type === SHT_REL) {
    useExpanded(graph, row, expandRel(reader.window(offset, size, "relocation section")), false);
    return;
  }
  sections.relocations[row] = reader.start + offset;
  sections.relocationCount[row] = size / RELA_SIZE;
}

/** Relocation entries that are not in the file as Elf64_Rela; without addends of their own, the fields hold them. */
function useExpanded(graph: LinkGraph, row: number, entries: DataView, hasAddends: boolean): void {
  const { sections } = graph.tables;
  const { reader } = graph;
  if (!hasAddends) {
    const at = sections.content[row]! - reader.start;
    readImplicitAddends(entries, reader.window(at, sections.size[row]!, graph.sectionName(row)));
  }
  graph.expandedRelocations.set(row, entries);
  graph.tables.keepFromKernel();
  sections.relocations[row] = 0;
  sections.relocationCount[row] = entries.byteLength / RELA_SIZE;
}

function readSymbols(graph: LinkGraph, headers: SectionHeaders, extended: number): void {
  const reader: ByteReader = headers.reader;
  const { view } = reader;
  const { sections, symbols, pool } = graph.tables;
  const { symbolNames, symbolNamesEnd, localCount } = graph;
  const namesSize = symbolNamesEnd - symbolNames;
  const words = extended === 0 ? 0 : reader.start + reader.u64(headers.at(extended) - reader.start + 24, "sh_offset");
  for (let index = 0; index < graph.symbolCount; index++) {
    const at = graph.symbolEntries + SYM_SIZE * index;
    const row = graph.firstSymbol + index;
    const name = view.getUint32(at, true);
    const info = view.getUint16(at + 4, true);
    const high = view.getInt32(at + 12, true);
    let section = view.getUint16(at + 6, true);
    if (name >= namesSize) {
      reader.fail(`symbol ${index}: st_name is ${hex(name)}, the name table has ${hex(namesSize)} bytes`);
    }
    const binding = (info >> 4) & 0xf;
    if (index < localCount ? binding !== STB_LOCAL : binding === STB_LOCAL) {
      reader.fail(`symbol ${index}: binding ${binding} on the wrong side of sh_info (${localCount})`);
    }
    if (binding !== STB_LOCAL && binding !== STB_GLOBAL && binding !== STB_WEAK && binding !== STB_GNU_UNIQUE) {
      reader.fail(`symbol ${index}: unknown binding ${binding}`);
    }
    let place: number;
    if (section === SHN_XINDEX) {
      if (words === 0) reader.fail(`symbol ${index}: SHN_XINDEX without a table of extended section indices`);
      section = view.getUint32(words + 4 * index, true);
      place = sectionRow(graph, index, section);
    } else if (section === SHN_UNDEF) place = SymbolPlace.undefined;
    else if (section < SHN_LORESERVE) place = sectionRow(graph, index, section);
    else if (section === SHN_ABS) place = SymbolPlace.absolute;
    else if (section === SHN_COMMON || section === SHN_X86_64_LCOMMON) {
      place = SymbolPlace.common;
      checkCommon(reader, at, index);
    } else reader.fail(`symbol ${index}: reserved section index ${hex(section)}`);
    if (place >= 0 && sections.kind[place] === SectionKind.discarded) place = SymbolPlace.discarded;
    if (place === SymbolPlace.absolute ? false : high >= 0x20_0000 || high < -0x20_0000) {
      reader.fail(`symbol ${index}: st_value is beyond ±2^53`);
    }
    symbols.section[row] = place;
    symbols.info[row] = info;
    symbols.value[row] = view.getUint32(at + 8, true) + high * TWO_32;
    symbols.id[row] = index < localCount ? -1 : pool.intern(view, symbolNames + name, symbolNamesEnd);
  }
  const names = new Uint8Array(view.buffer, view.byteOffset + symbolNames, namesSize);
  if (names.includes(VERSION_MARK)) nameDefaultVersions(graph);
}

/** A definition `foo@@VER` is the definition of `foo`, and `foo@VER` another name for it. */
export function nameDefaultVersions(graph: LinkGraph): void {
  const { symbols, pool, defaultVersions } = graph.tables;
  graph.tables.hasVersions = true;
  for (let row = graph.firstSymbol + graph.localCount; row < graph.firstSymbol + graph.symbolCount; row++) {
    const [name, versioned] = namesOfDefaultVersion(pool, symbols.id[row]!);
    if (name === undefined || versioned === undefined) continue;
    symbols.id[row] = name;
    if (symbols.section[row] !== SymbolPlace.undefined) defaultVersions.set(versioned, name);
  }
}

/** A common symbol's value is its alignment (gABI 4, "Symbol Values"). */
function checkCommon(reader: ByteReader, at: number, symbol: number): void {
  const { view } = reader;
  const alignment = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * TWO_32;
  const size = view.getUint32(at + 16, true) + view.getUint32(at + 20, true) * TWO_32;
  if (alignment > largestAlignment || (alignment !== 0 && !isPowerOfTwo(alignment))) {
    reader.fail(
      `symbol ${symbol}: common with alignment ${hex(alignment)}, not a power of two up to ${hex(largestAlignment)}`,
    );
  }
  if (size >= largestSize) {
    reader.fail(`symbol ${symbol}: common of size ${hex(size)}, beyond any address space here`);
  }
}

function sectionRow(graph: LinkGraph, symbol: number, section: number): number {
  if (section >= graph.sectionCount) {
    graph.reader.fail(`symbol ${symbol}: st_shndx is ${section}, the file has ${graph.sectionCount} sections`);
  }
  return graph.firstSection + section;
}
