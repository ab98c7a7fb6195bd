/*
 * What LLVM's executors of each version call their services, and how they answer: as measured on Debian's 14.0.6, 16.0.6, 19.1.7 and
 * 22.1.8. The wire names no version; an executor is what it announces in Setup.
 *
 *   version    Setup has a map   symbol query                                         memory manager
 *   14 to 16   no                lookup(instance, handle, names) → Addr each          reserve, finalize, deallocate
 *   17 to 21   yes               lookup(instance, handle, names) → Addr, flags each   reserve, finalize, deallocate
 *   22         yes               resolve(handle, names) → Optional<Addr, flags> each  reserve, initialize, deinitialize, release
 *
 * To any other executor than slablink's own, the controller makes three calls by these names: it opens slablink's services there as a library, asks
 * for the one function that they export and calls it (services.ts). All that follows goes by slablink's names.
 */

import { ExecutorError } from "../errors.ts";
import { Llvm } from "./dialect.ts";
import type { Setup } from "./setup.ts";

const LOOKUP = "__llvm_orc_SimpleExecutorDylibManager_lookup_wrapper";

/** How one version's dylib manager is asked for symbols. */
export interface ProtocolVersion {
  /** LLVM's version, or several that are alike, in words. */
  readonly versions: string;
  /** Whether Setup has a map of values in front of its symbols. */
  readonly hasValues: boolean;
  readonly open: string;
  readonly query: string;
  /** Whether the query takes the dylib manager's instance in front of the library's handle. */
  readonly queryTakesInstance: boolean;
  /** What a symbol that was found is in the query's result. */
  readonly answer: "address" | "definition" | "optional definition";
}

const common = { open: Llvm.dylibOpen };
const protocolVersions: readonly ProtocolVersion[] = [
  { ...common, versions: "14 to 16", hasValues: false, query: LOOKUP, queryTakesInstance: true, answer: "address" },
  { ...common, versions: "17 to 21", hasValues: true, query: LOOKUP, queryTakesInstance: true, answer: "definition" },
  {
    ...common,
    versions: "22",
    hasValues: true,
    query: Llvm.dylibResolve,
    queryTakesInstance: false,
    answer: "optional definition",
  },
];

const MOST_NAMES = 3;

/** The version that an executor speaks by what it announces. Errors: ExecutorError with what was seen and what is known. */
export function protocolVersionOf({ hasValues, symbols }: Setup): ProtocolVersion {
  const found = protocolVersions.find((version) => {
    return (
      version.hasValues === hasValues &&
      [Llvm.dylibInstance, version.open, version.query].every((name) => symbols.has(name))
    );
  });
  if (found !== undefined) return found;
  const known = protocolVersions.map(({ versions }) => versions).join(", ");
  throw new ExecutorError(
    `the executor speaks no protocol that is known here: its Setup message ${hasValues ? "has" : "lacks"} a map of values and announces ${namesIn(symbols)}; known are slablink's own executor and those of LLVM ${known}`,
  );
}

function namesIn(symbols: ReadonlyMap<string, number>): string {
  const names = [...symbols.keys()].sort();
  if (names.length === 0) return "no names";
  const manager = names.filter((name) => /dylib/i.test(name));
  const shown = (manager.length > 0 ? manager : names).slice(0, MOST_NAMES).join(", ");
  return `${names.length} ${names.length === 1 ? "name" : "names"}${names.length > MOST_NAMES ? ", among them" : ":"} ${shown}`;
}
