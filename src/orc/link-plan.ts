// What one look-up links, as several jobs. A job is one block of memory with one image for the loader, and goes as a whole; so objects that are
// to be removed apart, those of different trackers, are linked apart: first those that others refer to. Objects that need each other
// in a circle are one job, and so are those that share a thread-local variable, whose place no other job knows.
//
// Who needs whom is found out by symbol tables alone, before anything is linked: from the names that are looked up and the objects that
// are to be linked in any case, through archives, objects that wait to be reached, and other names, in the order of the generators.

import type { Archive } from "../formats/archive.ts";
import { type ObjectSymbol, objectSymbols } from "../formats/elf/object-symbols.ts";
import type { RuntimeLibraries } from "../inputs/runtime-libraries.ts";
import { isLinkerDefined } from "../link/linker-defined.ts";
import { CLibraries } from "./c-libraries.ts";
import {
  archivesOf,
  type CallbackGenerator,
  type SharedLibraryGenerator,
  type StaticArchiveGenerator,
} from "./definition-generator.ts";
import type { JITDylib, PendingObject } from "./jit-dylib.ts";
import type { ResourceTracker } from "./resource-tracker.ts";
import { componentsOf } from "./strong-components.ts";

/** One job of a plan. */
export interface PlannedJob {
  readonly objects: readonly PendingObject[];
  /** Names that it is to find or to take from archives. */
  readonly names: ReadonlySet<string>;
  /** Other names that it binds. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** What a look-up reaches. */
export interface LinkPlan {
  /** In the order in which they are to be linked. */
  readonly jobs: readonly PlannedJob[];
  /** Names that nothing here defines, in the order of being reached; generators that run code may. */
  readonly open: readonly string[];
  /** Names that stand for those of other JITDylibs and are reached, not linked yet. */
  readonly reexported: readonly string[];
}

/** What is linked together if nothing else forbids it: the objects of a tracker. */
interface Group {
  readonly objects: PendingObject[];
  readonly names: Set<string>;
  readonly aliases: Map<string, string>;
  readonly needs: Set<Group>;
}

/** An object or a member of an archive that is linked. */
interface Unit {
  readonly group: Group;
  readonly symbols: readonly ObjectSymbol[];
}

/** An archive, and whether the process's own C library stands for it. */
interface OfferedArchive {
  readonly archive: Archive;
  readonly isReplaced: boolean;
}

/** How a name is asked for. */
interface Need {
  /** An archive's member, or what waits to be reached, is linked for it. */
  readonly isStrong: boolean;
  /** By hand, so that it is missed if nothing defines it; what is only declared by an object is not. */
  readonly isLookedUp: boolean;
  /** Code of the group is bound to it, so that it cannot be linked later. */
  readonly isBound: boolean;
}

/** The first place behind the objects where a name can be had. */
type Source = { readonly unit: Unit } | "library" | "nowhere";

/** What callbacks have been asked for by this look-up, and are not asked for again. */
export type AskedNames = ReadonlyMap<CallbackGenerator, ReadonlySet<string>>;

/** Plans the look-up of `names` in a JITDylib. Names that a callback comes first for, which was not asked yet, are open. */
export function planLink(
  dylib: JITDylib,
  names: readonly string[],
  runtime: RuntimeLibraries,
  asked: AskedNames,
): LinkPlan {
  return new Planner(dylib, runtime, asked).plan(names);
}

class Planner {
  readonly #dylib: JITDylib;
  readonly #runtime: RuntimeLibraries;
  readonly #asked: AskedNames;
  readonly #groups = new Map<ResourceTracker | undefined, Group>();
  /** Objects that are linked in any case: who defines a name. */
  readonly #strong = new Map<string, Unit>();
  readonly #weak = new Map<string, Unit[]>();
  readonly #sources = new Map<string, Source>();
  readonly #open = new Set<string>();
  readonly #reexported = new Set<string>();
  readonly #reachedLazily = new Set<PendingObject>();
  readonly #linkedMembers = new Map<string, Unit>();
  readonly #threadLocals = new Map<string, Set<Group>>();
  readonly #queue: Unit[] = [];
  #archives: (readonly OfferedArchive[])[] | undefined;

