import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compileImage } from "../executor/image-file.ts";
import { encodeFrame, M, OURS } from "../executor/protocol.ts";
import { sps } from "../executor/sps.ts";
import { Random } from "../support/mutate.ts";
import { freshDirectory } from "../support/workspace.ts";
import { type End, ExecutorUnderTest } from "./executor-under-test.ts";
import { FieldWriter } from "./field-writer.ts";
import { Hazards } from "./hazards.ts";
import { mutatePayload, pick } from "./mutate-payload.ts";
import { type Request, someRequest } from "./requests.ts";
import { type Image, type Range, STABLE, STABLE_SIZE, stableCode, stableData, World } from "./world.ts";

export interface FuzzOptions {
  /** The executor's program, built with sanitizers. */
  path: string;
  seed: number;
  /** How many mutated frames to send. */
  frames: number;
  /** Told about progress now and then. */
  progress?(report: FuzzReport): void;
}

export interface FuzzReport {
  mutated: number;
  /** Frames as they should be, in between. */
  valid: number;
  /** Mutations that were made again, since they asked for harm by a way that executors have for it. */
  hazards: number;
  sessions: number;
  /** Of these, how many were ended by a broken stream. */
  broken: number;
  /** Resident memory of the largest executor at a session's end, in MiB. */
  resident: number;
}

const FRAMES_A_SESSION = 1500;
const BATCH = 50;
const IMAGE_START = 0x5800_0000;
const SLAB_SIZE = 64 * 4096;
/** More than an executor needs, with a sanitizer's shadow and quarantine, after any number of bad requests. */
const RESIDENT_MAX = 1024;

/** What sanitizers begin their reports with. */
const REPORT = /ERROR: \w*Sanitizer|runtime error:|SUMMARY: /;

/**
 * Sends mutated requests until there were `frames` of them. An Error says which seed shows what: a signal, a sanitizer's report,
 * a call without its one result, an end without sentence, Hangup and status 1, memory that grows, or an executor that does not
 * work any more.
 */
export async function fuzzExecutor(options: FuzzOptions): Promise<FuzzReport> {
  const report: FuzzReport = { mutated: 0, valid: 0, hazards: 0, sessions: 0, broken: 0, resident: 0 };
  const image = await compileImage("int counter; int count(void) { return ++counter; }", IMAGE_START);
  const backing = join(freshDirectory(), "slab");
  writeFileSync(backing, "");
  const fd = openSync(backing, "r+");
  try {
    ftruncateSync(fd, SLAB_SIZE);
    for (let session = options.seed; report.mutated < options.frames; session++) {
      const fuzz = new Session(options, session, { backing, fd, image }, report);
      try {
        await fuzz.run(Math.min(FRAMES_A_SESSION, options.frames - report.mutated));
      } catch (error) {
        throw new Error(
          `--seed ${session} --frames ${FRAMES_A_SESSION}: ${(error as Error).message}${fuzz.evidence()}`,
        );
      }
      report.sessions++;
      options.progress?.(report);
    }
  } finally {
    closeSync(fd);
  }
  return report;
}

/** What sessions have in common. */
interface Files {
  /** By path and descriptor. */
  backing: string;
  fd: number;
  image: Image;
}

/** One executor's life. */
class Session {
  readonly #random: Random;
  readonly #executor: ExecutorUnderTest;
  readonly #backing: string;
  readonly #image: Image;
  readonly #report: FuzzReport;
  readonly #history: string[] = [];
  #world!: World;
  #hazards!: Hazards;
  #sequence = 8;

