import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { ObjectFormatError } from "../../src/errors.ts";
import type { Archive } from "../../src/formats/archive.ts";

/** A directory of files for one test file; `remove` takes it away. */
export class Workspace {
  readonly path = mkdtempSync(join(tmpdir(), "slablink-test-"));

  file(name: string, contents: string | Uint8Array): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, contents);
    return path;
  }

  /** Runs a program in the directory. */
  run(program: string, ...args: string[]): string {
    return execFileSync(program, args, {
      cwd: this.path,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Compiles C and returns the object's path. */
  object(name: string, source: string, ...flags: string[]): string {
    const path = this.file(`${name}.c`, source);
    this.run("cc", ...flags, "-c", path, "-o", join(this.path, name));
    return join(this.path, name);
  }

  reader(name: string): ByteReader {
    const path = join(this.path, name);
    return ByteReader.of(readFileSync(path), path);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** An archive's bytes, put together by hand. */
export class ArchiveBytes {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  constructor(magic = "!<arch>\n") {
    this.#add(Buffer.from(magic));
  }

  /** Appends a member; returns its header's offset. `size` is what the header says. */
  member(name: string, data: Uint8Array | string, size = data.length): number {
    const offset = this.length;
    this.header(name, String(size));
    this.data(data);
    return offset;
  }

  header(name: string, size: string): void {
    const fields = [name.padEnd(16), "0".padEnd(12), "0".padEnd(6), "0".padEnd(6), "644".padEnd(8), size.padEnd(10)];
    this.#add(Buffer.from(`${fields.join("")}\`\n`));
  }

  data(data: Uint8Array | string): void {
    this.#add(Buffer.from(data as string));
    if (this.length % 2 === 1) this.#add(Buffer.from("\n"));
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  reader(name = "test.a"): ByteReader {
    return ByteReader.of(this.bytes(), name);
  }

  #add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.length += bytes.length;
  }
}

/** What the index says, as `name in member`, in its order. */
export function indexLines(archive: Archive): string[] {
  const { index } = archive;
  if (index === undefined) return [];
  return Array.from(
    { length: index.count },
    (_, i) => `${index.nameAt(i)} in ${archive.memberAt(index.memberOffset[i]).name}`,
  );
}

/** Everything a linker may ask of an archive. */
export function readAll(archive: Archive): void {
  indexLines(archive);
  for (const member of archive.members()) member.window();
}

/** Calls `action`; anything thrown but an ObjectFormatError is passed on. */
export function toleratesDamage(action: () => void): "read" | "refused" {
  try {
    action();
    return "read";
  } catch (error) {
    if (!(error instanceof ObjectFormatError)) throw error;
    return "refused";
  }
}

/** Deterministic numbers in [0, 2^32) (a xorshift generator). */
export function randomNumbers(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** A copy with one to four bytes changed; some get the values that break arithmetic. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const extremes = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x2f, 0x39];
  for (let n = 1 + (random() % 4); n > 0; n--) {
    const value = random() % 2 === 0 ? extremes[random() % extremes.length] : random() & 255;
    copy[random() % copy.length] = value;
  }
  return copy;
}
