import type { ByteReader } from "../bytes/byte-reader.ts";
import type { Archive } from "../formats/archive.ts";
import type { SharedLibrary } from "../formats/elf/shared-library.ts";
import type { JITDylib } from "./jit-dylib.ts";

/** Members of a static archive, each linked when something refers to what it defines. */
export class StaticArchiveGenerator {
  /** Tells it from other generators. */
  readonly kind = "archive";
  /** The archive, read. */
  readonly archive: Archive;
  /** Every member is linked, wanted or not. */
  readonly whole: boolean;
  /** Archives of one group (a number other than 0) that follow each other are searched in circles (`--start-group`). */
  readonly group: number;

  constructor(archive: Archive, options: { whole?: boolean; group?: number } = {}) {
    this.archive = archive;
    this.whole = options.whole === true;
    this.group = options.group ?? 0;
  }
}

/** Archives that every program may use without naming them, behind all others; opened when something refers to what is not there. */
export class ImplicitArchivesGenerator {
  /** Tells it from other generators. */
  readonly kind = "implicit-archives";
  readonly #open: () => Iterable<Archive>;
  #archives: readonly StaticArchiveGenerator[] | undefined;

  constructor(open: () => Iterable<Archive>) {
    this.#open = open;
  }

  /** The archives, opened when they are first asked for. */
  get archives(): readonly StaticArchiveGenerator[] {
    this.#archives ??= Array.from(this.#open(), (archive) => new StaticArchiveGenerator(archive));
    return this.#archives;
  }
}

/** Exported symbols of a shared library, which the executor's loader opens. */
export class SharedLibraryGenerator {
  /** Tells it from other generators. */
  readonly kind = "shared-library";
  /** The library, read. */
  readonly library: SharedLibrary;
  /** What the executor's loader is asked for: a path or a soname. */
  readonly loadName: string;
  /** Opened only when something is resolved from it. */
  readonly asNeeded: boolean;

  constructor(library: SharedLibrary, loadName: string, options: { asNeeded?: boolean } = {}) {
    this.library = library;
    this.loadName = loadName;
    this.asNeeded = options.asNeeded === true;
  }
}

/** Symbols of the executor process itself: its program, the C library, whatever it has loaded globally. */
export class ProcessSymbolsGenerator {
  /** Tells it from other generators. */
  readonly kind = "process";
}

/** An object that a generator makes. */
export type GeneratedObject =
  | ByteReader
  | {
      /** What errors call it. */
      readonly name: string;
      /** All of the file. */
      readonly bytes: Uint8Array;
    };

/** What a generator has for the names that it was asked for: addresses in the executor, objects that define them, or nothing. */
export type Generated = ReadonlyMap<string, number> | readonly GeneratedObject[] | undefined;

/**
 * Definitions that a program makes when they are asked for. Add one with `dylib.addGenerator({ kind: "callback", tryToGenerate })`.
 */
export interface CallbackGenerator {
  /** Tells it from other generators. */
  readonly kind: "callback";
  /**
   * Asked for names that nothing before it defines, each once in a look-up. What it gives is added to the JITDylib; it may also add to
   * that itself and give nothing. It must not look up anything in the JITDylib, or in one that is reached from it: the look-up that asks
   * would wait for itself.
   */
  tryToGenerate(names: readonly string[], dylib: JITDylib): Generated | Promise<Generated>;
}

/** The archives that a generator stands for. */
export function archivesOf(generator: DefinitionGenerator): readonly StaticArchiveGenerator[] {
  if (generator.kind === "archive") return [generator];
  return generator.kind === "implicit-archives" ? generator.archives : [];
}

/** Where a JITDylib finds definitions that were not added to it as objects. */
export type DefinitionGenerator =
  | StaticArchiveGenerator
  | ImplicitArchivesGenerator
  | SharedLibraryGenerator
  | ProcessSymbolsGenerator
  | CallbackGenerator;
