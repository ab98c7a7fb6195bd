// Jobs of archives that need each other in every way that there is, made from a seed.

import { Flags, ObjectWriter } from "../../bench/scale/object-writer.ts";
import { R_X86_64_64, R_X86_64_TPOFF64 } from "../../src/arch/x86_64.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { Archive } from "../../src/formats/archive.ts";
import {
  SHF_TLS,
  STB_GLOBAL,
  STB_GNU_UNIQUE,
  STB_WEAK,
  STT_FUNC,
  STT_OBJECT,
  STT_TLS,
} from "../../src/formats/elf/constants.ts";
import { StaticArchiveGenerator } from "../../src/orc/definition-generator.ts";
import { randomNumbers } from "../formats/archive-fixture.ts";
import type { PlainJobOptions } from "../link/plain-job.ts";
import { type ArchiveForm, archiveBytes, archiveForms, type Member } from "./archive-forms.ts";

const STV_HIDDEN = 2;

/** An archive as it is given to a job. */
export interface GivenArchive {
  readonly name: string;
  readonly form: ArchiveForm;
  readonly bytes: Uint8Array;
  readonly members: readonly Member[];
  readonly group: number;
  readonly whole: boolean;
}

/** A job: its object and, in their order, its archives. */
export interface RandomJob {
  readonly object: ByteReader;
  readonly archives: readonly GivenArchive[];
}

/** A name, what it is, and who defines it. */
interface Name {
  readonly text: string;
  readonly kind: "function" | "data" | "thread-local" | "comdat" | "unique" | "weak";
  /** By which it is defined as its default version. */
  readonly version: string | undefined;
}

/** What a random job has of the rare things. */
export interface RandomJobOptions {
  readonly forms?: readonly ArchiveForm[];
  readonly archives?: number;
  readonly members?: number;
  /** Only what links. */
  readonly plain?: boolean;
}

/** The job of a seed. */
export function randomJob(seed: number, options: RandomJobOptions = {}): RandomJob {
  const random = randomNumbers(seed);
  for (let i = 0; i < 8; i++) random();
  const oneIn = (n: number): boolean => random() % n === 0;
  const pick = <T>(from: readonly T[]): T => from[random() % from.length]!;
  const plain = options.plain === true;
  const forms = options.forms ?? archiveForms;
  const archiveCount = options.archives ?? 2 + (random() % 4);
  const memberCount = options.members ?? 4 + (random() % 40);
  // References to versions with, and without, a definition that has one.
  const hasVersions = !plain && oneIn(3);
  const names = makeNames(archiveCount * memberCount, random, hasVersions && oneIn(2));

  const archives: GivenArchive[] = [];
  let home = 0;
  let group = 0;
  const mayRepeat = !plain && oneIn(6);
  const mayLack = !plain && oneIn(8);
  const mayLie = !plain && oneIn(3);
  for (let a = 0; a < archiveCount; a++) {
    const members: Member[] = [];
    for (let m = 0; m < memberCount; m++) {
      const object = new RandomObject(random);
      const listed: string[] = [];
      // Each name has one member that is its home, now and then another one.
      const own = [names[home++]!, ...(mayRepeat && oneIn(20) ? [pick(names)] : [])];
      for (const name of own) listed.push(...object.define(name, "strong"));
      for (let n = random() % 3; n > 0; n--) listed.push(...object.define(pick(names), pick(["weak", "common"])));
      // Many more symbols than usual make the tables grow.
      if (oneIn(30)) for (let i = 0; i < 100; i++) listed.push(...object.define(privateName(a, m, i), "strong"));
      for (let n = 1 + (random() % 3); n > 0; n--) object.refer(pick(names));
      if (hasVersions && oneIn(8)) object.refer({ text: `f${random() % 9}@V9`, kind: "weak", version: undefined });
      if (mayLack && oneIn(10)) object.refer({ ...privateName(a, m, 0), text: `missing${random() % 3}` });
      // What the index says is not what the member defines.
      if (mayLie && oneIn(8)) listed.push(pick(names).text);
      if (mayLie && oneIn(30)) listed.shift();
      if (!plain && oneIn(15)) object.beUnusual();
      const long = oneIn(4) ? "_of_an_archive".repeat(1 + (random() % 9)) : "";
      members.push({ name: `m${a}_${m}${long}.o`, bytes: object.bytes(), symbols: shuffled(listed, random) });
    }
    const form = pick(forms);
    if (oneIn(2)) group++;
    archives.push({
      name: `lib${a}.a`,
      form,
      bytes: archiveBytes(members, form),
      members,
      group: oneIn(3) ? 0 : group,
      whole: !plain && oneIn(12),
    });
  }
  const main = new RandomObject(random);
  main.define({ text: "main", kind: "function", version: undefined }, "strong");
  for (let n = 2 + (random() % 6); n > 0; n--) main.refer(pick(names));
  // The same archive once more, behind the others.
  const again = !plain && oneIn(3) ? [{ ...pick(archives), group: 0 }] : [];
  return { object: ByteReader.of(main.bytes(), "main.o"), archives: [...archives, ...again] };
}

