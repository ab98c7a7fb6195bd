import type { AddressRange } from "../bytes/address.ts";
import { ExecutorError } from "../errors.ts";
import type { Program } from "../native/program.ts";
import type { AllocAction, AllocActionPair, ImageLoad, LoadedImage } from "./executor-process-control.ts";
import { SpsReader } from "./sps-reader.ts";
import { SpsWriter } from "./sps-writer.ts";

/* Arguments and results of the wrapper functions that both LLVM's executors and ours have, and of ours alone. */

/** The executor answered, and refused. */
export class RefusedError extends ExecutorError {}

const EMPTY = new Uint8Array(0);

const writeRange = (range: AddressRange, out: SpsWriter): unknown => out.addressRange(range);
const writeAddress = (address: number, out: SpsWriter): unknown => out.u64(address);

/** Throws when the SPS Error in `result` is one; `what` names the request. */
export function checkError(result: Uint8Array, what: string): void {
  const message = new SpsReader(result, what).error("result");
  if (message !== undefined) throw new RefusedError(`${what}: ${message}`);
}

/** The value of the SPS Expected in `result`; throws its message. */
export function expectValue<T>(result: Uint8Array, what: string, read: (reader: SpsReader) => T): T {
  const expected = new SpsReader(result, what).expected("result", read);
  if ("error" in expected) throw new RefusedError(`${what}: ${expected.error}`);
  return expected.value;
}

/** Addr instance, String path, u64 mode. */
export function encodeOpen(instance: number, path: string): Uint8Array {
  return new SpsWriter().u64(instance).string(path).u64(0).bytes;
}

/** Addr handle, RemoteSymbolLookupSet: every name weak, so that absent ones do not fail the request. */
export function encodeResolve(handle: number, names: readonly string[]): Uint8Array {
  const out = new SpsWriter(64 + 32 * names.length).u64(handle);
  return out.sequence(names, (name) => out.string(name).bool(false)).bytes;
}

/** Expected<Sequence<Optional<ExecutorSymbolDef>>> → addresses, 0 where absent. */
export function decodeResolve(result: Uint8Array, count: number): Float64Array {
  return expectValue(result, "resolving symbols", (reader) => {
    const found = reader.count("addresses", 1);
    if (found !== count) throw new ExecutorError(`resolving symbols: ${count} names asked, ${found} answered`);
    const addresses = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      if (!reader.bool("symbol present")) continue;
      addresses[i] = reader.u64("symbol address");
      reader.u16("symbol flags");
    }
    return addresses;
  });
}

/** u64 start, size; Sequence<char> file; u64 source, sourceSize, results, resultCount (`Slablink.imageLoad`). */
export function encodeImageLoad(image: ImageLoad): Uint8Array {
  const { start, size, bytes = EMPTY, source = 0, sourceSize = 0, results, resultCount } = image;
  const out = new SpsWriter(bytes.length + 128).u64(start).u64(size).blob(bytes).u64(source).u64(sourceSize);
  return out.u64(results).u64(resultCount).bytes;
}

/** Expected<Tuple<u64 handle, Sequence<i64>>>. Errors: RefusedError with the loader's own text. */
export function decodeImageLoad(result: Uint8Array): LoadedImage {
  return expectValue(result, "loading an image", (reader) => {
    const handle = reader.u64("handle");
    const results = new Float64Array(reader.count("results", 8));
    for (let i = 0; i < results.length; i++) results[i] = reader.i64("result");
    return { handle, results };
  });
}

/** The argument of `Slablink.programRun`; with `exitAfter` the executor ends with the program's status instead of answering. */
export function encodeProgram(program: Program, exitAfter: boolean): Uint8Array {
  const out = new SpsWriter(1024).u64(program.main).sequence(program.argv, (text, to) => to.string(text));
  out.sequence(program.initArrays, writeRange).sequence(program.finiArrays, writeRange).bool(exitAfter);
  return out.sequence(program.initFunctions, writeAddress).sequence(program.finiFunctions, writeAddress).bytes;
}

/** Sequence<AllocActionCallPair>: each action is its function's address and argument bytes, address 0 no call. */
export function writeActions(
  out: SpsWriter,
  actions: readonly AllocActionPair[],
  bootstrap: ReadonlyMap<string, number>,
): SpsWriter {
  const write = (action: AllocAction | undefined): void => {
    const address = action ? bootstrap.get(action.name) : 0;
    if (address === undefined) throw new ExecutorError(`the executor has no alloc action ${action?.name}`);
    out.u64(address).blob(action?.argument ?? EMPTY);
  };
  return out.sequence(actions, ({ finalize, dealloc }) => {
    write(finalize);
    write(dealloc);
  });
}
