import { relative } from "node:path";
import { hex } from "../bytes/address.ts";
import type { Crash, CrashFrame } from "../errors.ts";

/** What the executor's own file is called: below the program's first frame nothing is the program's. */
const EXECUTOR = "slablink-executor";
/** So many frames from the inside and from the outside are shown of a long backtrace. */
const INNER = 20;
const OUTER = 10;

/** The lines that tell a person of a crash, the first without what it is about: `SIGSEGV: it read from 0x0, where nothing is mapped`. */
export function crashText(crash: Crash): string[] {
  const frames = ownFrames(crash.frames);
  const lines = frameLines(frames, crash.registers.rip);
  const left = lines.length - INNER - OUTER;
  if (left > 1) lines.splice(INNER, left, `  … ${left} lines are left out`);
  if (!crash.isComplete && frames.length === crash.frames.length) lines.push("  … the callers beyond are not known");
  return [`${crash.signal}: ${crash.cause}`, ...lines];
}

/** A line each; those that repeat the one before are counted. `pc`: what the address of the innermost is exactly, where that is known. */
function frameLines(frames: readonly CrashFrame[], pc: bigint | undefined): string[] {
  const lines: string[] = [];
  for (let index = 0; index < frames.length; ) {
    let next = index + 1;
    while (next < frames.length && frames[next]!.address === frames[index]!.address) next++;
    // What a wild pointer has called may lie beyond 2^53.
    const address = index === 0 && Number(pc) === frames[0]!.address ? pc : undefined;
    lines.push(`  #${index} ${frameText(frames[index]!, address)}`);
    if (next - index === 2) lines.push(`  #${index + 1} ${frameText(frames[index]!)}`);
    else if (next - index > 2) lines.push(`  … #${index + 1} to #${next - 1} are the same`);
    index = next;
  }
  return lines;
}

/** Without the executor's functions that called the program. */
function ownFrames(frames: readonly CrashFrame[]): readonly CrashFrame[] {
  const last = frames.findLastIndex(({ object }) => object !== undefined);
  const isCalledByExecutor = frames.slice(last + 1).some(({ library }) => library === EXECUTOR);
  return last >= 0 && isCalledByExecutor ? frames.slice(0, last + 1) : frames;
}

/** `0x500012a3 crash(int*)+0x3 (crash.o, .text) at crash.cc:4` */
function frameText(frame: CrashFrame, exact?: bigint): string {
  const { offset, object, section, library, file, line } = frame;
  const distance = offset === undefined ? "" : `+${hex(offset)}`;
  const place = object !== undefined ? ` (${object}, ${section})` : library === undefined ? "" : ` (${library})`;
  // A place in a library without a name is one in the file.
  const name = frame.function ?? (library !== undefined && offset !== undefined ? library : undefined);
  const what = name === undefined ? "" : ` ${name}${distance}`;
  const source = file === undefined ? "" : ` at ${sourcePath(file)}:${line}`;
  return `${hex(exact ?? frame.address)}${what}${name === library ? "" : place}${source}`;
}

/** From here, where that is shorter. */
function sourcePath(file: string): string {
  if (!file.startsWith("/")) return file;
  const fromHere = relative(process.cwd(), file);
  return fromHere.startsWith("..") ? file : fromHere;
}