/** As options of a plain job, wherever its files are placed. */
export function generatorsOf(archives: readonly GivenArchive[]): PlainJobOptions["generators"] {
  return (place) => {
    const read = new Map<Uint8Array, Archive>();
    return archives.map(({ name, bytes, members, group, whole }) => {
      let archive = read.get(bytes);
      if (archive === undefined) {
        const files = new Map<string, ByteReader>();
        const open = (path: string): ByteReader => {
          const member = members.find((each) => each.name === path)!;
          const file = files.get(path) ?? place(ByteReader.of(member.bytes, path));
          files.set(path, file);
          return file;
        };
        archive = Archive.read(place(ByteReader.of(bytes, name)), open);
        read.set(bytes, archive);
      }
      return new StaticArchiveGenerator(archive, { group, whole });
    });
  };
}

function makeNames(count: number, random: () => number, hasVersions: boolean): Name[] {
  const kinds = ["function", "function", "data", "data", "thread-local", "comdat", "unique"] as const;
  return Array.from({ length: count }, (_, i) => {
    const kind = kinds[random() % kinds.length]!;
    // Of all lengths around the sixteen bytes that are hashed at once.
    const text = `${kind[0]}${i}${"_name".repeat(random() % 9)}`;
    const isVersioned = hasVersions && kind === "function" && random() % 4 === 0;
    return { text, kind, version: isVersioned ? "V1" : undefined };
  });
}

function privateName(archive: number, member: number, i: number): Name {
  return { text: `private_${archive}_${member}_${i}`, kind: "data", version: undefined };
}

