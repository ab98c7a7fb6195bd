import type { AddressRange } from "../bytes/address.ts";
import { type CrashMessage, decodeCrash } from "../epc/crash-message.ts";
import type { Crash, CrashFrame } from "../errors.ts";
import { demangle } from "../host/demangle.ts";
import { type MappedRange, mappingAt, parseMaps } from "../host/maps.ts";
import { signalName, signalNumber } from "../host/signal-names.ts";
import { crashCause } from "./crash-cause.ts";
import type { ElfFile } from "./elf-file.ts";
import { findLine, type SourceLine } from "./line-table.ts";
import { LinkedCode, type LinkedMemory, type PlaceInObject } from "./linked-code.ts";
import { MappedFiles } from "./mapped-files.ts";
import { StackCopy } from "./stack-copy.ts";
import { type Place, unwind } from "./unwind.ts";

/** Frames of a backtrace at most; a stack that overflows has a hundred thousand. */
const MOST_FRAMES = 256;

/** What gdb calls it. */
const SIGNAL_FRAME = "<signal handler called>";

/** Names of x86-64's registers by their DWARF numbers (psABI figure 3.36). */
const registerNames = "rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip".split(" ");
const STACK_POINTER = 7;
const INSTRUCTION_POINTER = 16;

/** What a crash is explained with. */
export interface CrashSurroundings {
  /** The jobs whose code the executor holds. */
  readonly linked: Iterable<LinkedMemory>;
  /** The paths in the message are this machine's: the executor is a process of it. */
  readonly isLocal: boolean;
  /** Code of slablink's that calls linked code for JavaScript: a backtrace ends there. */
  readonly entries?: readonly AddressRange[];
}

/** Shims that were linked, of which the ranges are not known. */
const SHIM = /^__slablink_call_/;

/** Reads an executor's last message and finds names for what is in it. Errors: ProtocolError when it is none. */
export function reportCrash(payload: Uint8Array, { linked, isLocal, entries = [] }: CrashSurroundings): Crash {
  const message = decodeCrash(payload);
  const code = new LinkedCode(linked);
  const mappings = parseMaps(message.maps);
  const files = new MappedFiles(mappings, isLocal);
  const stacks = message.stacks.map(({ start, bytes }) => new StackCopy(start, bytes));
  const memory = (address: bigint): bigint | undefined => firstOf(stacks, (stack) => stack.word(address));
  const isEntry = (pc: number): boolean => entries.some(({ start, end }) => pc >= start && pc < end);
  const isCode = (pc: number): boolean =>
    isEntry(pc) || mappingAt(mappings, pc)?.permissions[2] === "x" || code.isStub(pc) || code.place(pc) !== undefined;
  const unwound =
    message.registers.length > INSTRUCTION_POINTER
      ? unwind(message.registers, { memory, frame: (pc) => frameOf(code, files, pc), isCode }, MOST_FRAMES)
      : { places: [], isComplete: false };
  const named = new Map<string, CrashFrame>();
  const all = unwound.places.map((place) => {
    const key = `${place.pc} ${place.isReturn}`;
    const frame = named.get(key) ?? nameFrame(place, code, files);
    named.set(key, frame);
    return frame;
  });
  const entry = unwound.places.findIndex(({ pc }, i) => isEntry(pc) || SHIM.test(all[i]!.function ?? ""));
  const frames = entry < 0 ? all : all.slice(0, entry);
  const isComplete = entry >= 0 || unwound.isComplete;
  const signal = signalName(message.signal);
  return {
    signal,
    code: message.code,
    address: message.code > 0 && message.signal !== signalNumber("SIGSYS") ? Number(message.address) : undefined,
    process: message.process,
    thread: message.thread,
    sender: message.code <= 0 ? message.sender : undefined,
    cause: causeOf(message, signal, mappings, code, frames),
    registers: Object.fromEntries(
      message.registers.slice(0, registerNames.length).map((value, i) => [registerNames[i]!, value]),
    ),
    frames,
    isComplete,
  };
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function frameOf(code: LinkedCode, files: MappedFiles, pc: number): ReturnType<LinkedCode["frame"]> {
  return code.place(pc) === undefined ? files.frame(pc) : code.frame(pc);
}

function causeOf(
  message: CrashMessage,
  signal: string,
  mappings: readonly MappedRange[],
  code: LinkedCode,
  frames: readonly CrashFrame[],
): string {
  return crashCause({
    message,
    signal,
    address: Number(message.address),
    pc: Number(message.registers[INSTRUCTION_POINTER] ?? 0n),
    stackPointer: Number(message.registers[STACK_POINTER] ?? 0n),
    mappings,
    describe: (address) => describe(code.place(address)),
    functions: frames.map((frame) => frame.function ?? ""),
  });
}

function describe(place: PlaceInObject | undefined): string | undefined {
  if (place === undefined) return undefined;
  const name = place.symbol === undefined ? "" : `${demangle(place.symbol.name)} in `;
  return `${name}${place.section} of ${place.object}`;
}

function nameFrame({ pc, isReturn, isTrampoline }: Place, code: LinkedCode, files: MappedFiles): CrashFrame {
  // What a call returns to may be the next function already.
  const lookUp = isReturn ? pc - 1 : pc;
  if (isTrampoline) return { address: pc, function: SIGNAL_FRAME };
  try {
    const place = code.place(lookUp);
    if (place !== undefined) return linkedFrame(place, pc, lookUp, code);
    if (code.isStub(lookUp)) return { address: pc, function: "stub of slablink's" };
    const { function: name, ...rest } = files.place(pc, lookUp) ?? {};
    const mapped = files.at(lookUp);
    const line = mapped && lineOf((section) => contentsOf(mapped.file, section), lookUp - mapped.bias);
    return { address: pc, ...(name !== undefined && { function: demangle(name) }), ...rest, ...line };
  } catch {
    return { address: pc };
  }
}

function linkedFrame(place: PlaceInObject, pc: number, lookUp: number, code: LinkedCode): CrashFrame {
  const { graph, object, section, symbol } = place;
  const named = symbol && { function: demangle(symbol.name), offset: symbol.offset + (pc - lookUp) };
  const line = lineOf((name) => code.debugSection(graph, name), lookUp);
  return { address: pc, ...named, object, section, ...line };
}

function contentsOf(file: ElfFile, name: string): Uint8Array | undefined {
  const section = file.section(name);
  return section === undefined ? undefined : file.contents(section);
}

/** Debug information that is broken is none. */
function lineOf(sections: (name: string) => Uint8Array | undefined, address: number): SourceLine | undefined {
  try {
    return findLine(sections, address);
  } catch {
    return undefined;
  }
}
