import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { STT_FUNC, STT_GNU_IFUNC } from "../formats/elf/constants.ts";
import { type MappedRange, mappingAt } from "../host/maps.ts";
import { DwarfReader } from "./dwarf-reader.ts";
import { type ElfFile, elfFileOf, type FileSymbol } from "./elf-file.ts";
import { type FrameDescription, type FrameSection, findFrame, readFrame, readPointer } from "./frame-description.ts";

/** More is not read for one backtrace, in bytes. */
const MOST_READ = 2 ** 30;

/** A library or executable as the crashed process had it mapped. */
export interface MappedFile {
  readonly path: string;
  /** What lies between its own addresses and those in the process. */
  readonly bias: number;
  readonly file: ElfFile;
}

/** Where a code address is in a file. */
export interface PlaceInFile {
  readonly library: string;
  readonly function?: string;
  readonly offset?: number;
}

/**
 * The files that a process had mapped, read when they are needed. `isLocal`: it was a process of this machine with this one's view of the
 * file system; otherwise a file counts only if it is the same by its number.
 */
export class MappedFiles {
  readonly #mappings: readonly MappedRange[];
  readonly #isLocal: boolean;
  readonly #files = new Map<string, ElfFile | undefined>();
  #budget = MOST_READ;
  readonly #functions = new Map<ElfFile, FileSymbol[]>();

  constructor(mappings: readonly MappedRange[], isLocal: boolean) {
    this.#mappings = mappings;
    this.#isLocal = isLocal;
  }

  /** The file mapped at a code address. */
  at(pc: number): MappedFile | undefined {
    const mapping = mappingAt(this.#mappings, pc);
    if (mapping === undefined || !mapping.path.startsWith("/")) return undefined;
    const file = this.#open(mapping);
    const load = file?.loads.find(({ offset, size }) => offset + size > mapping.offset && offset < endOf(mapping));
    if (file === undefined || load === undefined) return undefined;
    return { path: mapping.path, file, bias: mapping.start - mapping.offset - (load.address - load.offset) };
  }

  /** What a code address is called; undefined where nothing that can be named is mapped. */
  place(pc: number, lookUp: number): PlaceInFile | undefined {
    const mapping = mappingAt(this.#mappings, lookUp);
    if (mapping === undefined || mapping.path === "") return undefined;
    const library = mapping.path.startsWith("/") ? basename(mapping.path) : mapping.path;
    const mapped = this.at(lookUp);
    if (mapped === undefined) return { library };
    const value = lookUp - mapped.bias;
    const found = this.#functionsOf(mapped.file).find((each) => value >= each.value && value < each.value + each.size);
    return found === undefined
      ? { library, offset: pc - mapped.bias }
      : { library, function: found.name(), offset: pc - mapped.bias - found.value };
  }

  frame(pc: number): FrameDescription | undefined {
    const mapped = this.at(pc);
    if (mapped === undefined) return undefined;
    const { file, bias } = mapped;
    const header = file.section(".eh_frame");
    const bytes = header === undefined ? undefined : file.contents(header);
    if (header === undefined || bytes === undefined) return undefined;
    const section = { bytes, address: header.address };
    const found = searchTable(file, section, pc - bias);
    if (found === undefined) return undefined;
    return { ...found, start: found.start + bias, end: found.end + bias };
  }

  #open({ path, inode }: MappedRange): ElfFile | undefined {
    if (!this.#files.has(path)) this.#files.set(path, this.#read(path, inode));
    return this.#files.get(path);
  }

  #read(path: string, inode: number): ElfFile | undefined {
    try {
      const status = statSync(path);
      if (!this.#isLocal && status.ino !== inode) return undefined;
      if (!status.isFile() || status.size > this.#budget) return undefined;
      this.#budget -= status.size;
      return elfFileOf(readFileSync(path), path);
    } catch {
      return undefined;
    }
  }

  #functionsOf(file: ElfFile): FileSymbol[] {
    let functions = this.#functions.get(file);
    if (functions === undefined) {
      functions = [];
      try {
        for (const symbol of file.symbols()) {
          if ((symbol.type === STT_FUNC || symbol.type === STT_GNU_IFUNC) && symbol.section !== 0)
            functions.push(symbol);
        }
      } catch {
        // What has been read stands.
      }
      this.#functions.set(file, functions);
    }
    return functions;
  }
}

function endOf({ offset, start, end }: MappedRange): number {
  return offset + end - start;
}

/** By .eh_frame_hdr's sorted table, where there is one: large libraries have a hundred thousand frames. */
function searchTable(file: ElfFile, section: FrameSection, pc: number): FrameDescription | undefined {
  const header = file.section(".eh_frame_hdr");
  const bytes = header === undefined ? undefined : file.contents(header);
  if (header === undefined || bytes === undefined) return findFrame(section, pc);
  const reader = new DwarfReader(bytes);
  const [version, frameEncoding, countEncoding, tableEncoding] = [reader.u8(), reader.u8(), reader.u8(), reader.u8()];
  const place = { bytes, address: header.address };
  readPointer(reader, frameEncoding, place);
  const count = readPointer(reader, countEncoding, place);
  // DW_EH_PE_datarel | DW_EH_PE_sdata4, what every linker writes.
  if (version !== 1 || count === undefined || tableEncoding !== 0x3b) return findFrame(section, pc);
  const table = reader.at;
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    const start = header.address + new DwarfReader(bytes, table + 8 * middle).i32();
    if (start <= pc) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return undefined;
  const at = header.address + new DwarfReader(bytes, table + 8 * (low - 1) + 4).i32() - section.address;
  const frame = readFrame(section, at);
  return frame !== undefined && pc >= frame.start && pc < frame.end ? frame : undefined;
}