/** An object whose names are each defined or referred to once. */
class RandomObject {
  readonly #writer = new ObjectWriter();
  readonly #random: () => number;
  readonly #known = new Set<string>();
  readonly #hidden: number[] = [];
  readonly #references: { readonly symbol: number; readonly type: number }[] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Defines a name in one of its ways; gives the names for the index. */
  define({ text, kind, version }: Name, strength: "strong" | "weak" | "common"): string[] {
    const writer = this.#writer;
    if (this.#known.has(text)) return [];
    this.#known.add(text);
    const versioned = version === undefined || strength !== "strong" ? text : `${text}@@${version}`;
    if (strength === "common" && kind === "data") {
      writer.common(text, 8 << (this.#random() % 4), 8, STT_OBJECT);
      return [text];
    }
    const flags = { function: Flags.code, "thread-local": Flags.data | SHF_TLS }[kind as string] ?? Flags.data;
    const prefix = { function: ".text", "thread-local": ".tdata" }[kind as string] ?? ".data";
    const section = writer.section(`${prefix}.${text}`, this.#contents(), { flags, alignment: 8 });
    const type = { function: STT_FUNC, "thread-local": STT_TLS }[kind as string] ?? STT_OBJECT;
    const binding = kind === "unique" ? STB_GNU_UNIQUE : strength === "strong" ? STB_GLOBAL : STB_WEAK;
    const symbol = writer.symbol(versioned, { section, size: 8, type, binding });
    if (kind === "comdat") writer.comdat(symbol, [section]);
    if (this.#random() % 12 === 0) this.#hidden.push(symbol);
    return [versioned];
  }

  /** Refers to a name from data. */
  refer({ text, kind, version }: Name): void {
    if (this.#known.has(text)) return;
    this.#known.add(text);
    // Nobody is taken for a weak reference; to a thread-local that may be nowhere there is no distance.
    const isWeak = kind === "weak" || (kind !== "thread-local" && this.#random() % 5 === 0);
    const type = kind === "thread-local" ? STT_TLS : 0;
    const versioned = version !== undefined && this.#random() % 2 === 0 ? `${text}@${version}` : text;
    const symbol = this.#writer.symbol(versioned, { type, binding: isWeak ? STB_WEAK : STB_GLOBAL });
    if (this.#random() % 16 === 0) this.#hidden.push(symbol);
    this.#references.push({ symbol, type: type === STT_TLS ? R_X86_64_TPOFF64 : R_X86_64_64 });
  }

  /** Has something that the kernel leaves to others. */
  beUnusual(): void {
    const writer = this.#writer;
    if (this.#random() % 2 === 0) writer.section(".init", this.#contents(), { flags: Flags.code, alignment: 4 });
    else writer.section(".gnu.linkonce.d.x", this.#contents(), { flags: Flags.data });
  }

  bytes(): Uint8Array {
    const words = new Uint8Array(8 * this.#references.length);
    const data = this.#writer.section(".data.references", words, { flags: Flags.data, alignment: 8 });
    this.#references.forEach(({ symbol, type }, i) => {
      this.#writer.relocate(data, 8 * i, type, symbol);
    });
    const bytes = this.#writer.bytes();
    hide(bytes, this.#hidden);
    return bytes;
  }

  #contents(): Uint8Array {
    return new Uint8Array(Uint32Array.of(this.#random(), this.#random()).buffer);
  }
}

/** Makes symbols of an object hidden (gABI 4, st_other). */
function hide(object: Uint8Array, symbols: readonly number[]): void {
  const view = new DataView(object.buffer, object.byteOffset, object.byteLength);
  for (let at = Number(view.getBigUint64(40, true)); at < object.length; at += 64) {
    if (view.getUint32(at + 4, true) !== 2) continue;
    const table = Number(view.getBigUint64(at + 24, true));
    for (const symbol of symbols) view.setUint8(table + 24 * symbol + 5, STV_HIDDEN);
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const left = [...items];
  const out: T[] = [];
  while (left.length > 0) out.push(...left.splice(random() % left.length, 1));
  return out;
}

/** An object that defines some names, as data, and refers to others, whose definition has to be `inside` the job or not. */
export function objectOf(defines: readonly string[], refersTo: readonly string[], inside = false): Uint8Array {
  const object = new ObjectWriter();
  const options = { flags: Flags.data, alignment: 8 };
  const data = object.section(".data", new Uint8Array(8 * defines.length), options);
  defines.forEach((name, i) => {
    object.symbol(name, { section: data, value: 8 * i, size: 8, type: STT_OBJECT });
  });
  const references = object.section(".data.references", new Uint8Array(8 * refersTo.length), options);
  const symbols = refersTo.map((name) => object.symbol(name));
  symbols.forEach((symbol, i) => {
    object.relocate(references, 8 * i, R_X86_64_64, symbol);
  });
  const bytes = object.bytes();
  if (inside) hide(bytes, symbols);
  return bytes;
}