  constructor(dylib: JITDylib, runtime: RuntimeLibraries, asked: AskedNames) {
    this.#dylib = dylib;
    this.#asked = asked;
    this.#runtime = runtime;
  }

  plan(names: readonly string[]): LinkPlan {
    const { pending, aliases } = this.#dylib;
    for (const object of pending) this.#addUnit(this.#group(object.tracker), object.symbols(), object);
    const own = aliases.size > 0 || names.length > 0 ? this.#group(undefined) : undefined;
    if (own !== undefined) {
      for (const alias of aliases.keys()) this.#need(alias, own, { isStrong: true, isLookedUp: true, isBound: true });
      for (const name of names) this.#need(name, own, { isStrong: true, isLookedUp: true, isBound: false });
    }
    // It grows meanwhile.
    for (const unit of this.#queue) this.#follow(unit);
    for (const sharing of this.#threadLocals.values()) {
      for (const one of sharing) for (const other of sharing) if (one !== other) one.needs.add(other);
    }
    return { jobs: this.#jobs(), open: [...this.#open], reexported: [...this.#reexported] };
  }

  #group(tracker: ResourceTracker | undefined): Group {
    let group = this.#groups.get(tracker);
    if (group === undefined) {
      group = { objects: [], names: new Set(), aliases: new Map(), needs: new Set() };
      this.#groups.set(tracker, group);
    }
    return group;
  }

  #addUnit(group: Group, symbols: readonly ObjectSymbol[], object?: PendingObject): Unit {
    const unit = { group, symbols };
    if (object !== undefined) group.objects.push(object);
    for (const { name, isDefined, isWeak } of symbols) {
      if (!isDefined) continue;
      if (!isWeak && !this.#strong.has(name)) this.#strong.set(name, unit);
      const weak = this.#weak.get(name);
      if (isWeak && weak === undefined) this.#weak.set(name, [unit]);
      else if (isWeak) weak!.push(unit);
    }
    this.#queue.push(unit);
    return unit;
  }

  /** What the object needs has to be linked with it or before. */
  #follow({ group, symbols }: Unit): void {
    for (const { name, isDefined, isWeak, isThreadLocal } of symbols) {
      if (isThreadLocal) {
        const sharing = this.#threadLocals.get(name);
        if (sharing === undefined) this.#threadLocals.set(name, new Set([group]));
        else sharing.add(group);
      }
      // A definition that can be overridden gives way to a strong one.
      if (isDefined) {
        if (isWeak) this.#link(group, this.#strong.get(name)?.group);
      } else this.#need(name, group, { isStrong: !isWeak, isLookedUp: false, isBound: true });
    }
  }

  /** Finds out who defines a name; true when that is outside of all that is linked. */
  #need(name: string, group: Group, how: Need, depth = 0): boolean {
    const dylib = this.#dylib;
    if (dylib.find(name) !== undefined) return false;
    const target = dylib.aliases.get(name) ?? dylib.lazyAliases.get(name);
    if (target !== undefined) {
      if (depth > dylib.aliases.size + dylib.lazyAliases.size) return false;
      const isOutside = this.#need(target, group, { ...how, isStrong: true, isLookedUp: true }, depth + 1);
      if (how.isBound || isOutside) group.aliases.set(name, target);
      return isOutside;
    }
    if (dylib.reexports.has(name)) {
      this.#reexported.add(name);
      return false;
    }
    const weak = this.#weak.get(name);
    const unit = this.#strong.get(name) ?? weak?.find((each) => each.group === group) ?? weak?.[0];
    if (unit !== undefined) {
      if (how.isBound) this.#link(group, unit.group);
      return false;
    }
    if (!how.isStrong) return false;
    let source = this.#sources.get(name);
    if (source === undefined) {
      source = this.#find(name);
      this.#sources.set(name, source);
    }
    if (typeof source === "object") {
      // The job that has the member must be told, since no object of it may refer to the name.
      if (how.isBound) this.#link(group, source.unit.group);
      source.unit.group.names.add(name);
      return false;
    }
    if (how.isLookedUp) group.names.add(name);
    if (source === "nowhere" && !isLinkerDefined(name)) this.#open.add(name);
    return true;
  }

