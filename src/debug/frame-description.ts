// Records of .eh_frame: how to get from a function's frame to its caller's (LSB 5, "Exception Frames"; DWARF 5, section 6.4).

import { DwarfReader } from "./dwarf-reader.ts";

const DW_EH_PE_omit = 0xff;
const DW_EH_PE_pcrel = 0x10;
const DW_EH_PE_datarel = 0x30;
const DW_EH_PE_indirect = 0x80;

/** A section .eh_frame. */
export interface FrameSection {
  readonly bytes: Uint8Array;
  /** Address of its first byte where the code runs; 0 for an object's, whose pointers relocations tell. */
  readonly address: number;
  /** An object's: what the relocation at this position leads to; undefined for code that has not been linked. */
  readonly relocated?: (position: number) => number | undefined;
}

/** What the frames of several functions have in common (CIE). */
export interface CommonInformation {
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnRegister: number;
  /** Of the pointers in its FDEs. */
  readonly encoding: number;
  /** The frame is one that the kernel has made for a signal handler: its address is no return address. */
  readonly isSignalFrame: boolean;
  readonly hasAugmentationData: boolean;
  readonly instructions: Uint8Array;
}

/** The frame of the code in [start, end) (FDE). */
export interface FrameDescription {
  readonly common: CommonInformation;
  readonly start: number;
  readonly end: number;
  readonly instructions: Uint8Array;
}

/** The description of the frame at code address `pc`, by reading the section from its beginning. */
export function findFrame(section: FrameSection, pc: number): FrameDescription | undefined {
  const known = new Map<number, CommonInformation>();
  const reader = new DwarfReader(section.bytes);
  while (reader.end - reader.at >= 4) {
    const at = reader.at;
    const frame = readFrame(section, at, known);
    if (frame !== undefined && pc >= frame.start && pc < frame.end) return frame;
    const length = reader.u32();
    if (length > 0) reader.block(length === 0xffff_ffff ? Number(reader.u64()) : length);
  }
  return undefined;
}

/** The FDE at a position of the section; undefined for what is none, or of code that is not there. */
export function readFrame(
  section: FrameSection,
  at: number,
  known = new Map<number, CommonInformation>(),
): FrameDescription | undefined {
  const reader = recordAt(section, at);
  const idAt = reader.at;
  const id = reader.isAtEnd ? 0 : reader.u32();
  if (id === 0) return undefined;
  const commonAt = idAt - id;
  const common = known.get(commonAt) ?? readCommon(section, commonAt);
  known.set(commonAt, common);
  const start = readPointer(reader, common.encoding, section);
  const size = readPointer(reader, common.encoding & 0x0f, { ...section, relocated: undefined });
  if (start === undefined || size === undefined) return undefined;
  if (common.hasAugmentationData) reader.block(reader.count());
  return { common, start, end: start + size, instructions: reader.block(reader.end - reader.at) };
}

/** The record at a position, from behind its length. */
function recordAt(section: FrameSection, at: number): DwarfReader {
  const reader = new DwarfReader(section.bytes, at);
  const length = reader.u32();
  return reader.window(length === 0xffff_ffff ? Number(reader.u64()) : length);
}

function readCommon(section: FrameSection, at: number): CommonInformation {
  const reader = recordAt(section, at);
  if (reader.u32() !== 0) throw new RangeError("no CIE there");
  const version = reader.u8();
  const augmentation = reader.string();
  if (version >= 4) reader.block(2);
  const codeAlignment = reader.count();
  const dataAlignment = reader.signedCount();
  const returnRegister = version === 1 ? reader.u8() : reader.count();
  const hasAugmentationData = augmentation.startsWith("z");
  let encoding = 0;
  let isSignalFrame = false;
  if (hasAugmentationData) {
    const data = reader.window(reader.count());
    for (const letter of augmentation.slice(1)) {
      if (letter === "R") encoding = data.u8();
      else if (letter === "L") data.u8();
      else if (letter === "P") readPointer(data, data.u8(), { ...section, relocated: undefined });
      else if (letter === "S") isSignalFrame = true;
      else if (letter !== "B") break;
    }
  }
  const instructions = reader.block(reader.end - reader.at);
  return {
    codeAlignment,
    dataAlignment,
    returnRegister,
    encoding,
    isSignalFrame,
    hasAugmentationData,
    instructions,
  };
}

/** A pointer in one of the DW_EH_PE encodings; `data`: what datarel is relative to. */
export function readPointer(
  reader: DwarfReader,
  encoding: number,
  section: FrameSection,
  data = 0,
): number | undefined {
  if (encoding === DW_EH_PE_omit) return undefined;
  const at = reader.at;
  const value = readValue(reader, encoding & 0x0f);
  if (section.relocated !== undefined) return section.relocated(at);
  if ((encoding & DW_EH_PE_indirect) !== 0) return undefined;
  const base = encoding & 0x70;
  if (base === DW_EH_PE_pcrel) return section.address + at + value;
  return base === DW_EH_PE_datarel ? data + value : value;
}

function readValue(reader: DwarfReader, form: number): number {
  switch (form) {
    case 0x01:
      return reader.count();
    case 0x02:
      return reader.u16();
    case 0x03:
      return reader.u32();
    case 0x09:
      return reader.signedCount();
    case 0x0a:
      return reader.i16();
    case 0x0b:
      return reader.i32();
    case 0x0c:
      return Number(reader.i64());
    default:
      return Number(reader.u64());
  }
}
