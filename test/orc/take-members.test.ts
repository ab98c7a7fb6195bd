import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { Archive } from "../../src/formats/archive.ts";
import { SHT_SYMTAB } from "../../src/formats/elf/constants.ts";
import { SharedLibrary } from "../../src/formats/elf/shared-library.ts";
import { WALK_DONE, WALK_LEFT_VERSIONS, WALK_NO_ROOM, WALK_PAUSE } from "../../src/kernel/record.ts";
import { endThreads, startThreads } from "../../src/kernel/threads.ts";
import { SharedLibraryGenerator, StaticArchiveGenerator } from "../../src/orc/definition-generator.ts";
import { randomNumbers } from "../formats/archive-fixture.ts";
import type { PlainJobOptions } from "../link/plain-job.ts";
import { compile, mustRun } from "../support/compile.ts";
import { freshDirectory } from "../support/workspace.ts";
import { type ArchiveForm, archiveBytes, archiveForms } from "./archive-forms.ts";
import { damageArchive } from "./archive-mutants.ts";
import { type KernelWatch, watchKernel } from "./kernel-watch.ts";
import { isLinked, outcome, withKernel, withoutKernel } from "./outcome.ts";
import { generatorsOf, objectOf, type RandomJob, randomJob } from "./random-archives.ts";

const SEED = Number(process.env.SEED ?? 20_261_129);
const JOBS = Number(process.env.JOBS ?? 40);
const MUTANTS = Number(process.env.MUTANTS ?? 300);

after(() => endThreads());

type Inputs = readonly (string | ByteReader)[];

/** The outcome with the kernel, and what that did. */
async function watched(
  inputs: Inputs,
  options: PlainJobOptions,
  threads = 1,
): Promise<[result: string, watch: KernelWatch]> {
  const watch = watchKernel();
  try {
    return [await withKernel(inputs, options, threads), watch];
  } finally {
    watch.stop();
  }
}

/** Names of the objects that a job consists of. */
const objectsOf = (result: string): string[] => JSON.parse(result).objects;

/** A member that defines some names and refers to others; `symbols`: what the index says. */
const member = (name: string, defines: readonly string[], refersTo: readonly string[] = [], symbols = defines) => ({
  name,
  bytes: objectOf(defines, refersTo),
  symbols,
});

/** Options of a job with one archive. */
const archivesOf = (bytes: Uint8Array, name = "lib.a"): PlainJobOptions => ({
  generators: (place) => [new StaticArchiveGenerator(Archive.read(place(ByteReader.of(bytes, name))))],
});

