// Reads relocatable ELF files into the tables of a job, as src/formats/elf/build-link-graph.ts does, which has the rules and the texts. All that is
// rare is left to it: damage, extended section indices, relocations other than RELA, linkonce sections, sections that hang on others.

import {
  EM_X86_64,
  ET_REL,
  GRP_COMDAT,
  SHF_ALLOC,
  SHF_COMPRESSED,
  SHF_EXECINSTR,
  SHF_LINK_ORDER,
  SHN_ABS,
  SHN_COMMON,
  SHN_LORESERVE,
  SHN_UNDEF,
  SHN_X86_64_LCOMMON,
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
} from "../src/formats/elf/constants";
import {
  KIND_CODE,
  KIND_DISCARDED,
  KIND_LARGE_ZERO_FILL,
  KIND_NONE,
  KIND_TLS_ZERO_FILL,
  KIND_WRITABLE_CODE,
  KIND_ZERO_FILL,
} from "../src/graph/section-kinds";
import {
  GROUP_OWNER,
  OBJECT_GROUPS,
  OBJECT_LOCALS,
  OBJECT_NAMES,
  OBJECT_NAMES_SIZE,
  OBJECT_SECTIONS,
  OBJECT_SYMBOL_TABLE,
  OBJECT_SYMBOLS,
  SECTION_ALIGNMENT,
  SECTION_CONTENT,
  SECTION_GRAPH,
  SECTION_KIND,
  SECTION_NAME,
  SECTION_RELOCATION_COUNT,
  SECTION_RELOCATIONS,
  SECTION_SIZE,
  SYMBOL_ID,
  SYMBOL_INFO,
  SYMBOL_SECTION,
  SYMBOL_VALUE,
} from "../src/kernel/record";
import { intern } from "./intern";
import { sectionKindOf } from "./section-kind";

const HEADER: u32 = 64;
const SYMBOL: u32 = 24;
const RELOCATION: u32 = 24;
const LARGEST_ALIGNMENT: u64 = 0x40000000;
const LARGEST_SIZE: u64 = 0x10000000000;
const PLACE_UNDEFINED = -1;
const PLACE_ABSOLUTE = -2;
const PLACE_COMMON = -3;
const PLACE_DISCARDED = -4;

/**
 * Looks at the headers of the file of `length` bytes at `file` and notes in `out` what reading it takes. Gives the number of sections; -1 for a
 * file that has to be read by the other one.
 */
export function scanObject(file: usize, length: u32, out: usize): i32 {
  if (length < HEADER || load<u32>(file) !== 0x464c457f) return -1;
  // ELFCLASS64, ELFDATA2LSB, EV_CURRENT
  if ((load<u32>(file + 4) & 0xffffff) !== 0x010102) return -1;
  if (load<u16>(file + 16) !== ET_REL || load<u16>(file + 18) !== EM_X86_64) return -1;
  const offset = load<u64>(file + 40);
  const count = <u32>load<u16>(file + 60);
  const names = <u32>load<u16>(file + 62);
  if (load<u16>(file + 58) !== HEADER || count === 0 || names >= count || names === 0) return -1;
  if (offset === 0 || offset > <u64>length || offset + HEADER * <u64>count > <u64>length) return -1;
  const table = file + <usize>offset;
  const sectionNames = stringTable(file, length, table + HEADER * names);
  if (sectionNames === 0) return -1;
  const namesSize = <u32>load<u64>(table + HEADER * names + 32);
  let symbols: usize = 0;
  let groups = 0;
  for (let index: u32 = 1; index < count; index++) {
    const header = table + HEADER * index;
    const type = load<u32>(header + 4);
    if (type === SHT_GROUP) groups++;
    else if (type === SHT_SYMTAB) {
      if (symbols !== 0) return -1;
      symbols = header;
    } else if (type === SHT_SYMTAB_SHNDX) return -1;
    const flags = load<u32>(header + 8);
    if (type === SHT_REL || type === <u32>SHT_CREL) return -1;
    if ((flags & SHF_LINK_ORDER) !== 0) return -1;
    const name = load<u32>(header);
    if (name >= namesSize) return -1;
    // .gnu.linkonce and .gnu.lto_
    if (load<u32>(sectionNames + name) === 0x756e672e && load<u16>(sectionNames + name + 4) === 0x6c2e) return -1;
  }
  store<u32>(out + OBJECT_SECTIONS, count);
  store<u32>(out + OBJECT_GROUPS, groups);
  store<u32>(out + OBJECT_SYMBOL_TABLE, 0);
  store<u32>(out + OBJECT_SYMBOLS, 0);
  store<u32>(out + OBJECT_LOCALS, 0);
  store<u32>(out + OBJECT_NAMES, 0);
  store<u32>(out + OBJECT_NAMES_SIZE, 0);
  if (symbols === 0) return count;
  const size = load<u64>(symbols + 32);
  const link = load<u32>(symbols + 40);
  const locals = load<u32>(symbols + 44);
  if (load<u64>(symbols + 56) !== SYMBOL || size % SYMBOL !== 0 || link === 0 || link >= count) return -1;
  if (!isInside(length, load<u64>(symbols + 24), size) || <u64>locals > size / SYMBOL) return -1;
  const strings = stringTable(file, length, table + HEADER * link);
  if (strings === 0) return -1;
  store<u32>(out + OBJECT_SYMBOL_TABLE, <u32>(file + <usize>load<u64>(symbols + 24)));
  store<u32>(out + OBJECT_SYMBOLS, <u32>(size / SYMBOL));
  store<u32>(out + OBJECT_LOCALS, locals);
  store<u32>(out + OBJECT_NAMES, <u32>strings);
  store<u32>(out + OBJECT_NAMES_SIZE, <u32>load<u64>(table + HEADER * link + 32));
  return count;
}

