import { basename } from "node:path";
import { ByteReader } from "../bytes/byte-reader.ts";
import { UsageError } from "../errors.ts";
import type { Module } from "./module.ts";

/** A new version of one of a module's objects. */
export interface ObjectVersion {
  /** Holds the bytes. */
  readonly module: Module;
  /** Name of the object that it takes the place of. */
  readonly replaced: string;
  /** Its bytes under that name. */
  readonly reader: ByteReader;
}

/**
 * Finds which object of a module another one is a version of: the one of the same name, of the same file name if there is one such only, or
 * the only one. Errors: UsageError with the names.
 */
export function versionOf(version: Module, original: Module): ObjectVersion {
  const [input, ...others] = version.inputs.filter(({ kind }) => kind === "object");
  if (input === undefined || others.length > 0) {
    throw new UsageError(`replace: expected one object or source, got ${version.files.join(", ") || "none"}`);
  }
  const names = original.inputs.flatMap(({ kind, name }) => (kind === "object" ? [name] : []));
  const same = names.filter((name) => basename(name) === basename(input.name));
  const replaced = names.includes(input.name) ? input.name : (only(same) ?? only(names));
  if (replaced === undefined) {
    throw new UsageError(
      `replace: ${input.name} is none of the module's objects: ${names.join(", ") || "it has none"}`,
    );
  }
  const { view, start, length } = input.reader;
  return { module: version, replaced, reader: new ByteReader(view, start, length, replaced) };
}

function only<T>(list: readonly T[]): T | undefined {
  return list.length === 1 ? list[0] : undefined;
}
