import type { ByteReader } from "../bytes/byte-reader.ts";
import type { DefinitionGenerator } from "./definition-generator.ts";

/**
 * A named symbol table with a link order, as a shared library would be: objects and generators are added to it, a look-up
 * materializes what it needs of them.
 */
export class JITDylib {
  readonly name: string;
  /** Objects that the next look-up links, all of them, as a linker does with objects on its command line. */
  readonly pending: ByteReader[] = [];
  readonly generators: DefinitionGenerator[] = [];
  /** Addresses given by hand. */
  readonly absolutes = new Map<string, number>();
  /** Other names for symbols. */
  readonly aliases = new Map<string, string>();
  /** What has been linked: name → address in the executor. */
  readonly symbols = new Map<string, number>();
  /** Where names that are not defined here are looked for, after the generators. */
  readonly linkOrder: JITDylib[] = [];

  constructor(name: string) {
    this.name = name;
  }

  addObject(reader: ByteReader): void {
    this.pending.push(reader);
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

  addToLinkOrder(dylib: JITDylib): void {
    this.linkOrder.push(dylib);
  }
}
