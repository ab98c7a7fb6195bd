import type { ByteReader } from "../bytes/byte-reader.ts";
import { LinkError, UsageError } from "../errors.ts";
import { type ObjectSymbol, objectSymbols } from "../formats/elf/object-symbols.ts";
import type { GraphTables } from "../graph/graph-tables.ts";
import { archivesOf, type DefinitionGenerator, type StaticArchiveGenerator } from "./definition-generator.ts";
import { DefinitionIndex } from "./definition-index.ts";
import { checkAddress, type Definitions } from "./definitions.ts";
import { ResourceTracker, type TrackerOwner } from "./resource-tracker.ts";

/** What is known of a definition in a linked job. */
export interface DefinitionTraits {
  /** The object that has it. */
  readonly object: string;
  /** A strong definition takes its place: it is weak, common, or one of many equals (STB_GNU_UNIQUE). */
  readonly isOverridable: boolean;
  /** Its value is a distance in the thread-local block, not an address. */
  readonly isThreadLocal: boolean;
}

/** What a linked job defines. */
export interface LinkedDefinitions {
  /** Address of a symbol that the job defines. */
  definition(name: string): number | undefined;
  /** More about a symbol that the job defines. */
  traits(name: string): DefinitionTraits | undefined;
  /** The names of all symbols that it defines, each once. */
  names(): Iterable<string>;
}

/** An object that is to be linked, and its place among the generators: how many were added before it. */
export interface PendingObject {
  /** The file's bytes, under the name that errors call it. */
  readonly reader: ByteReader;
  /** Generators of the JITDylib that stand before it in the order of search. */
  readonly generatorsBefore: number;
  /** undefined: the default one. */
  tracker: ResourceTracker | undefined;
  /** Linked only when a look-up reaches what it defines. */
  readonly isLazy: boolean;
  /** Its global symbols, read once. */
  symbols(): readonly ObjectSymbol[];
}

/** A name of another JITDylib under a name of this one. */
export interface Reexport {
  /** Where the name is looked up. */
  readonly dylib: JITDylib;
  /** As `dylib` calls it. */
  readonly name: string;
  /** Address of what is no definition of `dylib` but found by it, in a library or the process. */
  address: number | undefined;
}

/** How an object is added. */
export interface AddObjectOptions {
  /** What the object belongs to; the JITDylib's default tracker otherwise. */
  readonly tracker?: ResourceTracker;
}

/** Where the address of a name comes from. */
export interface FoundDefinition {
  /** In the executor. */
  readonly address: number;
  /** The job that defines it; undefined for what was given by hand and is no stub. */
  readonly job: LinkedDefinitions | undefined;
}

/** Aliases of aliases, re-exports of re-exports: more of them are a circle. */
const DEEPEST_ALIAS = 64;

/**
 * A named symbol table with a link order, as a shared library would be: objects and generators are added to it, a look-up
 * materializes what it needs of them.
 */
export class JITDylib {
  /** By which the session knows it. */
  readonly name: string;
  /** @internal Objects that the next look-up links, all of them, as a linker does with objects on its command line. */
  readonly pending: PendingObject[] = [];
  /** Objects that a look-up links when it reaches what they define. */
  readonly lazy: PendingObject[] = [];
  /** Where definitions are looked for, in this order. */
  readonly generators: DefinitionGenerator[] = [];
  /** Addresses given by hand. */
  readonly absolutes = new Map<string, number>();
  /** @internal The jobs of those that are stubs. */
  readonly stubs = new Map<string, LinkedDefinitions>();
  /** @internal What else is to be done when the session removes it. */
  readonly atRemoval = new Set<() => void | Promise<void>>();
  /** Other names for symbols, which every look-up links. */
  readonly aliases = new Map<string, string>();
  /** Other names for symbols, which are linked when something reaches the name. */
  readonly lazyAliases = new Map<string, string>();
  /** Names that stand for those of other JITDylibs. */
  readonly reexports = new Map<string, Reexport>();
  /** @internal The jobs that have been linked for it. */
  readonly linked = new DefinitionIndex();
  /** Archives that have been linked as a whole, with the tables of the job that did it. */
  readonly wholeArchives = new Map<StaticArchiveGenerator, GraphTables>();
  /** Where names that are not defined here are looked for, after the generators. */
  readonly linkOrder: JITDylib[] = [];
  /** The session; undefined for a JITDylib by itself. */
  owner: TrackerOwner | undefined;