/**
 * Reads groups and symbols of a file that `scanObject` has looked at, for which files must be taken in their order. False when the file has to be
 * read by the other one: the rows may be half full then.
 */
export function readSymbols(
  record: usize,
  pool: usize,
  file: usize,
  graph: i32,
  firstSection: i32,
  firstSymbol: i32,
  out: usize,
): bool {
  const table = file + <usize>load<u64>(file + 40);
  const count = <u32>load<u16>(file + 60);
  const kinds = <usize>load<u32>(record + SECTION_KIND) + firstSection;
  if (load<u32>(out + OBJECT_GROUPS) !== 0) {
    if (!readGroups(record, pool, file, table, count, graph, kinds, out)) return false;
  }
  return readSymbolTable(record, pool, count, kinds, firstSection, firstSymbol, out);
}

/**
 * Reads the sections of a file whose groups and symbols have been read: threads may do that side by side. False when they have to be read
 * by the other one.
 */
export function readSections(record: usize, file: usize, length: u32, graph: i32, firstSection: i32): bool {
  const table = file + <usize>load<u64>(file + 40);
  const count = <u32>load<u16>(file + 60);
  const namesHeader = table + HEADER * <u32>load<u16>(file + 62);
  const names = file + <usize>load<u64>(namesHeader + 24);
  const namesSize = <u32>load<u64>(namesHeader + 32);
  return (
    readHeaders(record, file, length, table, count, names, namesSize, graph, firstSection) &&
    readRelocationTables(record, file, table, count, firstSection)
  );
}

function readHeaders(
  record: usize,
  file: usize,
  length: u32,
  table: usize,
  count: u32,
  names: usize,
  namesSize: u32,
  graph: i32,
  firstSection: i32,
): bool {
  const kinds = <usize>load<u32>(record + SECTION_KIND) + firstSection;
  const graphs = <usize>load<u32>(record + SECTION_GRAPH) + 4 * firstSection;
  const contents = <usize>load<u32>(record + SECTION_CONTENT) + 4 * firstSection;
  const sectionNames = <usize>load<u32>(record + SECTION_NAME) + 4 * firstSection;
  const sizes = <usize>load<u32>(record + SECTION_SIZE) + 8 * firstSection;
  const alignments = <usize>load<u32>(record + SECTION_ALIGNMENT) + 8 * firstSection;
  for (let index: u32 = 1; index < count; index++) {
    const header = table + HEADER * index;
    const name = load<u32>(header);
    const type = load<u32>(header + 4);
    const flags = load<u32>(header + 8);
    if (name >= namesSize) return false;
    const text = names + name;
    store<i32>(graphs + 4 * index, graph);
    store<i32>(sectionNames + 4 * index, <i32>text);
    if (type === SHT_NULL) continue;
    const offset = load<u64>(header + 24);
    const size = load<u64>(header + 32);
    if (type !== SHT_NOBITS && !isInside(length, offset, size)) return false;
    if (size >= LARGEST_SIZE) return false;
    store<i32>(contents + 4 * index, <i32>(file + <usize>offset));
    store<f64>(sizes + 8 * index, <f64>size);
    if (type === SHT_SYMTAB || type === SHT_GROUP) continue;
    if (type === SHT_RELA) continue;
    const kind = sectionKindOf(type, flags, text);
    if (kind === KIND_NONE) {
      // .note.GNU-stack that asks for executable stacks.
      if ((flags & SHF_EXECINSTR) !== 0) return false;
      continue;
    }
    // Groups may have been read before.
    if (load<u8>(kinds + index) !== KIND_DISCARDED) store<u8>(kinds + index, <u8>kind);
    if (kind === KIND_CODE && size > 0) {
      if (type === SHT_NOBITS) return false;
      // .init and .fini
      if (load<u8>(text) === 0x2e) {
        const second = load<u8>(text + 1);
        if ((second === 0x69 || second === 0x66) && load<u8>(text + 5) === 0) return false;
      }
    }
    if (type === SHT_NOBITS && kind === KIND_WRITABLE_CODE) store<i32>(contents + 4 * index, -1);
    const alignment = load<u64>(header + 48);
    if (alignment > LARGEST_ALIGNMENT || (alignment & (alignment - 1)) !== 0) {
      if (alignment !== 0) return false;
    }
    store<f64>(alignments + 8 * index, alignment === 0 ? 1 : <f64>alignment);
    if ((flags & SHF_COMPRESSED) !== 0) return false;
  }
  return true;
}

