import { hex } from "../bytes/address.ts";
import { Llvm } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SpsReader } from "../epc/sps-reader.ts";
import { SpsWriter } from "../epc/sps-writer.ts";

/** What one request carries: other requests have their turn in between, and no frame gets near its limit of 256 MiB. */
const MOST_AT_ONCE = 16 * 2 ** 20;

/** A copy of [address, address + size) of the executor's memory, by requests. Errors: RangeError where it is not readable. */
export async function readByRequest(epc: ExecutorProcessControl, address: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let done = 0; done < size; ) {
    const start = address + done;
    const end = start + Math.min(size - done, MOST_AT_ONCE);
    const argument = new SpsWriter().sequence([{ start, end }], (range, out) => out.addressRange(range)).bytes;
    const what = `cannot read ${hex(size)} bytes at ${hex(address)}`;
    const result = await asRangeError(what, epc.callWrapper(Llvm.memReadBuffers, argument));
    const [part] = new SpsReader(result, what).sequence("buffers", 8, (reader) => reader.blob("buffer"));
    bytes.set(part ?? new Uint8Array(0), done);
    done = end - address;
  }
  return bytes;
}

/** Writes to the executor's memory by requests. Errors: RangeError where it is not writable; what came before is written then. */
export async function writeByRequest(epc: ExecutorProcessControl, address: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; done += MOST_AT_ONCE) {
    const part = bytes.subarray(done, done + MOST_AT_ONCE);
    const argument = new SpsWriter(part.length + 32).sequence([part], (each, out) =>
      out.u64(address + done).blob(each),
    ).bytes;
    const what = `cannot write ${hex(bytes.length)} bytes at ${hex(address)}`;
    await asRangeError(what, epc.callWrapper(Llvm.memWriteBuffers, argument));
  }
}

/** The wrappers have no form for a failure but an out-of-band error, whose sentence says which address it was. */
async function asRangeError(what: string, call: Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await call;
  } catch (cause) {
    if (!(cause instanceof Error) || !cause.message.includes("bad address")) throw cause;
    throw new RangeError(`${what}: it is not mapped so in the executor`, { cause });
  }
}