  #link(group: Group, other: Group | undefined): void {
    if (other !== undefined && other !== group) group.needs.add(other);
  }

  /** Goes through objects that wait to be reached, archives and libraries, in their order. */
  #find(name: string): Source {
    const { generators } = this.#dylib;
    const lazy = this.#dylib.lazyObjects(name);
    for (let at = 0; at <= generators.length; at++) {
      for (const object of lazy) {
        if (object.generatorsBefore !== at || this.#reachedLazily.has(object)) continue;
        this.#reachedLazily.add(object);
        return { unit: this.#addUnit(this.#group(object.tracker), object.symbols(), object) };
      }
      const generator = generators[at];
      if (generator === undefined) continue;
      if (generator.kind === "callback" && this.#asked.get(generator)?.has(name) !== true) return "nowhere";
      if (generator.kind === "shared-library" && isIn(generator, name)) return "library";
      for (const each of this.#archivesOf(at)) {
        const unit = each.isReplaced ? undefined : this.#memberOf(each.archive, name);
        if (unit !== undefined) return { unit };
        if (each.isReplaced && each.archive.index?.has(name) === true) return "library";
      }
    }
    return "nowhere";
  }

  /** The archives that each generator stands for; those of a C library are left to the job, which has rules for them. */
  #archivesOf(at: number): readonly OfferedArchive[] {
    if (this.#archives === undefined) {
      const rules = new CLibraries();
      const offered = (each: StaticArchiveGenerator): OfferedArchive => ({
        archive: each.archive,
        isReplaced: rules.ruleFor(each, this.#runtime) !== undefined,
      });
      this.#archives = this.#dylib.generators.map((generator) => archivesOf(generator).map(offered));
    }
    return this.#archives[at] ?? [];
  }

  #memberOf(archive: Archive, name: string): Unit | undefined {
    const offset = namesIn(archive).get(name);
    if (offset === undefined) return undefined;
    const member = archive.memberAt(offset);
    const window = member.window();
    let unit = this.#linkedMembers.get(`${offset} ${window.name}`);
    if (unit === undefined) {
      unit = this.#addUnit(this.#group(undefined), objectSymbols(window));
      this.#linkedMembers.set(`${offset} ${window.name}`, unit);
    }
    return unit;
  }

  #jobs(): PlannedJob[] {
    const components = componentsOf([...this.#groups.values()], ({ needs }) => needs);
    const { pending, lazy } = this.#dylib;
    const place = new Map([...pending, ...lazy].map((object, i) => [object, i]));
    const byPlace = (a: PendingObject, b: PendingObject): number =>
      a.generatorsBefore - b.generatorsBefore || place.get(a)! - place.get(b)!;
    const jobs = components.map((groups) => ({
      objects: groups.flatMap(({ objects }) => objects).sort(byPlace),
      names: new Set(groups.flatMap(({ names }) => [...names])),
      aliases: new Map(groups.flatMap(({ aliases }) => [...aliases])),
    }));
    return jobs.filter(({ objects, names }) => objects.length + names.size > 0);
  }
}

function isIn({ library }: SharedLibraryGenerator, name: string): boolean {
  return library.lookup(name)?.isDefaultVersion === true;
}

const namesOfArchives = new WeakMap<Archive, Map<string, number>>();

/** The header of the first member that defines each name. */
function namesIn(archive: Archive): ReadonlyMap<string, number> {
  let names = namesOfArchives.get(archive);
  if (names !== undefined) return names;
  names = new Map();
  const { index } = archive;
  for (let i = 0; i < (index?.count ?? 0); i++) {
    if (!names.has(index!.nameAt(i))) names.set(index!.nameAt(i), index!.memberOffset[i]!);
  }
  namesOfArchives.set(archive, names);
  return names;
}
