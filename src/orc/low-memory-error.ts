import { hex } from "../bytes/address.ts";
import { LinkError } from "../errors.ts";

/** Code reaches something beyond 2 GiB by a 32-bit address, and below there would be room if the process's heap lay lower. */
export class LowMemoryError extends LinkError {}

/** From the end of a small executable to the highest address that a slab may have, in bytes. */
const MOST = 0x7fff_0000 - 0x800_0000;

/** The error to raise for one of fixing up a job that lies at `address`: the same, or one that another start may cure. */
export function asLowMemoryError(error: unknown, address: number, size: number): unknown {
  if (!(error instanceof LinkError) || error.code !== "relocation") return error;
  if (address >= 2 ** 31 || address + size <= 2 ** 31) return error;
  if (size <= MOST) return new LowMemoryError(error.code, error.message, { cause: error.cause });
  const advice = "recompile with -mcmodel=medium or -mcmodel=large";
  return new LinkError(error.code, `${error.message}; the program is ${hex(size)} bytes large: ${advice}`);
}
