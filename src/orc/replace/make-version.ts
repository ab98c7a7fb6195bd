import type { ByteReader } from "../../bytes/byte-reader.ts";
import { STT_TLS, STV_DEFAULT } from "../../formats/elf/constants.ts";
import { ObjectPatch } from "../../formats/elf/object-patch.ts";
import { type StubObjectNames, writeStubObject } from "../../formats/elf/stub-object.ts";
import { SectionKind } from "../../graph/section-table.ts";
import type { SymbolStringPool } from "../../graph/symbol-string-pool.ts";
import { SymbolPlace } from "../../graph/symbol-table.ts";
import { keepData } from "./keep-data.ts";
import type { KnownProgram } from "./known-program.ts";
import { ObjectSymbols } from "./object-symbols.ts";
import { redirectFunctions, type VersionedFunction } from "./redirect-functions.ts";
import { type BoundVariable, bindVariables } from "./variables.ts";

/** A version of an object that is linked in place of the object itself. */
export interface ObjectVersion {
  readonly name: string;
  readonly version: number;
  readonly bytes: Uint8Array;
  /** An object with the stubs of functions that have none yet; undefined when all have. */
  readonly stubs: Uint8Array | undefined;
  readonly stubNames: StubObjectNames;
  /** Names of those stubs, in their order. */
  readonly newStubs: readonly string[];
  readonly functions: readonly VersionedFunction[];
  readonly variables: readonly BoundVariable[];
  /** Sizes of the object's sections, by index. */
  readonly sectionSizes: readonly number[];
  /** It has initializers (`.init_array`), which run only with the program's. */
  readonly hasInitializers: boolean;
  /** Its code and its constants can be found by what does not show in memory: it has to stay. */
  readonly staysForGood: boolean;
  readonly warnings: readonly string[];
}

/**
 * Makes a version of an object: functions lead through stubs, variables stay where `program` has them. Errors: ObjectFormatError,
 * LinkError.
 */
export function makeVersion(
  reader: ByteReader,
  program: KnownProgram,
  version: number,
  pool: SymbolStringPool,
): ObjectVersion {
  const object = new ObjectSymbols(reader, pool);
  const warnings: string[] = [];
  const patch = new ObjectPatch(reader);
  const variables = bindVariables(object, program, warnings);
  const { functions, stubs, leaksAddresses } = redirectFunctions(object, patch, program, version);
  keepData(object, patch, variables);
  if (version > 1) bindOutside(object, patch, program);
  const stubNames = { stubs: `${reader.name}:stubs.v${version}`, slots: `${reader.name}:slots.v${version}` };
  const sections = Array.from({ length: object.sectionCount }, (_, section) => section);
  return {
    name: reader.name,
    version,
    bytes: patch.finish(),
    stubs: stubs.length === 0 ? undefined : writeStubObject(stubs, stubNames),
    stubNames,
    newStubs: stubs.map(({ name }) => name),
    functions,
    variables,
    sectionSizes: sections.map((section) => object.sectionSize(section)),
    hasInitializers: sections.some((section) => object.kind(section) === SectionKind.functionArray),
    staysForGood: version === 1 || leaksAddresses || stubs.length > 0 || definesOther(object, variables),
    warnings,
  };
}

/** What a later version refers to is in other link jobs, whatever its visibility; and a library's variable is where the program has it. */
function bindOutside(object: ObjectSymbols, patch: ObjectPatch, program: KnownProgram): void {
  for (const { index, isLocal, section, name, binding, type, visibility } of object.symbols) {
    if (isLocal || index === 0 || section !== SymbolPlace.undefined) continue;
    if (type === STT_TLS && program.defines(name)) {
      object.reader.fail(`refers to ${name}, which is thread-local: only what was linked together with it can`);
    }
    const copy = program.copyOf(name);
    if (copy !== undefined) patch.makeAbsolute(index, copy);
    else if (visibility !== STV_DEFAULT) patch.undefine(index, binding, type);
  }
}

/**
 * Whether other objects can come to use a version's memory by its address: variables that begin in it, constants that they may be bound to,
 * thread-locals.
 */
function definesOther(object: ObjectSymbols, variables: readonly BoundVariable[]): boolean {
  if (variables.some(({ storage }) => storage === undefined)) return true;
  return object.symbols.some((symbol) => {
    const { isLocal, visibility, section, type } = symbol;
    if (section < 0 && section !== SymbolPlace.absolute) return false;
    if (type === STT_TLS) return true;
    return !isLocal && visibility === STV_DEFAULT && !object.isFunction(symbol) && !object.isVariable(symbol);
  });
}
