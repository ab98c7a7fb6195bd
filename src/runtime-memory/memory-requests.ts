import { hex } from "../bytes/address.ts";
import { checkError, expectValue, RefusedError } from "../epc/calls.ts";
import { Slablink } from "../epc/dialect.ts";
import type { ExecutorProcessControl } from "../epc/executor-process-control.ts";
import { SpsWriter } from "../epc/sps-writer.ts";
import { ExecutorError } from "../errors.ts";

/** What one request carries: other requests have their turn in between, and no frame gets near its limit of 256 MiB. */
const MOST_AT_ONCE = 16 * 2 ** 20;

/** One call of a wrapper function that moves memory, and what becomes of its answer. */
interface MemoryRequest {
  readonly wrapper: string;
  readonly argument: Uint8Array;
  take(answer: Uint8Array): void;
}

/** An executor whose answers can be waited for without the event loop. */
export interface BlockingControl extends ExecutorProcessControl {
  /** As a request, but nothing else goes on meanwhile; `onQuiet` is called now and then. */
  callAddressNow(address: number, argument: Uint8Array, onQuiet: () => void): Uint8Array;
}

/** A copy of [address, address + size) of the executor's memory. Errors: RangeError where it is not readable. */
export async function readByRequest(epc: ExecutorProcessControl, address: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (const request of reads(address, bytes)) {
    take(request, await epc.callWrapper(request.wrapper, request.argument), "read", address, size);
  }
  return bytes;
}

/** Writes to the executor's memory. Errors: RangeError where it is not writable; what comes before is written then. */
export async function writeByRequest(epc: ExecutorProcessControl, address: number, bytes: Uint8Array): Promise<void> {
  for (const request of writes(address, bytes)) {
    take(request, await epc.callWrapper(request.wrapper, request.argument), "write", address, bytes.length);
  }
}

/** As `readByRequest`, without the event loop. */
export function readNow(epc: BlockingControl, address: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const request of reads(address, bytes)) take(request, callNow(epc, request), "read", address, size);
  return bytes;
}

/** As `writeByRequest`, without the event loop. */
export function writeNow(epc: BlockingControl, address: number, bytes: Uint8Array): void {
  for (const request of writes(address, bytes)) take(request, callNow(epc, request), "write", address, bytes.length);
}

function* reads(address: number, into: Uint8Array): Generator<MemoryRequest> {
  for (let done = 0; done < into.length; done += MOST_AT_ONCE) {
    const size = Math.min(MOST_AT_ONCE, into.length - done);
    const argument = new SpsWriter(16).u64(address + done).u64(size).bytes;
    const take = (answer: Uint8Array): void => {
      into.set(
        expectValue(answer, "reading memory", (reader) => reader.blob("bytes")),
        done,
      );
    };
    yield { wrapper: Slablink.memoryRead, argument, take };
  }
}

function* writes(address: number, bytes: Uint8Array): Generator<MemoryRequest> {
  for (let done = 0; done < bytes.length; done += MOST_AT_ONCE) {
    const part = bytes.subarray(done, done + MOST_AT_ONCE);
    const argument = new SpsWriter(part.length + 32).u64(address + done).blob(part).bytes;
    yield { wrapper: Slablink.memoryWrite, argument, take: (answer) => checkError(answer, "writing memory") };
  }
}

function callNow(epc: BlockingControl, { wrapper, argument }: MemoryRequest): Uint8Array {
  const address = epc.bootstrap.get(wrapper);
  if (address === undefined) throw new ExecutorError(`the executor has no ${wrapper}`);
  return epc.callAddressNow(address, argument, () => {});
}

/** What the executor has refused is a range that is not mapped so; what is mapped there is in its sentence. */
function take(request: MemoryRequest, answer: Uint8Array, ...[way, address, size]: [string, number, number]): void {
  try {
    request.take(answer);
  } catch (cause) {
    if (!(cause instanceof RefusedError)) throw cause;
    throw new RangeError(`cannot ${way} ${hex(size)} bytes at ${hex(address)}: ${cause.message}`, { cause });
  }
}