  #offered: Set<string> | undefined;
  #offeredBy = 0;
  #lazyByName: Map<string, PendingObject[]> | undefined;
  #defaultTracker: ResourceTracker | undefined;
  #hasTrackers = false;

  constructor(name: string) {
    this.name = name;
  }

  /** The tracker of all that was added without one, and of members of archives. */
  get defaultResourceTracker(): ResourceTracker {
    this.#defaultTracker ??= new ResourceTracker(this);
    return this.#defaultTracker;
  }

  /** A tracker for objects that are to be removed by themselves. */
  createResourceTracker(): ResourceTracker {
    this.#hasTrackers = true;
    return new ResourceTracker(this);
  }

  /** Adds an object, which the next look-up links. Errors: UsageError for a tracker of another JITDylib or one that was removed. */
  addObject(reader: ByteReader, options: AddObjectOptions = {}): void {
    this.pending.push(this.#entry(reader, options, false));
  }

  /**
   * Adds an object that is linked when a look-up reaches a symbol that it defines, as a member of an archive would be: by its symbol
   * table alone. Errors: as `addObject`.
   */
  addLazyObject(reader: ByteReader, options: AddObjectOptions = {}): void {
    this.lazy.push(this.#entry(reader, options, true));
    this.#lazyByName = undefined;
  }

  /** Adds a place to look for definitions, behind all others. */
  addGenerator(generator: DefinitionGenerator): void {
    this.generators.push(generator);
  }

  /**
   * Defines `name` as a plain address, whatever it was before; or all of `definitions`. Errors: UsageError for what is no address, LinkError
   * for one of `definitions` that has a definition.
   */
  define(name: string, address: number): void;
  define(definitions: Definitions): void;
  define(what: string | Definitions, address?: number): void {
    if (typeof what === "string") {
      checkAddress(what, address!);
      this.absolutes.set(what, address!);
    } else {
      const known = [...what.names()].filter((name) => this.#isDefinedByHand(name) || this.#isStrong(name));
      if (known.length > 0) {
        const text = known.map((name) => `duplicate symbol: ${name}\n>>> defined in the JITDylib ${this.name}`);
        throw new LinkError("duplicate-symbol", text.join("\n"));
      }
      what.addTo(this);
    }
  }

  /** Makes `alias` another name for `target`, which the next look-up links. */
  alias(alias: string, target: string): void {
    this.aliases.set(alias, target);
  }

  /**
   * Takes names out of the JITDylib: look-ups and code that is linked later do not find them, and they can be defined again. Code
   * and data stay where they are until their tracker is removed. Errors: LinkError, with nothing changed, when one of them is not
   * defined here by now.
   */
  remove(names: Iterable<string>): void {
    const all = [...names];
    const unknown = all.filter((name) => !this.#isDefinedByHand(name) && this.linked.find(name) === undefined);
    if (unknown.length > 0) {
      throw new LinkError("undefined-symbol", `not defined in the JITDylib ${this.name}: ${unknown.join(", ")}`);
    }
    for (const name of all) {
      for (const table of [this.absolutes, this.aliases, this.lazyAliases, this.reexports]) table.delete(name);
      this.linked.hide(name);
    }
  }

  /** Something is defined here by now: linked, or given by hand. */
  get hasDefinitions(): boolean {
    return this.linked.size + this.absolutes.size + this.lazyAliases.size + this.reexports.size > 0;
  }

  /** Address of what is defined here by now: linked, or given by hand. */
  find(name: string): number | undefined {
    return this.findDefinition(name)?.address;
  }

  /** The same, and which job defines it. */
  findDefinition(name: string, depth = 0): FoundDefinition | undefined {
    const byHand = this.absolutes.get(name);
    if (byHand !== undefined) {
      const stubs = this.stubs.get(name);
      return { address: byHand, job: stubs?.definition(name) === byHand ? stubs : undefined };
    }
    if (this.#isOtherName(name)) {
      if (depth > DEEPEST_ALIAS) return undefined;
      const target = this.aliases.get(name) ?? this.lazyAliases.get(name);
      if (target !== undefined) return this.findDefinition(target, depth + 1);
      const { dylib, name: old, address } = this.reexports.get(name)!;
      const found = dylib.findDefinition(old, depth + 1);
      return found ?? (address === undefined ? undefined : { address, job: undefined });
    }
    return this.linked.findDefinition(name);
  }

  /** Whether an archive of it, an object that waits to be reached, or another name could define the name (by indexes and symbol tables). */
  offers(name: string): boolean {
    if (this.#isOtherName(name) || this.lazyObjects(name).length > 0) return true;
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

  /** Takes objects out of those that are still to be linked. */
  drop(isDropped: (object: PendingObject) => boolean): void {
    for (const list of [this.pending, this.lazy]) {
      const rest = list.filter((object) => !isDropped(object));
      list.length = 0;
      // One by one: a call cannot have a hundred thousand arguments.
      for (const object of rest) list.push(object);
    }
    this.#lazyByName = undefined;
  }

  /** Gives back objects of a job that failed: the look-up can be repeated when what it lacked has been added. */
  putBack(objects: readonly PendingObject[]): void {
    const added = this.pending.splice(0);
    for (const object of objects) (object.isLazy ? this.lazy : this.pending).push(object);
    for (const object of added) this.pending.push(object);
    this.#lazyByName = undefined;
  }

  /** The objects waiting to be reached that define a name, in the order in which they were added. */
  lazyObjects(name: string): readonly PendingObject[] {
    if (this.#lazyByName === undefined) {
      this.#lazyByName = new Map();
      for (const object of this.lazy) {
        for (const { name: each, isDefined } of object.symbols()) {
          const known = this.#lazyByName.get(each);
          if (isDefined && known === undefined) this.#lazyByName.set(each, [object]);
          else if (isDefined) known!.push(object);
        }
      }
    }
    return this.#lazyByName.get(name) ?? [];
  }

  /** Adds a JITDylib to look in, behind all others. */
  addToLinkOrder(dylib: JITDylib): void {
    this.linkOrder.push(dylib);
  }

  /** What a look-up links has to be found out before: it may be several jobs, or depend on what is reached. */
  get isPlanned(): boolean {
    return (
      this.#hasTrackers ||
      this.lazy.length + this.lazyAliases.size + this.reexports.size > 0 ||
      this.generators.some(({ kind }) => kind === "callback")
    );
  }

  #entry(reader: ByteReader, { tracker }: AddObjectOptions, isLazy: boolean): PendingObject {
    if (tracker !== undefined && tracker.dylib !== this) {
      throw new UsageError(
        `${reader.name}: its tracker is of the JITDylib ${tracker.dylib.name}, expected ${this.name}`,
      );
    }
    if (tracker?.isRemoved === true) throw new UsageError(`${reader.name}: its tracker has been removed`);
    const own = tracker === this.#defaultTracker ? undefined : tracker;
    let symbols: readonly ObjectSymbol[] | undefined;
    return {
      reader,
      generatorsBefore: this.generators.length,
      tracker: own,
      isLazy,
      symbols: () => {
        symbols ??= objectSymbols(reader);
        return symbols;
      },
    };
  }

  #isOtherName(name: string): boolean {
    return this.aliases.has(name) || this.lazyAliases.has(name) || this.reexports.has(name);
  }

  #isDefinedByHand(name: string): boolean {
    return this.absolutes.has(name) || this.#isOtherName(name);
  }

  #isStrong(name: string): boolean {
    return this.linked.findDefinition(name)?.job.traits(name)?.isOverridable === false;
  }
}