async function threadIsThere(): Promise<void> {
  const started = startThreads(2)!;
  while (started.idle < 1) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("random archives are linked as the other code links them, on any number of threads, wherever they lie", async () => {
  await threadIsThere();
  const reasons = new Set<number>();
  let linked = 0;
  let taken = 0;
  for (let n = 0; n < JOBS; n++) {
    const { object, archives } = randomJob(SEED + n);
    const options = { generators: generatorsOf(archives) };
    const expected = await withoutKernel([object], options);
    if (isLinked(expected)) linked++;
    const [result, watch] = await watched([object], options);
    assert.equal(result, expected, `seed ${SEED + n}`);
    taken += watch.taken;
    for (const reason of watch.reasons) reasons.add(reason);
    assert.equal(await withKernel([object], options, 2), expected, `seed ${SEED + n}, two threads`);
    assert.equal(await outcome([object], options), expected, `seed ${SEED + n}, out of the kernel's reach`);
  }
  assert.ok(linked > JOBS / 2 && linked < JOBS, `${linked} of ${JOBS} linked`);
  assert.ok(taken > 5 * JOBS, `the kernel took ${taken} members`);
  // All but WALK_PAUSE, which comes of threads that are late.
  assert.equal(reasons.size, WALK_NO_ROOM + 1, [...reasons].join(" "));
  assert.ok(reasons.has(WALK_LEFT_VERSIONS));
});

for (const form of archiveForms) {
  const isTaken = form.startsWith("gnu");
  test(`${form}: ${isTaken ? "the kernel takes all members" : "no member is the kernel's"}`, async () => {
    const { object, archives } = randomJob(SEED, { plain: true, forms: [form], archives: 3, members: 40 });
    const options = { generators: generatorsOf(archives) };
    const expected = await withoutKernel([object], options);
    const [result, watch] = await watched([object], options);
    assert.equal(result, expected);
    const members = objectsOf(expected).length - 1;
    assert.ok(members > 20, `${members} members`);
    // Those that replace a common symbol are left.
    if (isTaken) assert.ok(watch.taken > 0.8 * members, `${watch.taken} of ${members}`);
    else assert.equal(watch.taken, 0);
  });
}

test("tables that are full grow between two members", async () => {
  const { object, archives } = randomJob(SEED, { plain: true, forms: ["gnu"], archives: 4, members: 700 });
  const options = { generators: generatorsOf(archives) };
  const expected = await withoutKernel([object], options);
  const [result, watch] = await watched([object], options);
  assert.equal(result, expected);
  assert.ok(watch.taken > 1024, `${watch.taken} members`);
  assert.ok(watch.reasons.includes(WALK_NO_ROOM));
});

test("the kernel asks now and then for threads that are late, and leaves the rest of the reading to them", async () => {
  await threadIsThere();
  const chain = Array.from({ length: 100 }, (_, i) => member(`${i}.o`, [`n${i}`], i < 99 ? [`n${i + 1}`] : []));
  const archive = archiveBytes(chain, "gnu");
  const inputs = [ByteReader.of(objectOf([], ["n0"]), "main.o")];
  const options = archivesOf(archive);
  const expected = await withoutKernel(inputs, options);
  const started = startThreads(2)!;
  const { callAll } = started;
  let calls = 0;
  started.callAll = (...values) => {
    calls++;
    return callAll.apply(started, values);
  };
  const watch = watchKernel();
  const isLate = (): boolean => !watch.reasons.includes(WALK_PAUSE);
  Object.defineProperty(started, "idle", { configurable: true, get: () => (isLate() ? 0 : 1) });
  try {
    assert.equal(await withKernel(inputs, options, 2), expected);
  } finally {
    Reflect.deleteProperty(started, "idle");
    started.callAll = callAll;
    watch.stop();
  }
  assert.equal(watch.taken, 100);
  const reasons = watch.reasons.filter((reason) => reason !== WALK_NO_ROOM);
  assert.deepEqual(reasons.slice(0, 2), [WALK_PAUSE, WALK_DONE]);
  // Reading, copying and applying.
  assert.equal(calls, 3);
});

test("damaged archives have the same outcome with the kernel as without", async () => {
  const outcomes = new Map<string, number>();
  const forms: readonly ArchiveForm[] = ["gnu", "gnu", "gnu, short names", "gnu, 64-bit index"];
  const random = randomNumbers(SEED);
  let job: RandomJob | undefined;
  let taken = 0;
  let undamaged = 0;
  for (let n = 0; n < MUTANTS; n++) {
    if (n % 20 === 0) job = randomJob(SEED + n, { plain: true, archives: 2, members: 12, forms });
    const { object, archives } = job!;
    const which = n % archives.length;
    const given = n % 20 === 0 ? archives : archives.with(which, damageArchive(archives[which]!, random));
    const options = { generators: generatorsOf(given), room: 1 << 24 };
    const expected = await withoutKernel([object], options);
    const [result, watch] = await watched([object], options);
    assert.equal(result, expected, `mutant ${n} of seed ${SEED}`);
    if (n % 20 === 0) {
      assert.ok(isLinked(expected), expected);
      undamaged += watch.taken;
    }
    taken += watch.taken;
    const kind = isLinked(expected) ? "linked" : expected.startsWith("lib") ? "damaged" : "symbols";
    outcomes.set(kind, 1 + (outcomes.get(kind) ?? 0));
  }
  for (const kind of ["linked", "damaged", "symbols"]) assert.ok(outcomes.get(kind)! > MUTANTS / 50, `${kind}: few`);
  assert.ok(undamaged > MUTANTS / 4, `of undamaged archives the kernel took ${undamaged} members`);
  assert.ok(taken > MUTANTS, `the kernel took ${taken} members`);
});

test("an archive that is given twice gives a member once, though that lacks what the index says", async () => {
  const bytes = archiveBytes([member("liar.o", ["a"], [], ["a", "nowhere"]), member("b.o", ["b"])], "gnu");
  const inputs = [ByteReader.of(objectOf([], ["a", "nowhere", "b"]), "main.o")];
  const options: PlainJobOptions = {
    generators: (place) => {
      const archive = Archive.read(place(ByteReader.of(bytes, "lib.a")));
      return [new StaticArchiveGenerator(archive), new StaticArchiveGenerator(archive)];
    },
  };
  const expected = "undefined symbol: nowhere\n>>> referenced by main.o:(.data.references+0x8)";
  assert.equal(await withoutKernel(inputs, options), expected);
  assert.equal(await withKernel(inputs, options), expected);
});

for (const special of ["/", "//", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "/<ECSYMBOLS>/"]) {
  test(`a member that bears the name of a special one, ${special}, in the table of names is refused`, async () => {
    const bytes = archiveBytes([member(special, ["a"]), member("b.o", ["b"])], "gnu");
    const inputs = [ByteReader.of(objectOf([], ["b", "a"]), "main.o")];
    const expected = await withoutKernel(inputs, archivesOf(bytes));
    assert.match(expected, /^lib\.a: the index refers to 0x[0-9a-f]+, where .* is, expected a member$/);
    assert.equal(await withKernel(inputs, archivesOf(bytes)), expected);
  });
}

test("a shared library before the archive defines first, but not what must be inside", async () => {
  const path = join(freshDirectory(), "libshared.so");
  const source = await compile(["gcc", "-fPIC"], "shared.c", "int a(void) { return 1; } int b(void) { return 2; }");
  await mustRun("gcc", ["-shared", "-nostdlib", "-Wl,-soname,libshared.so", source, "-o", path]);
  const library = new SharedLibraryGenerator(SharedLibrary.read(ByteReader.of(readFileSync(path), path)), path);
  const bytes = archiveBytes([member("a.o", ["a"]), member("b.o", ["b"]), member("c.o", ["c"])], "gnu");
  const objects = async (order: "before" | "behind", inside = false): Promise<[string[], number]> => {
    const inputs = [ByteReader.of(objectOf([], ["a", "c"], inside), "main.o")];
    const options: PlainJobOptions = {
      libraryAddress: 0x6000_0000,
      generators: (place) => {
        const archive = new StaticArchiveGenerator(Archive.read(place(ByteReader.of(bytes, "lib.a"))));
        return order === "before" ? [library, archive] : [archive, library];
      },
    };
    const expected = await withoutKernel(inputs, options);
    const [result, { taken }] = await watched(inputs, options);
    assert.equal(result, expected);
    assert.ok(isLinked(result), result);
    return [objectsOf(result), taken];
  };
  assert.deepEqual(await objects("behind"), [["main.o", "lib.a(a.o)", "lib.a(c.o)"], 2]);
  // What the library has is none of the kernel's business.
  assert.deepEqual(await objects("before"), [["main.o", "lib.a(c.o)"], 0]);
  assert.deepEqual(await objects("before", true), [["main.o", "lib.a(a.o)", "lib.a(c.o)"], 0]);
});

test("a version that was asked for by hand is found in what the kernel reads", async () => {
  const inputs = [ByteReader.of(objectOf(["f@@V1"], []), "f.o"), ByteReader.of(objectOf([], ["f"]), "main.o")];
  const expected = await withoutKernel(inputs, { names: ["f@@V1"] });
  assert.equal(await withKernel(inputs, { names: ["f@@V1"] }), expected);
});

test("a member that is larger than the rest of the archive is refused", async () => {
  // The first one is looked at when the archive is opened.
  const bytes = archiveBytes([member("first.o", ["first"]), member("a.o", ["a"])], "gnu");
  const { length } = member("a.o", ["a"]).bytes;
  const header = bytes.length - length - 60;
  bytes.write(`${length + 2}`.padEnd(10), header + 48, "latin1");
  const inputs = [ByteReader.of(objectOf([], ["a"]), "main.o")];
  const expected = await withoutKernel(inputs, archivesOf(bytes));
  assert.match(expected, /^lib\.a\(a\.o\): member size .* is beyond the archive's end/);
  assert.equal(await withKernel(inputs, archivesOf(bytes)), expected);
});

test("names that share their bytes need more room than the file has for them", async () => {
  const names = Array.from({ length: 300 }, (_, i) => `s${i}`);
  const file = objectOf([...names, "x".repeat(20_000)], []);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = Number(view.getBigUint64(40, true)); at < file.length; at += 64) {
    if (view.getUint32(at + 4, true) !== SHT_SYMTAB) continue;
    const table = Number(view.getBigUint64(at + 24, true));
    const longest = view.getUint32(table + 24 * 301, true);
    // Each symbol's name is an end of the longest one.
    for (let i = 1; i <= 300; i++) view.setUint32(table + 24 * i, longest + 60 * i, true);
  }
  const wanted = "x".repeat(20_000);
  const archive = archiveBytes([{ name: "long.o", bytes: file, symbols: [wanted] }, member("b.o", ["b"])], "gnu");
  const inputs = [ByteReader.of(objectOf([], [wanted, "b"]), "main.o")];
  const expected = await withoutKernel(inputs, archivesOf(archive));
  assert.ok(isLinked(expected), expected);
  const [result, watch] = await watched(inputs, archivesOf(archive));
  assert.equal(result, expected);
  // The other one is left.
  assert.equal(watch.taken, 1);
});
