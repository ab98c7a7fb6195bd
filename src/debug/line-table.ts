// .debug_line: the source line of each instruction (DWARF 5, section 6.2; versions 2 to 4 in their own documents).

import { DwarfReader } from "./dwarf-reader.ts";

/** A source line. */
export interface SourceLine {
  readonly file: string;
  readonly line: number;
}

/** The sections of debug information by name, relocated. */
export type DebugSections = (name: string) => Uint8Array | undefined;

/** The line of the instruction at `pc`; undefined where nothing is known of it. Throws RangeError when the section is broken. */
export function findLine(sections: DebugSections, pc: number): SourceLine | undefined {
  const bytes = sections(".debug_line");
  if (bytes === undefined) return undefined;
  const reader = new DwarfReader(bytes);
  while (reader.end - reader.at >= 4) {
    const first = reader.u32();
    const is64 = first === 0xffff_ffff;
    const unit = reader.window(is64 ? Number(reader.u64()) : first);
    const found = findInUnit(unit, is64, sections, pc);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Header {
  readonly version: number;
  readonly is64: boolean;
  readonly minimumInstruction: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  readonly lengths: readonly number[];
  readonly directories: readonly string[];
  readonly files: { readonly name: string; readonly directory: number }[];
}

interface Row {
  address: number;
  file: number;
  line: number;
}

function findInUnit(unit: DwarfReader, is64: boolean, sections: DebugSections, pc: number): SourceLine | undefined {
  const header = readHeader(unit, is64, sections);
  if (header === undefined) return undefined;
  const found = findRow(unit, header, pc);
  if (found === undefined) return undefined;
  const file = header.files[header.version >= 5 ? found.file : found.file - 1];
  if (file === undefined || found.line === 0) return undefined;
  const directory = header.version >= 5 ? header.directories[file.directory] : header.directories[file.directory - 1];
  const isWhole = file.name.startsWith("/") || directory === undefined || directory === "";
  const path = isWhole ? file.name : `${directory}/${file.name}`;
  const base = header.version >= 5 ? header.directories[0] : undefined;
  // Directories may be relative to the first, in which the compiler ran.
  return { file: path.startsWith("/") || !base || directory === base ? path : `${base}/${path}`, line: found.line };
}

function readHeader(unit: DwarfReader, is64: boolean, sections: DebugSections): Header | undefined {
  const version = unit.u16();
  if (version < 2 || version > 5) return undefined;
  if (version >= 5) unit.block(2); // address size, segment selector size
  const length = is64 ? Number(unit.u64()) : unit.u32();
  const program = unit.at + length;
  const minimumInstruction = unit.u8();
  if (version >= 4) unit.u8(); // operations per instruction: VLIW only
  unit.u8(); // whether rows are statements at first
  const lineBase = unit.i8();
  const lineRange = unit.u8();
  const opcodeBase = unit.u8();
  const lengths = [...unit.block(Math.max(0, opcodeBase - 1))];
  const fixed = { version, is64, minimumInstruction, lineBase, lineRange, opcodeBase, lengths };
  const tables = version >= 5 ? readTables5(unit, is64, sections) : readTables(unit);
  if (program > unit.end) return undefined;
  unit.at = program;
  return lineRange === 0 ? undefined : { ...fixed, ...tables };
}

function readTables(unit: DwarfReader): Pick<Header, "directories" | "files"> {
  const directories: string[] = [];
  for (let name = unit.string(); name !== ""; name = unit.string()) directories.push(name);
  const files: { name: string; directory: number }[] = [];
  for (let name = unit.string(); name !== ""; name = unit.string()) {
    files.push({ name, directory: unit.count() });
    unit.count(); // time
    unit.count(); // size
  }
  return { directories, files };
}

const DW_LNCT_path = 1;
const DW_LNCT_directory_index = 2;

function readTables5(unit: DwarfReader, is64: boolean, sections: DebugSections): Pick<Header, "directories" | "files"> {
  const entries = (): { name: string; directory: number }[] => {
    const format = Array.from({ length: unit.u8() }, () => [unit.count(), unit.count()] as const);
    const count = unit.count();
    // Each has a byte at least, or there could be any number of them.
    if (format.length === 0 || count > unit.end - unit.at) return [];
    return Array.from({ length: count }, () => {
      const entry = { name: "", directory: 0 };
      for (const [content, form] of format) {
        const value = readForm(unit, form, is64, sections);
        if (content === DW_LNCT_path) entry.name = String(value);
        if (content === DW_LNCT_directory_index) entry.directory = Number(value);
      }
      return entry;
    });
  };
  const directories = entries().map(({ name }) => name);
  return { directories, files: entries() };
}

function readForm(unit: DwarfReader, form: number, is64: boolean, sections: DebugSections): string | number {
  const stringIn = (section: string): string => {
    const offset = is64 ? Number(unit.u64()) : unit.u32();
    const bytes = sections(section);
    return bytes === undefined || offset >= bytes.length ? "" : new DwarfReader(bytes, offset).string();
  };
  switch (form) {
    case 0x08: // DW_FORM_string
      return unit.string();
    case 0x1f: // DW_FORM_line_strp
      return stringIn(".debug_line_str");
    case 0x0e: // DW_FORM_strp
      return stringIn(".debug_str");
    case 0x0b: // DW_FORM_data1
      return unit.u8();
    case 0x05: // DW_FORM_data2
      return unit.u16();
    case 0x06: // DW_FORM_data4
      return unit.u32();
    case 0x07: // DW_FORM_data8
      return Number(unit.u64());
    case 0x0f: // DW_FORM_udata
      return unit.count();
    case 0x1e: // DW_FORM_data16
      unit.block(16);
      return 0;
    case 0x09: // DW_FORM_block
      unit.block(unit.count());
      return 0;
    default:
      throw new RangeError(`unknown form ${form}`);
  }
}

/** The row that covers `pc`: one that begins at it or before, when the next of its sequence begins behind. */
function findRow(unit: DwarfReader, header: Header, pc: number): Row | undefined {
  const { minimumInstruction, lineBase, lineRange, opcodeBase, lengths } = header;
  let row: Row = { address: 0, file: 1, line: 1 };
  let before: Row | undefined;
  let found: Row | undefined;
  const emit = (): void => {
    if (before !== undefined && pc >= before.address && pc < row.address) found = before;
    before = { ...row };
  };
  const constAdd = Math.trunc((255 - opcodeBase) / lineRange) * minimumInstruction;
  while (!unit.isAtEnd && found === undefined) {
    const opcode = unit.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      row.address += Math.trunc(adjusted / lineRange) * minimumInstruction;
      row.line += lineBase + (adjusted % lineRange);
      emit();
      continue;
    }
    switch (opcode) {
      case 0: {
        const operation = unit.window(unit.count());
        const code = operation.isAtEnd ? 0 : operation.u8();
        if (code === 1) {
          emit(); // DW_LNE_end_sequence
          row = { address: 0, file: 1, line: 1 };
          before = undefined;
        } else if (code === 2) {
          row.address = Number(operation.end - operation.at === 4 ? operation.u32() : operation.u64());
        } else if (code === 3) {
          header.files.push({ name: operation.string(), directory: operation.count() });
        }
        break;
      }
      case 1: // DW_LNS_copy
        emit();
        break;
      case 2: // DW_LNS_advance_pc
        row.address += unit.count() * minimumInstruction;
        break;
      case 3: // DW_LNS_advance_line
        row.line += unit.signedCount();
        break;
      case 4: // DW_LNS_set_file
        row.file = unit.count();
        break;
      case 8: // DW_LNS_const_add_pc
        row.address += constAdd;
        break;
      case 9: // DW_LNS_fixed_advance_pc
        row.address += unit.u16();
        break;
      default:
        for (let i = lengths[opcode - 1] ?? 0; i > 0; i--) unit.uleb();
    }
  }
  return found;
}
