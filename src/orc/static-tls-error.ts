import { LinkError } from "../errors.ts";

/** The process has no room left for the job's thread-locals at fixed distances from the thread pointer. */
export class StaticTlsError extends LinkError {
  /** Room that would be enough, in bytes. */
  readonly size: number;
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