function readGroups(
  record: usize,
  pool: usize,
  file: usize,
  table: usize,
  count: u32,
  graph: i32,
  kinds: usize,
  out: usize,
): bool {
  const sectionNames = file + <usize>load<u64>(table + HEADER * <u32>load<u16>(file + 62) + 24);
  const owners = <usize>load<u32>(record + GROUP_OWNER);
  const symbols = <usize>load<u32>(out + OBJECT_SYMBOL_TABLE);
  const symbolCount = load<u32>(out + OBJECT_SYMBOLS);
  const names = <usize>load<u32>(out + OBJECT_NAMES);
  const namesSize = load<u32>(out + OBJECT_NAMES_SIZE);
  if (symbols === 0) return false;
  for (let index: u32 = 1; index < count; index++) {
    const header = table + HEADER * index;
    if (load<u32>(header + 4) !== SHT_GROUP) continue;
    const signature = load<u32>(header + 44);
    const words = file + <usize>load<u64>(header + 24);
    const size = <u32>load<u64>(header + 32);
    if (size < 4 || (size & 3) !== 0 || signature >= symbolCount) return false;
    if (!isSymbolTable(table, count, load<u32>(header + 40))) return false;
    if ((load<u32>(words) & GRP_COMDAT) === 0) continue;
    const entry = symbols + SYMBOL * signature;
    const offset = load<u32>(entry);
    if (offset >= namesSize) return false;
    let name = names + offset;
    const section = <u32>load<u16>(entry + 6);
    if (offset === 0 && section > 0 && section < count) name = sectionNames + load<u32>(table + HEADER * section);
    const id = intern(pool, name);
    if (id < 0) return false;
    const owner = load<i32>(owners + 4 * id);
    if (owner === 0) {
      store<i32>(owners + 4 * id, graph + 1);
      continue;
    }
    if (owner === graph + 1) continue;
    for (let member: u32 = 4; member < size; member += 4) {
      const number = load<u32>(words + member);
      if (number === 0 || number >= count) return false;
      const its = table + HEADER * number;
      const kind = sectionKindOf(load<u32>(its + 4), load<u32>(its + 8), sectionNames + load<u32>(its));
      if (kind !== KIND_NONE) store<u8>(kinds + number, KIND_DISCARDED);
    }
  }
  return true;
}

