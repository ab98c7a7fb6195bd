import { hex } from "../bytes/address.ts";
import { LinkError, UsageError } from "../errors.ts";
import { STT_FUNC, STT_GNU_IFUNC, STT_TLS } from "../formats/elf/constants.ts";
import { SectionKind } from "../graph/section-table.ts";
import { makeRemoteArray } from "../runtime-memory/remote-array.ts";
import {
  byteSizeOf,
  checkConstructor,
  makeArray,
  type TypedArrayConstructor,
  type TypedArrayOf,
} from "../runtime-memory/typed-array.ts";
import type { ExecutionSession } from "./execution-session.ts";
import { JITDylib } from "./jit-dylib.ts";
import type { LinkedJob } from "./linked-job.ts";
import { nearNames } from "./near-names.ts";

/** A variable of linked code. */
export interface Variable {
  /** In the executor. */
  readonly address: number;
  /** st_size, in bytes; 0 where an object does not say. */
  readonly size: number;
}

/**
 * A typed array over a variable of linked code: the memory that the code uses, in the executor's process or in this one. Without `length` it has
 * all of it. Where memory is not shared a `RemoteArray` stands for it (`isRemoteArray`).
 *
 * Errors: TypeError for a `type` that is none of typed arrays'; RangeError when the array does not fit the variable or its alignment; UsageError for what is no variable that may be written:
 * functions, constants, thread-local variables; LinkError with code "undefined-symbol" for a name that nothing linked defines.
 */
export function viewSymbol<C extends TypedArrayConstructor>(
  session: ExecutionSession,
  where: JITDylib | LinkedJob,
  name: string,
  type: C,
  length?: number,
): TypedArrayOf<C> {
  checkConstructor(type);
  const { address, size } = findVariable(where, name);
  const { BYTES_PER_ELEMENT: width } = type;
  if (length === undefined && (size === 0 || size % width !== 0)) {
    const why =
      size === 0 ? "its object does not say how large it is" : `its ${size} bytes are no multiple of ${width}`;
    throw new RangeError(`${name} as a ${type.name}: ${why}; give a length`);
  }
  const count = length ?? size / width;
  const bytes = byteSizeOf(type, count);
  if (size > 0 && bytes > size) {
    throw new RangeError(`${name} as a ${type.name} of length ${count}: ${bytes} bytes, the variable has ${size}`);
  }
  if (address % width !== 0) {
    throw new RangeError(`${name} as a ${type.name}: ${hex(address)} is no multiple of ${width}`);
  }
  return viewAddress(session, address, type, count);
}

/**
 * A typed array over `length` elements at an address in the executor. Where that is not shared memory a `RemoteArray` stands for it. Errors:
 * RangeError for an address that is no multiple of the element's size.
 */
export function viewAddress<C extends TypedArrayConstructor>(
  session: ExecutionSession,
  address: number,
  type: C,
  length: number,
): TypedArrayOf<C> {
  const bytes = byteSizeOf(type, length);
  if (address % type.BYTES_PER_ELEMENT !== 0) {
    throw new RangeError(`a ${type.name}: ${hex(address)} is no multiple of ${type.BYTES_PER_ELEMENT}`);
  }
  const { memory } = session;
  const window = memory.window(address, bytes);
  if (window !== undefined) return makeArray(type, window.buffer, window.byteOffset, length);
  return makeRemoteArray(memory, address, type, length) as unknown as TypedArrayOf<C>;
}

/** Errors: as of `viewSymbol`. */
export function findVariable(where: JITDylib | LinkedJob, name: string): Variable {
  const isDylib = where instanceof JITDylib;
  const wanted = (isDylib ? where.aliases.get(name) : undefined) ?? name;
  const jobs = isDylib ? [...(where.linked.jobs() as Iterable<LinkedJob>)] : [where];
  const job = jobs.find((each) => each.definition(wanted) !== undefined);
  if (job === undefined) throw undefinedVariable(where, jobs, name, wanted);
  const { tables, resolution } = job;
  const row = resolution.definition[tables.pool.findString(wanted)]! - 1;
  const kind = tables.sections.kind[tables.symbols.section[row]!];
  const what = whatItIs(tables.symbols.info[row]! & 0xf, kind);
  const address = tables.symbols.value[row]!;
  const size = resolution.sizeOf(row);
  if (what === undefined) return { address, size };
  const copy = kind === SectionKind.readOnly ? `; memory.read(${hex(address)}, ${size}) gives a copy` : "";
  throw new UsageError(`${name} cannot be viewed: it is ${what}${copy}`);
}

/** What a symbol is, if it is no variable; `kind` is its section's, if it has one. */
function whatItIs(symbolType: number, kind: number | undefined): string | undefined {
  if (symbolType === STT_FUNC || symbolType === STT_GNU_IFUNC || kind === SectionKind.code) return "a function";
  if (symbolType === STT_TLS || kind === SectionKind.tlsData || kind === SectionKind.tlsZeroFill) {
    return "thread-local, another one in each thread";
  }
  if (kind === undefined) return "a plain number, not memory";
  if (kind === SectionKind.readOnly) return "read-only, and a typed array could not be";
  if (kind === SectionKind.writableCode) return "in a section of code";
  return undefined;
}

function undefinedVariable(
  where: JITDylib | LinkedJob,
  jobs: readonly LinkedJob[],
  name: string,
  wanted: string,
): Error {
  if (where instanceof JITDylib && where.absolutes.has(wanted)) {
    return new UsageError(`${name} cannot be viewed: it is a plain number, not memory`);
  }
  if (jobs.some((job) => job.address(wanted) !== undefined)) {
    return new UsageError(`${name} cannot be viewed: a library defines it, not what was linked`);
  }
  const names = jobs.flatMap((job) => [...job.names()]);
  const near = nearNames(name, names);
  const hint = near.length > 0 ? ` (there is ${near.join(", ")})` : "";
  const place = where instanceof JITDylib ? `in the JITDylib ${where.name}` : "in the job";
  return new LinkError(
    "undefined-symbol",
    `${name} cannot be viewed: nothing ${place} that has been linked defines it${hint}`,
  );
}
