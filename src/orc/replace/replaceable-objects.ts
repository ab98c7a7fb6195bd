import { STUB_SIZE } from "../../arch/x86_64-stub.ts";
import { ByteReader } from "../../bytes/byte-reader.ts";
import { UsageError } from "../../errors.ts";
import { writePaddingObject } from "../../formats/elf/padding-object.ts";
import { SLOT_SIZE } from "../../formats/elf/stub-object.ts";
import { SymbolStringPool } from "../../graph/symbol-string-pool.ts";
import { SymbolPlace } from "../../graph/symbol-table.ts";
import { milliseconds } from "../../host/clock.ts";
import { Columns } from "../../kernel/columns.ts";
import { ExternalKind } from "../../link/externals.ts";
import { nextTask } from "../../memory/slab-memory-manager.ts";
import type { ExecutionSession } from "../execution-session.ts";
import type { JITDylib } from "../jit-dylib.ts";
import type { LinkedJob } from "../linked-job.ts";
import { writeWords } from "../write-words.ts";
import type { KnownProgram, KnownStub, Storage } from "./known-program.ts";
import { makeVersion, type ObjectVersion } from "./make-version.ts";
import { type LinkedVersion, OldVersions } from "./old-versions.ts";

/** What a replacement has done. */
export interface Replacement {
  /** Name of the object. */
  readonly object: string;
  /** Its version: 1 was linked first. */
  readonly version: number;
  /** Functions that calls from now on find in the new version; those that only the object knows as `object:name`. */
  readonly replaced: readonly string[];
  /** Functions that there were not before. */
  readonly added: readonly string[];
  /** Functions that the new version lacks: their callers go on with the old ones. */
  readonly gone: readonly string[];
  /** Variables that are where they were, with their values. */
  readonly kept: readonly string[];
  /** A sentence each about what is not as in the source. */
  readonly warnings: readonly string[];
  /** From the object's bytes to the swap. */
  readonly milliseconds: number;
}

/** Linked first with every later version. */
const PADDING = ByteReader.of(writePaddingObject(), "padding");

/** Puts an object that was made in memory where the kernel reads it. */
export type Place = (bytes: Uint8Array, name: string) => ByteReader;

/** The objects of a JITDylib that can be replaced. */
export class ReplaceableObjects {
  readonly #session: ExecutionSession;
  readonly #dylib: JITDylib;
  readonly #place: Place;
  /** Added, and not known to be linked: the reader of the object that is linked for it. */
  readonly #added = new Map<ByteReader, ObjectVersion>();
  /** The version that is in use, by the object's name. */
  readonly #current = new Map<string, LinkedVersion>();
  readonly #pool = new SymbolStringPool(new Columns(null));
  readonly #stubs = new Map<string, KnownStub>();
  readonly #variables = new Map<string, Storage>();
  readonly #localVariables = new Map<string, Map<string, Storage>>();
  readonly #old: OldVersions;
  #version = 1;
  #replacing: Promise<unknown> = Promise.resolve();

  constructor(session: ExecutionSession, dylib: JITDylib, place: Place = ByteReader.of) {
    this.#session = session;
    this.#dylib = dylib;
    this.#place = place;
    this.#old = new OldVersions(session);
  }

