import type { ByteReader } from "../bytes/byte-reader.ts";
import { archivesOf, type DefinitionGenerator } from "./definition-generator.ts";
import { DefinitionIndex } from "./definition-index.ts";

/** What a linked job defines. */
export interface LinkedDefinitions {
  /** Address of a symbol that the job defines. */
  definition(name: string): number | undefined;
  /** The names of all symbols that it defines, each once. */
  names(): Iterable<string>;
}

/** An object that is to be linked, and its place among the generators: how many were added before it. */
export interface PendingObject {
  readonly reader: ByteReader;
  readonly generatorsBefore: number;
}

/**
 * A named symbol table with a link order, as a shared library would be: objects and generators are added to it, a look-up
 * materializes what it needs of them.
 */
export class JITDylib {
  readonly name: string;
  /** Objects that the next look-up links, all of them, as a linker does with objects on its command line. */
  readonly pending: PendingObject[] = [];
  readonly generators: DefinitionGenerator[] = [];
  /** Addresses given by hand. */
  readonly absolutes = new Map<string, number>();
  /** Other names for symbols. */
  readonly aliases = new Map<string, string>();
  /** The jobs that have been linked for it. */
  readonly linked = new DefinitionIndex();
  /** Where names that are not defined here are looked for, after the generators. */
  readonly linkOrder: JITDylib[] = [];

  #offered: Set<string> | undefined;
  #offeredBy = 0;

  constructor(name: string) {
    this.name = name;
  }

  addObject(reader: ByteReader): void {
    this.pending.push({ reader, generatorsBefore: this.generators.length });
  }

  addGenerator(generator: DefinitionGenerator): void {
    this.generators.push(generator);
  }

  /** Defines `name` as a plain address. */
  define(name: string, address: number): void {
    this.absolutes.set(name, address);
  }

  /** Makes `alias` another name for `target`. */
  alias(alias: string, target: string): void {
    this.aliases.set(alias, target);
  }

  /** Address of what is defined here by now: linked, or given by hand. */
  find(name: string): number | undefined {
    const byHand = this.absolutes.get(name);
    if (byHand !== undefined) return byHand;
    return this.linked.find(name);
  }

  /** Whether an archive of it could define the name (by the archives' indexes). */
  offers(name: string): boolean {
    if (this.#offered === undefined || this.#offeredBy !== this.generators.length) {
      this.#offered = new Set();
      this.#offeredBy = this.generators.length;
      for (const { archive } of this.generators.flatMap(archivesOf)) {
        const { index } = archive;
        for (let i = 0; i < (index?.count ?? 0); i++) this.#offered.add(index!.nameAt(i));
      }
    }
    return this.#offered.has(name);
  }

  addToLinkOrder(dylib: JITDylib): void {
    this.linkOrder.push(dylib);
  }
}
