import { LinkError } from "../errors.ts";
import { PT_TLS } from "../formats/elf/constants.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import { measureThreadLocals } from "../link/layout.ts";
import type { LinkJob } from "./link-job.ts";

/** What the loader's default room for static thread-locals lacks beside the job's blocks, in bytes. */
const MARGIN = 4096;
const GROWTH = 16;
/** What the loader says of a library or an anchor for whose block it has no room. */
const LOADER_SAYS = "static TLS block";

/** The process has no room left for the job's thread-locals, or its libraries', at fixed distances from the thread pointer. */
export class StaticTlsError extends LinkError {
  /** Room that would be enough, in bytes. */
  readonly size: number;
  /** The alignment that it must have, in bytes. */
  readonly alignment: number;

  constructor(name: string, size: number, alignment: number, cause: unknown) {
    super(
      "link",
      `${name}: the process has no room for ${size} bytes of static thread-local storage; start it with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=${size}, or run in the executor`,
      { cause },
    );
    this.size = size;
    this.alignment = alignment;
  }
}

/** Room for static thread-locals, in bytes. */
export interface StaticTls {
  readonly size: number;
  readonly alignment: number;
}

/** What to start with after `error`, when the last start had `room`: libraries may need more than could be counted. */
export function moreStaticTls(error: StaticTlsError, room: StaticTls): StaticTls {
  return {
    size: Math.max(error.size, GROWTH * room.size),
    alignment: Math.max(error.alignment, room.alignment),
  };
}

/** A StaticTlsError in place of what the loader has said, when it said so; any other error as it is. */
export function staticTlsError(job: LinkJob, error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.includes(LOADER_SAYS)) return error;
  const blocks = [measureThreadLocals(job.tables), ...blocksOfLibraries(job)];
  const alignment = Math.max(...blocks.map((block) => block.alignment));
  const size = blocks.reduce((sum, block) => sum + block.size + 2 * block.alignment, MARGIN);
  return new StaticTlsError(job.dylib.name, size, alignment, error);
}

/** The blocks of the job's libraries and of those that they need, as far as these are found. */
function blocksOfLibraries(job: LinkJob): StaticTls[] {
  const libraries = new Set<SharedLibrary>(job.external.libraries.map(({ library }) => library));
  for (const library of libraries) {
    for (const name of library.needed) {
      const found = job.context.runtime.find(name);
      if (found !== undefined) libraries.add(found);
    }
  }
  return [...libraries].flatMap(({ segments }) => {
    return segments
      .filter(({ type }) => type === PT_TLS)
      .map(({ memorySize, alignment }) => ({ size: memorySize, alignment }));
  });
}
