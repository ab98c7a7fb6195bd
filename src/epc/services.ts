// slablink's services in an executor of LLVM's: loaded by its dylib manager, started by a call, and from then on what slablink's own
// executor would have announced.

import { ExecutorError } from "../errors.ts";
import { encodeOpen, expectValue } from "./calls.ts";
import type { EpcConnection } from "./connection.ts";
import { Llvm } from "./dialect.ts";
import { type ProtocolVersion, protocolVersionOf } from "./protocol-versions.ts";
import type { Setup } from "./setup.ts";
import type { SpsReader } from "./sps-reader.ts";
import { SpsWriter } from "./sps-writer.ts";

/** The one name that the library exports: Sequence<String> words → Expected<(Sequence<(String name, Addr)>, Sequence<String library>)>. */
const START = "__slablink_services_start";

/** A library of slablink's services for an executor that has none. */
export interface Services {
  /** Where the executor finds it. */
  readonly path: string;
  /** What it is to do as it starts, in the words of slablink-executor's command line. */
  readonly words: readonly string[];
}

/** An executor that has them. */
export interface StartedServices {
  /** The executor's names, with the services' in place of LLVM's. */
  readonly symbols: ReadonlyMap<string, number>;
  /** Paths of the libraries that it had loaded. */
  readonly libraries: readonly string[];
}

/** Loads and starts the services. Errors: ExecutorError. */
export async function startServices(
  connection: EpcConnection,
  setup: Setup,
  { path, words }: Services,
): Promise<StartedServices> {
  const version = protocolVersionOf(setup);
  const instance = setup.symbols.get(Llvm.dylibInstance)!;
  const opened = await connection.call(setup.symbols.get(version.open)!, encodeOpen(instance, path));
  const handle = expectValue(opened, "loading slablink's services", (reader) => reader.u64("handle"));
  const start = await query(connection, setup, version, handle);
  if (start === 0) throw new ExecutorError(`${path} has no ${START}`);
  const argument = new SpsWriter();
  argument.sequence(words, (word) => argument.string(word));
  const started = await connection.call(start, argument.bytes);
  return expectValue(started, "starting slablink's services", (reader) => {
    const names = reader.sequence("services", 16, (each) => [each.string("name"), each.u64("address")] as const);
    const libraries = reader.sequence("libraries", 8, (each) => each.string("library"));
    return { symbols: new Map([...setup.symbols, ...names]), libraries };
  });
}

/** The address of the library's one function, 0 if it has none. */
async function query(
  connection: EpcConnection,
  { symbols }: Setup,
  version: ProtocolVersion,
  handle: number,
): Promise<number> {
  const out = new SpsWriter();
  if (version.queryTakesInstance) out.u64(symbols.get(Llvm.dylibInstance)!);
  // Not required, since LLVM 19 takes a missing one for the request's failure.
  const argument = out.u64(handle).sequence([START], (name) => out.string(name).bool(false)).bytes;
  const result = await connection.call(symbols.get(version.query)!, argument);
  return expectValue(result, "looking up slablink's services", (reader) => {
    const count = reader.count("addresses", 1);
    if (count !== 1) throw new ExecutorError(`looking up slablink's services: 1 name asked, ${count} answered`);
    return readAnswer(reader, version);
  });
}

function readAnswer(reader: SpsReader, { answer }: ProtocolVersion): number {
  if (answer === "optional definition" && !reader.bool("symbol present")) return 0;
  return reader.u64("symbol address");
}