  constructor({ path }: FuzzOptions, seed: number, { backing, fd, image }: Files, report: FuzzReport) {
    this.#random = new Random(seed * 2654435761);
    this.#backing = backing;
    this.#image = image;
    this.#report = report;
    const env = {
      ASAN_OPTIONS: "quarantine_size_mb=8:allocator_may_return_null=1:abort_on_error=1",
      UBSAN_OPTIONS: "print_stacktrace=1",
    };
    const words = ["slab=4", ...(this.#random.below(4) === 0 ? ["trace"] : [])];
    this.#executor = new ExecutorUnderTest(path, env, [fd], words);
  }

  async run(frames: number): Promise<void> {
    try {
      await this.#executor.ready();
      await this.#prepare();
      for (let left = frames; left > 0; left -= BATCH) {
        await this.#batch(Math.min(BATCH, left));
        await this.#check();
      }
      this.#report.resident = Math.max(this.#report.resident, this.#executor.resident);
      if (this.#report.resident > RESIDENT_MAX) throw new Error(`${this.#report.resident} MiB are resident`);
      await this.#finish();
    } catch (error) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (!this.#executor.alive) {
        const { status, signal } = await this.#executor.end();
        throw new Error(`${(error as Error).message}; it ended with ${signal ?? status}`);
      }
      throw error;
    } finally {
      this.#executor.kill();
      // Of an executor that was killed; any other takes its names away itself.
      for (const name of readdirSync("/dev/shm")) {
        if (name.startsWith(`jitlink_${this.#executor.pid}_`)) rmSync(join("/dev/shm", name), { force: true });
      }
    }
  }

  /** The last requests and words, for the message of a failure. */
  evidence(): string {
    const words = this.#executor.stderr;
    const at = words.search(REPORT);
    return `\nlast requests:\n${this.#history.slice(-60).join("\n")}\nstderr:\n${at < 0 ? words.slice(-2000) : words.slice(at, at + 6000)}`;
  }

  #call(name: string, writer: FieldWriter): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#executor.call(this.#sequence++, this.#world.addressOf(name), writer.bytes.slice(), resolve);
    });
  }

  /** Memory that stays as it is, and what addresses are around. */
  async #prepare(): Promise<void> {
    const { symbols, pid } = this.#executor;
    this.#world = new World(symbols, this.#backing, this.#image);
    const maps = readFileSync(`/proc/${pid}/maps`, "latin1").split("\n");
    const ranges = maps.filter((line) => line !== "").map(rangeOf);
    const own = ranges.filter(({ start }) => start < 0x1000_0000n);
    const last = own[own.length - 1];
    this.#hazards = new Hazards(this.#world, { start: own[0].start, size: last.start + last.size - own[0].start });
    this.#world.foreign = [...symbols.values()].map(BigInt).concat(ranges.map(({ start }) => start + 0x100n));
    const slab = new FieldWriter().u64(STABLE).u64(STABLE_SIZE).sequence("");
    expectValue(await this.#call(`${OURS}slab_reserve`, slab), "reserving the stable memory");
    const segments = new FieldWriter().u64(0).u64(3);
    segments.u8(5).u64(STABLE).u64(4096).sequence(stableCode(this.#world));
    segments
      .u8(1)
      .u64(STABLE + 0x1000n)
      .u64(4096)
      .sequence(stableData());
    segments
      .u8(3)
      .u64(STABLE + 0x2000n)
      .u64(4096)
      .sequence("");
    expectValue(await this.#call(`${M}initialize_wrapper`, segments.u64(0)), "filling the stable memory");
  }

  /** Some frames at once, most of them mutated, some twice, in any order. */
  async #batch(count: number): Promise<void> {
    const calls: (() => void)[] = [];
    while (count > 0) {
      const request = someRequest(this.#world, this.#random);
      const call = this.#random.below(6) === 0 ? this.#validCall(request) : this.#mutatedCall(request);
      if (call === undefined) continue;
      calls.push(call);
      if (this.#random.below(20) === 0) calls.push(call);
      if (call.name !== "valid") count--;
    }
    for (let i = calls.length - 1; i > 0; i--) {
      const other = this.#random.below(i + 1);
      [calls[i], calls[other]] = [calls[other], calls[i]];
    }
    for (const call of calls) call();
    await this.#executor.settled();
  }

  #validCall({ name, tag = this.#world.addressOf(name), writer, learn }: Request): (() => void) | undefined {
    const payload = writer.bytes.slice();
    if (this.#hazards.includes(tag, payload)) return undefined;
    this.#report.valid++;
    const valid = (): void => this.#send(name, tag, payload, learn);
    return valid;
  }

  #mutatedCall({ name, tag = this.#world.addressOf(name), writer, learn }: Request): (() => void) | undefined {
    const other = someRequest(this.#world, this.#random);
    const values = this.#world.values();
    const payload = mutatePayload(writer, other.writer, values, this.#random);
    // Another request's arguments, and now and then a tag that is none.
    if (this.#random.below(20) === 0) tag = other.tag ?? this.#world.addressOf(other.name);
    else if (this.#random.below(40) === 0) tag = pick(values, this.#random);
    if (this.#hazards.includes(tag, payload)) {
      this.#report.hazards++;
      return undefined;
    }
    this.#report.mutated++;
    return () => this.#send(name, tag, payload, learn);
  }

  #send(name: string, tag: bigint, payload: Uint8Array, learn: Request["learn"]): void {
    const hex = Buffer.from(payload.subarray(0, 160)).toString("hex");
    this.#history.push(
      `${this.#executor.names.get(tag) ?? `0x${tag.toString(16)}`} (${name}) ${payload.length}: ${hex}`,
    );
    if (this.#history.length > 400) this.#history.splice(0, 200);
    // Sequence numbers are the controller's business: the same one may be in use twice. Whose result is whose is not known then.
    const number = this.#random.below(10) === 0 ? 7 : this.#sequence++;
    const done = (result: Uint8Array): void => {
      if (number !== 7 && this.#executor.names.get(tag) === name) learn?.(result, payload);
    };
    this.#executor.call(number, tag, payload, done);
  }

  /** It still reserves, finalizes, runs and gives up. */
  async #check(): Promise<void> {
    const reserved = await this.#call(`${M}reserve_wrapper`, new FieldWriter().u64(0).u64(8192));
    const base = expectValue(reserved, "reserving after a batch");
    const segment = new FieldWriter().u64(0).u64(1).u8(5).u64(base).u64(64);
    const code = sps().u8(0xb8).u32(0x1234).u8(0xc3).bytes;
    const key = expectValue(
      await this.#call(`${M}initialize_wrapper`, segment.sequence(code).u64(0)),
      "finalizing after a batch",
    );
    const result = await this.#call("__llvm_orc_bootstrap_run_as_void_function_wrapper", new FieldWriter().u64(base));
    if (result.length !== 4 || new DataView(result.buffer, result.byteOffset).getUint32(0, true) !== 0x1234) {
      throw new Error(`code that returns 0x1234 answered ${Buffer.from(result).toString("hex")}`);
    }
    for (const [name, address] of [
      ["deinitialize", key],
      ["release", base],
    ] as const) {
      const answer = await this.#call(`${M}${name}_wrapper`, new FieldWriter().u64(0).u64(1).u64(address));
      if (answer[0] !== 0) throw new Error(`${name} after a batch: ${Buffer.from(answer.subarray(9)).toString()}`);
    }
    // A range that was given up may come back.
    if (REPORT.test(this.#executor.stderr)) throw new Error("a sanitizer has something to say");
  }

  /** Half of the sessions end in order, the others with bytes that are no frame. */
  async #finish(): Promise<void> {
    const bytes = this.#random.below(2) === 0 ? undefined : this.#brokenBytes();
    if (bytes) {
      this.#history.push(`bytes ${Buffer.from(bytes).toString("hex")}`);
      this.#executor.sendRaw(bytes);
      this.#report.broken++;
      this.#report.mutated++;
    }
    judgeEnd(await this.#executor.end(), bytes !== undefined);
  }

  #brokenBytes(): Uint8Array {
    const random = this.#random;
    const frame = encodeFrame(3, 1, 1, new Uint8Array(random.below(100))).slice();
    const view = new DataView(frame.buffer);
    switch (random.below(6)) {
      case 0:
        view.setBigUint64(0, BigInt(random.below(32)), true);
        return frame;
      case 1:
        view.setBigUint64(0, pick([0x4000_0001n, 1n << 32n, 1n << 63n, (1n << 64n) - 1n], random), true);
        return frame;
      case 2:
        view.setBigUint64(8, pick([4n, 0x103n, 1n << 32n, (3n << 32n) + 3n, (1n << 64n) - 1n], random), true);
        return frame;
      case 3:
        view.setBigUint64(8, 0n, true);
        return frame;
      case 4:
        return encodeFrame(2, random.below(1000), random.below(2), new Uint8Array(random.below(40))).slice();
      default:
        return frame.subarray(0, 1 + random.below(frame.length - 1));
    }
  }
}

function rangeOf(line: string): Range {
  const [start, end] = line
    .split(" ", 1)[0]
    .split("-")
    .map((text) => BigInt(`0x${text}`));
  return { start, size: end - start };
}

/** Value of an Expected<Addr>. */
function expectValue(result: Uint8Array, what: string): bigint {
  if (result.length === 9 && result[0] === 1)
    return new DataView(result.buffer, result.byteOffset).getBigUint64(1, true);
  throw new Error(`${what}: ${Buffer.from(result.subarray(9)).toString("latin1")}`);
}

function judgeEnd({ status, signal, hangup, stderr }: End, broken: boolean): void {
  const wanted = broken ? 1 : 0;
  if (signal !== null || status !== wanted) throw new Error(`ended with ${signal ?? status}, expected ${wanted}`);
  if (REPORT.test(stderr)) throw new Error("a sanitizer has something to say");
  const last = stderr.trimEnd().split("\n").at(-1);
  if (broken && `slablink-executor: ${hangup}` !== last) {
    throw new Error(`a broken stream gave the Hangup "${hangup}" and the sentence "${last}"`);
  }
}