  /** Names of the objects that have been added. */
  get names(): readonly string[] {
    return [...this.#current.keys(), ...Array.from(this.#added.values(), ({ name }) => name)];
  }

  /** Adds an object, which the next look-up links. Errors: ObjectFormatError; UsageError when there is one of the same name. */
  add(reader: ByteReader): void {
    const { name } = reader;
    if (this.names.includes(name)) throw new UsageError(`there is a replaceable object called ${name} already`);
    this.#addVersion(makeVersion(reader, this.#known(), 1, this.#pool));
  }

  /**
   * Links a new version of the object that has the reader's name, with further objects that it needs, and has calls from now on go there. One at
   * a time. Errors: UsageError when there is no such object or it has not been linked; ObjectFormatError, LinkError and its kin: everything is as before then.
   */
  replace(reader: ByteReader, beside: readonly ByteReader[] = []): Promise<Replacement> {
    const done = this.#replacing.then(() => this.#replace(reader, beside));
    this.#replacing = done.then((job) => this.#tidy(job)).catch(() => {});
    return done.then(({ replacement }) => replacement);
  }

  /**
   * Takes versions out of the executor that have been replaced and that nothing refers to any more, as it does by itself when there are many;
   * gives how many. `unchecked`: all that have been replaced, for who knows that no call is in them and nobody keeps a pointer into them; in
   * this process, and where ptrace(2) is not allowed, there is no other way. See docs/replacement.md.
   */
  collect(options: { readonly unchecked?: boolean } = {}): Promise<number> {
    const done = this.#replacing.then(() => this.#old.collect(options.unchecked));
    this.#replacing = done.catch(() => {});
    return done;
  }

  async #replace(
    reader: ByteReader,
    beside: readonly ByteReader[],
  ): Promise<{ readonly replacement: Replacement; readonly job: LinkedJob }> {
    const started = milliseconds();
    this.#findLinked(this.#jobs());
    const before = this.#current.get(reader.name);
    if (before === undefined) {
      const isAdded = this.names.includes(reader.name);
      const what = isAdded ? "has not been linked yet" : "is none of the replaceable objects";
      throw new UsageError(`${reader.name} ${what}`);
    }
    const version = makeVersion(reader, this.#known(), this.#version + 1, this.#pool);
    const added = [...this.#addVersion(version), ...beside];
    for (const each of beside) this.#dylib.addObject(each);
    let job: LinkedJob;
    try {
      job = await this.#session.link(this.#dylib, [], { redefines: true });
    } catch (error) {
      for (const each of added) this.#added.delete(each);
      const { pending } = this.#dylib;
      const rest = pending.splice(0).filter((object) => !added.includes(object.reader));
      pending.push(...rest);
      throw error;
    }
    this.#version++;
    const replaced = version.functions.filter(({ stub }) => this.#stubs.has(stub));
    this.#findLinked([job]);
    const words = replaced.map(({ stub, symbol }) => ({
      address: this.#stubs.get(stub)!.slot,
      value: job.definition(symbol)!,
    }));
    await writeWords(this.#session, words);
    this.#old.add(before);
    const names = new Set(version.functions.map(({ stub }) => stub));
    const replacement = {
      object: reader.name,
      version: version.version,
      replaced: replaced.map(({ stub }) => stub),
      added: version.newStubs,
      gone: before.version.functions.map(({ stub }) => stub).filter((name) => !names.has(name)),
      kept: version.variables.filter(({ storage }) => storage !== undefined).map(({ symbol }) => symbol.name),
      warnings: [...version.warnings, ...initializerWarning(version)],
      milliseconds: milliseconds() - started,
    };
    return { replacement, job };
  }

  /** What the swap need not wait for, nor who has asked for it. */
  async #tidy({ job }: { readonly job: LinkedJob }): Promise<void> {
    await nextTask();
    if (this.#session.hasEnded) return;
    job.settle(true);
    await this.#old.collectIfMany();
  }

  #addVersion(version: ObjectVersion): ByteReader[] {
    // The place is for what a program begins with; later versions come and go.
    const place = version.version === 1 ? this.#place : ByteReader.of;
    const readers = [place(version.bytes, version.name)];
    if (version.version > 1) this.#dylib.addObject(PADDING);
    if (version.stubs !== undefined) readers.push(place(version.stubs, version.name));
    for (const reader of readers) this.#dylib.addObject(reader);
    this.#added.set(readers[0]!, version);
    return [...readers, PADDING];
  }

  /** Looks up where versions have been linked that were added: in which of the jobs. */
  #findLinked(jobs: Iterable<LinkedJob>): void {
    if (this.#added.size === 0) return;
    for (const job of jobs) {
      for (const graph of job.tables.graphs) {
        const version = graph.hasReader ? this.#added.get(graph.reader) : undefined;
        if (version === undefined) continue;
        this.#added.delete(graph.reader);
        this.#note(version, job, graph.firstSection);
      }
    }
  }

  #note(version: ObjectVersion, job: LinkedJob, firstSection: number): void {
    const { name, variables, stubNames, newStubs, sectionSizes } = version;
    this.#current.set(name, { version, job });
    const start = job.definition(stubNames.stubs);
    const slots = job.definition(stubNames.slots);
    newStubs.forEach((stub, i) => {
      // Of several definitions of a name, as inline functions have, one has won.
      if (job.definition(stub) === start! + STUB_SIZE * i) this.#stubs.set(stub, { slot: slots! + SLOT_SIZE * i });
    });
    const { address } = job.tables.sections;
    const local = new Map<string, Storage>();
    this.#localVariables.set(name, local);
    for (const { key, symbol, storage } of variables) {
      if (key === "") continue;
      const start = symbol.section >= 0 ? address[firstSection + symbol.section]! : 0;
      const isCommon = symbol.section === SymbolPlace.common;
      const place = symbol.isLocal ? start + symbol.value : job.definition(symbol.name)!;
      const size = isCommon ? symbol.size : sectionSizes[symbol.section]!;
      const made = storage ?? { address: place, size: symbol.size, sectionEnd: isCommon ? place + size : start + size };
      if (symbol.isLocal) local.set(key, made);
      else if (storage === undefined && (!this.#variables.has(key) || version.version > 1))
        this.#variables.set(key, made);
    }
  }

  #jobs(): Iterable<LinkedJob> {
    return this.#dylib.linked.jobs() as Iterable<LinkedJob>;
  }

  #known(): KnownProgram {
    return {
      stubs: this.#stubs,
      variables: this.#variables,
      localVariables: this.#localVariables,
      defines: (name) => this.#dylib.find(name) !== undefined,
      copyOf: (name) => {
        for (const job of this.#jobs()) {
          const id = job.tables.pool.findString(name);
          const address = job.externals.address[id];
          if (address === undefined || Number.isNaN(address) || job.externals.kind[id] !== ExternalKind.data) continue;
          if (address >= job.alloc.address && address < job.alloc.address + job.alloc.size) return address;
        }
        return undefined;
      },
    };
  }
}

function initializerWarning({ name, hasInitializers, variables }: ObjectVersion): string[] {
  const fresh = variables.filter(({ storage }) => storage === undefined).map(({ symbol }) => symbol.name);
  if (!hasInitializers || fresh.length === 0) return [];
  return [`${name}: its initializers are not run again; what they would set is zero in ${fresh.join(", ")}`];
}
