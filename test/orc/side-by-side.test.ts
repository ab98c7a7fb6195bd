import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Flags, ObjectWriter } from "../../bench/scale/object-writer.ts";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { FileArena } from "../../src/host/arena.ts";
import { linearMemory } from "../../src/host/linear-memory.ts";
import { kernel } from "../../src/kernel/kernel.ts";
import { endThreads, startThreads } from "../../src/kernel/threads.ts";
import { JobsInFlight } from "../../src/orc/jobs-in-flight.ts";
import type { PlainJobOptions } from "../link/plain-job.ts";
import { isLinked, outcome, withoutKernel } from "./outcome.ts";
import { type GivenArchive, generatorsOf, objectOf, randomJob } from "./random-archives.ts";

const SEED = Number(process.env.SEED ?? 20_261_129);
const MIB = 2 ** 20;
const R_X86_64_8 = 14;

after(() => endThreads());

/** So many threads, this one included, have the loops of jobs; `shared`: and share the work on each job, as those of a large one do. */
interface Threads {
  readonly threads: number;
  readonly shared: boolean;
}

const ways: readonly Threads[] = [
  { threads: 2, shared: false },
  { threads: 3, shared: false },
  { threads: 2, shared: true },
  { threads: 3, shared: true },
];

/** A job and what becomes of it alone, by TypeScript. */
interface Job {
  readonly inputs: readonly ByteReader[];
  readonly options: PlainJobOptions;
  readonly alone: string;
}

async function jobOf(inputs: readonly ByteReader[], archives: readonly GivenArchive[], at: number): Promise<Job> {
  const options = { generators: generatorsOf(archives), base: 0x5000_0000 + 0x100_0000 * at };
  return { inputs, options, alone: await withoutKernel(inputs, options) };
}

/** Jobs of a hundred members or so. */
function goodJobs(count: number): Promise<Job[]> {
  return Promise.all(
    Array.from({ length: count }, (_, i) => {
      const { object, archives } = randomJob(SEED + i, { plain: true, forms: ["gnu"], archives: 3, members: 60 });
      return jobOf([object], archives, i);
    }),
  );
}

/** Links all at once; gives what became of each, and the loops that threads were given meanwhile. */
async function linkAtOnce(
  jobs: readonly Job[],
  { threads, shared }: Threads,
  arena: FileArena,
): Promise<{ results: string[]; calls: string[] }> {
  const started = startThreads(threads)!;
  while (started.idle < threads - 1) await new Promise((resolve) => setTimeout(resolve, 5));
  const calls: string[] = [];
  const nameOf = new Map(Object.entries(kernel()!).map(([name, run]) => [run, name]));
  const { call } = started;
  started.call = (run, values) => {
    const made = call.call(started, run, values);
    if (made !== undefined) calls.push(nameOf.get(run)!);
    return made;
  };
  const inFlight = new JobsInFlight();
  inFlight.threads = started;
  const common = { arena, threads: shared ? threads : 1, inFlight };
  try {
    const results = await Promise.all(jobs.map(({ inputs, options }) => outcome(inputs, { ...options, ...common })));
    assert.equal(inFlight.count, 0);
    return { results, calls };
  } finally {
    started.call = call;
  }
}

/** Where so many bytes of tables, and of working memory, would go: as low as before when nothing is left behind. */
function freePlaces(): number[] {
  const linear = linearMemory()!;
  return (["tables", "work"] as const).map((region) => {
    const position = linear.take(region, 64 * MIB)!;
    linear.give(region, position, 64 * MIB);
    return position;
  });
}

for (const way of ways) {
  const title = `on ${way.threads} threads${way.shared ? " that share each" : ""}`;

  test(`jobs at once, ${title}, are what they are alone`, async () => {
    using arena = new FileArena();
    const jobs = await goodJobs(6);
    const { results, calls } = await linkAtOnce(jobs, way, arena);
    results.forEach((result, i) => {
      assert.ok(isLinked(result), result);
      assert.equal(result, jobs[i]!.alone, `job ${i}`);
    });
    const given = new Set(calls);
    const loops = ["offerIndex", "takeMembers", "copySections", "applyRelocations", "writeEhFrameTable"];
    if (way.shared) assert.ok(given.has("offerIndex"), [...given].join(" "));
    else assert.deepEqual([...given].sort(), loops.sort());
    await endThreads();
  });

  test(`jobs that fail beside others, ${title}, leave those right and nothing behind`, async () => {
    using arena = new FileArena();
    const good = await goodJobs(4);
    const { archives } = randomJob(SEED, { plain: true, forms: ["gnu"], archives: 3, members: 60 });
    const used = JSON.parse(good[0]!.alone).objects as string[];
    const missing = [ByteReader.of(objectOf([], ["nowhere"]), "missing.o"), ...good[0]!.inputs];
    const jobs = [
      good[0]!,
      await jobOf(missing, archives, 4),
      good[1]!,
      await jobOf(good[0]!.inputs, damageMember(archives, used.at(-1)!), 5),
      good[2]!,
      await jobOf([...good[0]!.inputs, ByteReader.of(farReference(), "far.o")], archives, 6),
      good[3]!,
    ];
    assert.match(jobs[1]!.alone, /^undefined symbol: nowhere\n>>> referenced by missing.o/);
    assert.match(jobs[3]!.alone, /^lib\d\.a\(.*\): symbol/);
    assert.match(jobs[5]!.alone, /^far\.o:\(\.data\+0x0\): R_X86_64_8 out of range/);
    // What is there for good, as threads are.
    await linkAtOnce(jobs, way, arena);
    const before = freePlaces();
    const { results, calls } = await linkAtOnce(jobs, way, arena);
    assert.deepEqual(
      results,
      jobs.map(({ alone }) => alone),
    );
    assert.ok(calls.length > 4, calls.join(" "));
    assert.deepEqual(freePlaces(), before);
    await endThreads();
  });
}

/** An object with an address in one byte: the job fails when it has got its memory. */
function farReference(): Uint8Array {
  const object = new ObjectWriter();
  const data = object.section(".data", new Uint8Array(1), { flags: Flags.data });
  object.relocate(data, 0, R_X86_64_8, object.symbol("far", { section: data, size: 1 }));
  return object.bytes();
}

/** The archives with a symbol of a member, `lib.a(member.o)`, in a section that is not there. */
function damageMember(archives: readonly GivenArchive[], name: string): GivenArchive[] {
  return archives.map((archive) => {
    const member = archive.members.find((each) => `${archive.name}(${each.name})` === name);
    if (member === undefined) return archive;
    const bytes = Buffer.from(archive.bytes);
    const start = bytes.indexOf(member.bytes);
    const file = bytes.subarray(start, start + member.bytes.length);
    for (let at = Number(file.readBigUInt64LE(40)); at < file.length; at += 64) {
      if (file.readUInt32LE(at + 4) === 2) file.writeUInt16LE(0xfeff, Number(file.readBigUInt64LE(at + 24)) + 24 + 6);
    }
    return { ...archive, bytes };
  });
}
