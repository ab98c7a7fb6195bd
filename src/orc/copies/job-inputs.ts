import type { ByteReader } from "../../bytes/byte-reader.ts";
import type { DefinitionGenerator } from "../definition-generator.ts";
import type { JITDylib, PendingObject } from "../jit-dylib.ts";

/** All that the result of a look-up depends on in its JITDylib, which must be one in which nothing has been linked. */
export interface JobInputs {
  readonly names: readonly string[];
  readonly objects: readonly PendingObject[];
  readonly generators: readonly DefinitionGenerator[];
  readonly absolutes: ReadonlyMap<string, number>;
  readonly aliases: ReadonlyMap<string, string>;
}

/** What a look-up of `names` in `dylib` would link; undefined where it depends on other jobs, or what is reached. */
export function inputsOf(dylib: JITDylib, names: readonly string[]): JobInputs | undefined {
  if (dylib.isPlanned || dylib.linkOrder.length + dylib.linked.size + dylib.stubs.size > 0) return undefined;
  return {
    names,
    objects: [...dylib.pending],
    generators: [...dylib.generators],
    absolutes: new Map(dylib.absolutes),
    aliases: new Map(dylib.aliases),
  };
}

/** Whether two look-ups have the same result in processes that answer alike. */
export function sameInputs(a: JobInputs, b: JobInputs): boolean {
  return (
    sameList(a.names, b.names, (x, y) => x === y) &&
    sameList([...a.absolutes], [...b.absolutes], samePair) &&
    sameList([...a.aliases], [...b.aliases], samePair) &&
    sameList(a.generators, b.generators, sameGenerator) &&
    sameList(a.objects, b.objects, sameObject)
  );
}

function sameList<T>(a: readonly T[], b: readonly T[], same: (x: T, y: T) => boolean): boolean {
  return a.length === b.length && a.every((x, i) => same(x, b[i]!));
}

const samePair = (a: readonly [string, unknown], b: readonly [string, unknown]): boolean =>
  a[0] === b[0] && a[1] === b[1];

function sameObject(a: PendingObject, b: PendingObject): boolean {
  return a.generatorsBefore === b.generatorsBefore && a.reader.name === b.reader.name && sameBytes(a.reader, b.reader);
}

/** What a module is made of is the same memory; what is made for each session (imports, call shims) is small. */
function sameBytes(a: ByteReader, b: ByteReader): boolean {
  if (a.view === b.view && a.start === b.start && a.length === b.length) return true;
  return hasBytes(a, b.bytes(0, b.length, "contents"));
}

/** Whether a file's contents are these. */
export function hasBytes(reader: ByteReader, bytes: Uint8Array): boolean {
  return reader.length === bytes.length && Buffer.compare(reader.bytes(0, reader.length, "contents"), bytes) === 0;
}

function sameGenerator(a: DefinitionGenerator, b: DefinitionGenerator): boolean {
  if (a.kind === "archive" && b.kind === "archive") {
    return a.archive === b.archive && a.whole === b.whole && a.group === b.group;
  }
  if (a.kind === "shared-library" && b.kind === "shared-library") {
    return a.library === b.library && a.loadName === b.loadName && a.asNeeded === b.asNeeded;
  }
  // These have no contents of their own; what they stand for is the same in every session.
  return a.kind === b.kind && (a.kind === "process" || a.kind === "implicit-archives");
}