function readRelocationTables(record: usize, file: usize, table: usize, count: u32, firstSection: i32): bool {
  const kinds = <usize>load<u32>(record + SECTION_KIND) + firstSection;
  const contents = <usize>load<u32>(record + SECTION_CONTENT) + 4 * firstSection;
  const positions = <usize>load<u32>(record + SECTION_RELOCATIONS) + 4 * firstSection;
  const counts = <usize>load<u32>(record + SECTION_RELOCATION_COUNT) + 4 * firstSection;
  for (let index: u32 = 1; index < count; index++) {
    const header = table + HEADER * index;
    if (load<u32>(header + 4) !== SHT_RELA || (load<u32>(header + 8) & SHF_ALLOC) !== 0) continue;
    const target = load<u32>(header + 44);
    if (target === 0 || target >= count) return false;
    const kind = <i32>load<u8>(kinds + target);
    if (kind === KIND_NONE || kind === KIND_DISCARDED) continue;
    if (!isSymbolTable(table, count, load<u32>(header + 40))) return false;
    const size = load<u64>(header + 32);
    if (size === 0) continue;
    if (kind === KIND_ZERO_FILL || kind === KIND_TLS_ZERO_FILL || kind === KIND_LARGE_ZERO_FILL) return false;
    if (load<i32>(contents + 4 * target) === -1 || load<u32>(counts + 4 * target) !== 0) return false;
    if (load<u64>(header + 56) !== RELOCATION || size % RELOCATION !== 0) return false;
    store<u32>(positions + 4 * target, <u32>(file + <usize>load<u64>(header + 24)));
    store<u32>(counts + 4 * target, <u32>(size / RELOCATION));
  }
  return true;
}

function readSymbolTable(
  record: usize,
  pool: usize,
  count: u32,
  kinds: usize,
  firstSection: i32,
  firstSymbol: i32,
  out: usize,
): bool {
  const table = <usize>load<u32>(out + OBJECT_SYMBOL_TABLE);
  const symbolCount = load<u32>(out + OBJECT_SYMBOLS);
  const locals = load<u32>(out + OBJECT_LOCALS);
  const names = <usize>load<u32>(out + OBJECT_NAMES);
  const namesSize = load<u32>(out + OBJECT_NAMES_SIZE);
  const places = <usize>load<u32>(record + SYMBOL_SECTION) + 4 * firstSymbol;
  const values = <usize>load<u32>(record + SYMBOL_VALUE) + 8 * firstSymbol;
  const ids = <usize>load<u32>(record + SYMBOL_ID) + 4 * firstSymbol;
  const infos = <usize>load<u32>(record + SYMBOL_INFO) + 2 * firstSymbol;
  for (let index: u32 = 0; index < symbolCount; index++) {
    const entry = table + SYMBOL * index;
    const name = load<u32>(entry);
    const info = <u32>load<u16>(entry + 4);
    const section = <u32>load<u16>(entry + 6);
    const value = load<i64>(entry + 8);
    if (name >= namesSize) return false;
    const binding = (info >> 4) & 0xf;
    if (index < locals) {
      if (binding !== STB_LOCAL) return false;
    } else if (binding !== STB_GLOBAL && binding !== STB_WEAK && binding !== STB_GNU_UNIQUE) return false;
    let place: i32;
    if (section === SHN_UNDEF) place = PLACE_UNDEFINED;
    else if (section < <u32>SHN_LORESERVE) {
      if (section >= count) return false;
      place = load<u8>(kinds + section) === KIND_DISCARDED ? PLACE_DISCARDED : firstSection + section;
    } else if (section === SHN_ABS) place = PLACE_ABSOLUTE;
    else if (section === SHN_COMMON || section === SHN_X86_64_LCOMMON) {
      place = PLACE_COMMON;
      const alignment = <u64>value;
      if (alignment > LARGEST_ALIGNMENT || (alignment !== 0 && (alignment & (alignment - 1)) !== 0)) return false;
      if (load<u64>(entry + 16) >= LARGEST_SIZE) return false;
    } else return false;
    if (place !== PLACE_ABSOLUTE && (value >= 0x20000000000000 || value < -0x20000000000000)) return false;
    store<i32>(places + 4 * index, place);
    store<u16>(infos + 2 * index, <u16>info);
    store<f64>(values + 8 * index, <f64>value);
    const id = index < locals ? -1 : intern(pool, names + name);
    if (id < 0 && index >= locals) return false;
    store<i32>(ids + 4 * index, id);
  }
  return true;
}

/** Position of the string table that a section header describes, whose bytes end with NUL; 0 for anything else. */
function stringTable(file: usize, length: u32, header: usize): usize {
  const offset = load<u64>(header + 24);
  const size = load<u64>(header + 32);
  if (load<u32>(header + 4) !== SHT_STRTAB || size === 0 || !isInside(length, offset, size)) return 0;
  const position = file + <usize>offset;
  return load<u8>(position + <usize>size - 1) === 0 ? position : 0;
}

function isSymbolTable(table: usize, count: u32, index: u32): bool {
  return index < count && load<u32>(table + HEADER * index + 4) === SHT_SYMTAB;
}

function isInside(length: u32, offset: u64, size: u64): bool {
  return offset <= <u64>length && size <= <u64>length - offset;
}
