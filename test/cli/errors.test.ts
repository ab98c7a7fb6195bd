import assert from "node:assert/strict";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile, mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { modesUnderTest, runIn } from "../support/slablink.ts";
import { fileOf, hello, objectOf } from "../support/source.ts";
import { has } from "../support/tools.ts";
import { freshDirectory, packageRoot } from "../support/workspace.ts";

/** Runs with these words and expects a link error whose text matches every pattern. */
async function refused(words: readonly string[], ...patterns: RegExp[]): Promise<string> {
  const { status, stdout, stderr } = await runIn("shared", words);
  assert.deepEqual({ status, stdout }, { status: 1, stdout: "" }, stderr);
  assert.match(stderr, /^slablink: error: /);
  assert.doesNotMatch(stderr, /internal error|\n {4}at /, "errors are not stack traces");
  for (const pattern of patterns) assert.match(stderr, pattern);
  return stderr;
}

/** The object of a small program, with bytes of its ELF header or elsewhere changed. */
async function damaged(change: (bytes: Buffer) => void): Promise<string> {
  const bytes = readFileSync(await objectOf(hello));
  change(bytes);
  return fileOf("damaged.o", bytes);
}

test("a file that does not exist, a directory, a file that may not be read", async () => {
  await refused(["/nowhere/a.o"], /\/nowhere\/a\.o/, /no such file|not exist|ENOENT/i);
  await refused([freshDirectory()], /directory|not a file/i);
  const secret = fileOf("secret.o", "x");
  chmodSync(secret, 0);
  if (process.getuid?.() !== 0) await refused([secret], /secret\.o/, /permission|EACCES/i);
});

test("a file that is no object", async () => {
  await refused([fileOf("empty.o", "")], /empty\.o/);
  await refused([fileOf("text.o", "just some text\n")], /text\.o/);
  await refused([fileOf("image.png", Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))], /image\.png/);
  const executable = join(freshDirectory(), "program");
  await mustRun("gcc", ["-o", executable, await objectOf(hello)]);
  await refused([executable], /program/);
});

test("the wrong class, byte order, machine or version", async () => {
  await refused([await damaged((bytes) => bytes.writeUInt8(1, 4))], /damaged\.o/, /class|32/i);
  await refused([await damaged((bytes) => bytes.writeUInt8(2, 5))], /damaged\.o/, /endian|byte order|data/i);
  await refused([await damaged((bytes) => bytes.writeUInt16LE(183, 18))], /damaged\.o/, /183|aarch64|machine/i);
  await refused([await damaged((bytes) => bytes.writeUInt16LE(0, 16))], /damaged\.o/);
});

test("section headers that are not there, of another size, or too many", async () => {
  await refused([await damaged((bytes) => bytes.writeBigUInt64LE(0x7fff_ffffn, 40))], /damaged\.o/, /section header/i);
  await refused([await damaged((bytes) => bytes.writeBigUInt64LE(1n << 63n, 40))], /damaged\.o/);
  await refused([await damaged((bytes) => bytes.writeUInt16LE(13, 58))], /damaged\.o/);
  await refused([await damaged((bytes) => bytes.writeUInt16LE(0xfe00, 60))], /damaged\.o/);
  await refused([await damaged((bytes) => bytes.writeUInt16LE(0xfe00, 62))], /damaged\.o/);
});

/** Where section header `index` starts in an object. */
const sectionHeader = (bytes: Buffer, index: number) => Number(bytes.readBigUInt64LE(40)) + 64 * index;

/** Index of the first section of a type. */
function sectionOfType(bytes: Buffer, type: number): number {
  for (let index = 0; index < bytes.readUInt16LE(60); index++) {
    if (bytes.readUInt32LE(sectionHeader(bytes, index) + 4) === type) return index;
  }
  throw new Error(`no section of type ${type}`);
}

const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_RELA = 4;

test("symbols, strings, relocations and links that point outside", async () => {
  const change = (type: number, field: number, value: bigint) => {
    return damaged((bytes) => bytes.writeBigUInt64LE(value, sectionHeader(bytes, sectionOfType(bytes, type)) + field));
  };
  const inTable = (type: number, entry: number, write: (bytes: Buffer, at: number) => void) => {
    return damaged((bytes) => {
      const header = sectionHeader(bytes, sectionOfType(bytes, type));
      write(bytes, Number(bytes.readBigUInt64LE(header + 24)) + entry);
    });
  };
  const linkOf = (type: number, value: number) => {
    return damaged((bytes) => bytes.writeUInt32LE(value, sectionHeader(bytes, sectionOfType(bytes, type)) + 40));
  };
  await refused([await change(SHT_SYMTAB, 24, 0x10_0000n)], /damaged\.o/);
  await refused([await change(SHT_SYMTAB, 32, 0xffff_ffffn)], /damaged\.o/);
  await refused([await change(SHT_SYMTAB, 56, 7n)], /damaged\.o/);
  await refused([await change(SHT_RELA, 32, 0x10_0001n)], /damaged\.o/);
  await refused([await change(SHT_PROGBITS, 32, 1n << 40n)], /damaged\.o/);
  await refused([await change(SHT_PROGBITS, 48, 3n)], /damaged\.o/, /alignment/i);
  await refused([await change(SHT_PROGBITS, 48, 1n << 62n)], /damaged\.o/);
  await refused([await linkOf(SHT_SYMTAB, 999)], /damaged\.o/);
  await refused([await linkOf(SHT_RELA, 999)], /damaged\.o/);
  // The last symbol is a global one: its name, then its section.
  const last = (bytes: Buffer) => {
    const header = sectionHeader(bytes, sectionOfType(bytes, SHT_SYMTAB));
    return Number(bytes.readBigUInt64LE(header + 24)) + Number(bytes.readBigUInt64LE(header + 32)) - 24;
  };
  await refused([await damaged((bytes) => bytes.writeUInt32LE(0xff_ffff, last(bytes)))], /damaged\.o/);
  await refused([await damaged((bytes) => bytes.writeUInt16LE(0xfe00, last(bytes) + 6))], /damaged\.o/);
  // The first relocation: its symbol, its type, its offset.
  await refused([await inTable(SHT_RELA, 12, (bytes, at) => bytes.writeUInt32LE(0xffff, at))], /damaged\.o/);
  await refused(
    [await inTable(SHT_RELA, 8, (bytes, at) => bytes.writeUInt32LE(249, at))],
    /damaged\.o/,
    /relocation.*249|249.*relocation/i,
  );
  await refused([await inTable(SHT_RELA, 0, (bytes, at) => bytes.writeBigUInt64LE(0xfff_ffffn, at))], /damaged\.o/);
});

test("undefined symbols: all of them, each with who refers to it", async () => {
  const a = await objectOf("int one(void); int two(void); int main(void) { return one() + two(); }", ["-O1"], "a.c");
  const b = await objectOf("extern int three; int one(void) { return three; }", ["-O1"], "b.c");
  const stderr = await refused([a, b], /undefined symbol: two/, /undefined symbol: three/);
  assert.match(stderr, /referenced by .*a\.[co]/);
  assert.match(stderr, /referenced by .*b\.[co]/);
  assert.match(stderr, /a\.o:\(/);
  assert.doesNotMatch(stderr, /undefined symbol: one/);
});

test("duplicate definitions: both places are named", async () => {
  const a = await objectOf("int twice(void) { return 1; } int main(void) { return twice(); }", ["-O1"], "a.c");
  const b = await objectOf("int twice(void) { return 2; } int other;", ["-O1"], "b.c");
  await refused([a, b], /duplicate symbol:? twice/, /a\.o/, /b\.o/);
});

test("an alias of what is not there, used or not, is an undefined symbol", async () => {
  const object = await objectOf("int main(void) { return 0; }", ["-O1"], "plain.c");
  await refused(["--alias=q=nosuch", object], /undefined symbol: nosuch\n>>> q is an alias of it/);
  await refused(["--alias=q=nosuch", "--entry=q", object], /undefined symbol: nosuch/);
  await refused(["--alias=q=r", "--alias=r=q", object], /q is defined as another name for itself: q .* r .* q/);
});

test("a definition of what --abs defines: both are named", async () => {
  const object = await objectOf("int real(void) { return 1; } int main(void) { return real(); }", ["-O1"], "real.c");
  await refused(["--abs", "real=0x10", object], /duplicate symbol: real\n>>> defined by hand as 0x10\n.*real\.o/);
});

test("a relocation out of range: place, symbol and both addresses", async () => {
  const object = await objectOf(
    "extern char far[]; char *main_is(void); int main(void) { return far[0]; }",
    ["-O1", "-fno-pic"],
    "far.c",
  );
  await refused(
    ["--abs", "far=0x123456789000", object],
    /far\.o/,
    /R_X86_64_\w+ out of range/,
    /far/,
    /0x123456789000|0x[0-9a-f]{9,}/,
  );
});

test("an entry point that is missing", async () => {
  await refused([await objectOf("int other(void) { return 0; }", ["-O1"], "other.c")], /main/);
  await refused(["--entry=begin", await objectOf(hello)], /begin/);
});

test("a library that cannot be found", async () => {
  await refused([await objectOf(hello), "-L/nowhere", "-lno-such-library"], /no-such-library/);
});

test("a slab that is too small says how much is needed", async () => {
  const object = await objectOf("char big[1 << 24] = {1}; int main(void) { return big[5]; }", ["-O1"], "big.c");
  await refused(["--slab-size=1M", object], /slab/i, /--slab-size/);
});

test("a slab that cannot be reserved", async () => {
  await refused(["--slab-size=64G", await objectOf(hello)], /slab/i);
  await refused(["--slab-size=4096T".replace("T", "G"), "--placement=anywhere", await objectOf(hello)], /slab/i);
});

test("archives: cut off, with a wrong size, with an index that points outside", async (t) => {
  if (!has(t, "ar")) return;
  const directory = freshDirectory();
  const main = await objectOf("int part(void); int main(void) { return part(); }", ["-O1"], "main.c");
  const part = await objectOf("int part(void) { return 0; }", ["-O1"], "part.c");
  const archive = join(directory, "libpart.a");
  await mustRun("ar", ["rcs", archive, part]);
  const bytes = readFileSync(archive);
  const changed = (change: (copy: Buffer) => void, length = bytes.length) => {
    const copy = Buffer.from(bytes);
    change(copy);
    return fileOf("libdamaged.a", copy.subarray(0, length));
  };
  await refused([main, changed(() => {}, bytes.length - 100)], /libdamaged\.a/);
  await refused([main, changed(() => {}, 40)], /libdamaged\.a/);
  // The index is the first member: 8 bytes of magic, 60 of header, a big-endian count, offsets.
  await refused([main, changed((copy) => copy.writeUInt32BE(0x7fff_ffff, 68))], /libdamaged\.a/);
  await refused([main, changed((copy) => copy.writeUInt32BE(0x7fff_fff0, 72))], /libdamaged\.a/);
  await refused([main, changed((copy) => copy.write("99999999  ", 8 + 48, "latin1"))], /libdamaged\.a/);
  await refused([main, changed((copy) => copy.write("xx", 8 + 58, "latin1"))], /libdamaged\.a/);
  const thin = join(directory, "libthin.a");
  const absent = join(directory, "absent.o");
  copyFileSync(part, absent);
  await mustRun("ar", ["rcsT", thin, absent]);
  rmSync(absent);
  await refused([main, thin], /libthin\.a/, /absent\.o/);
  // Damage in a member names archive and member.
  const member = changed((copy) => copy.writeUInt16LE(183, copy.indexOf("\x7fELF", 0, "latin1") + 18));
  await refused([main, member], /libdamaged\.a/, /part\.o/);
});

test("an executor that cannot be started, or is none", async () => {
  const object = await objectOf(hello);
  await refused(["--executor=/nowhere/executor", object], /\/nowhere\/executor/);
  await refused([`--executor=${fileOf("text", "no program")}`, object], /text/);
  await refused(["--executor=/bin/true", object], /\/bin\/true|executor/, /status 0/);
  await refused(["--executor=/bin/false", object], /\/bin\/false|executor/, /status 1/);
  await refused([`--executor=${script("kill -SEGV $$")}`, object], /SIGSEGV/);
  await refused([
    `--executor=${script("echo not a frame, just a line of text that is long enough >&3; sleep 5")}`,
    object,
  ]);
});

test("an executor that dies, at whatever moment: a clean error before the program starts, its signal afterwards", async () => {
  const object = await objectOf("#include <unistd.h>\nint main(void) { for (;;) pause(); }");
  const { executorPath } = await import("../../src/orc/executor-path.ts");
  for (const seconds of [0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.3]) {
    const path = script(`(sleep ${seconds}; kill -KILL $$) & exec "${executorPath()}" "$@"`);
    const { status, stdout, stderr } = await runIn("shared", [`--executor=${path}`, object]);
    assert.equal(stdout, "");
    if (status === 137) assert.equal(stderr, "slablink: program ended by SIGKILL\n");
    else {
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^slablink: error: .*SIGKILL/);
    }
  }
});

test("a compiler that fails, or is not there", async () => {
  const source = fileOf("wrong.c", "int main(void) { return undeclared; }\n");
  await compilerFails(source, {}, /wrong\.c/, /undeclared/);
  await compilerFails(source, { CC: "no-such-compiler" }, /no-such-compiler/);
});

test("a place for temporary files that is none, or that is relative", async () => {
  const source = fileOf("hello.c", hello);
  const runAt = (place: Record<string, string>, cwd = freshDirectory()) => {
    const sets = Object.entries(place).map(([name, value]) => `${name}=${value}`);
    const words = ["-u", "TMPDIR", ...sets, process.execPath, join(packageRoot, "bin/slablink"), "run", source];
    return run("env", words, { cwd });
  };
  const refusal = (where: string, reason: string) => ({
    ...{ status: 1, stdout: "" },
    stderr: `slablink: error: ${source}: no temporary directory can be made in ${where}: ${reason}\n`,
  });
  const missing = "no such file or directory";
  assert.deepEqual(await runAt({ TMPDIR: "/nonexistent" }), refusal("/nonexistent (TMPDIR)", missing));
  assert.deepEqual(await runAt({ TMP: "/nonexistent" }), refusal("/nonexistent (TMP)", missing));
  assert.deepEqual(await runAt({ TMPDIR: source }), refusal(`${source} (TMPDIR)`, "not a directory"));
  assert.deepEqual(await runAt({ TMPDIR: "relative" }), refusal("relative (TMPDIR)", missing));
  const cwd = freshDirectory();
  const relative = join(cwd, "relative");
  mkdirSync(relative);
  const { status, stdout } = await runAt({ TMPDIR: "relative" }, cwd);
  assert.deepEqual([status, stdout], [0, `hello from ${source}, 1\n`]);
  assert.deepEqual(readdirSync(relative), []);
});

async function compilerFails(source: string, env: Record<string, string>, ...patterns: RegExp[]): Promise<void> {
  const { status, stdout, stderr } = await runIn("shared", [source], { env });
  assert.deepEqual({ status, stdout }, { status: 1, stdout: "" }, stderr);
  for (const pattern of patterns) assert.match(stderr, pattern);
}

function script(commands: string): string {
  const path = fileOf("executor.sh", `#!/bin/sh\n${commands}\n`);
  chmodSync(path, 0o755);
  return path;
}

for (const mode of modesUnderTest) {
  test(`${mode}: a link error leaves nothing behind and starts nothing`, async () => {
    const object = await objectOf(
      '#include <stdio.h>\n__attribute__((constructor)) static void started(void) { puts("started"); } int none(void); int main(void) { return none(); }',
    );
    const { status, stdout, stderr } = await runIn(mode, [object]);
    assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
    assert.match(stderr, /undefined symbol: none/);
  });
}

test("libraries that have to be the first of a process, or on the program's thread", async (t) => {
  const object = await objectOf(hello);
  await refused(
    [object, "-lasan"],
    /libasan\.so: the address sanitizer has to be the first/,
    /LD_PRELOAD=\S+libasan\.so/,
  );
  await refused([object, "-ltsan"], /libtsan\.so: the thread sanitizer/, /run with LD_PRELOAD=/);
  if (!has(t, "libgphobos.a")) return;
  const { status, stdout, stderr } = await runIn("in-process", [object, "-lgphobos"]);
  assert.deepEqual({ status, stdout }, { status: 1, stdout: "" });
  assert.match(stderr, /D's shared run-time library .* run in the executor/);
});

test("a Free Pascal program, which needs a start of its own", async () => {
  const object = await objectOf(
    'int puts(const char *); void PASCALMAIN(void) {} int main(void) { puts("ran"); return 0; }',
  );
  await refused([object], /PASCALMAIN/, /_start/);
});

test("data beyond what small-model code reaches", async () => {
  const source = "char a[1600UL << 20], b[1600UL << 20];\nint main(int c, char **v) { return a[c] + b[c]; }\n";
  const object = await compile(["gcc", "-O1", "-fno-pic"], "outgrown.c", source);
  await refused(
    [object],
    /outgrown\.o:\(\.text\+0x[0-9a-f]+\): R_X86_64_32S? out of range/,
    /the program is 0xc8[0-9a-f]+ bytes large: recompile with -mcmodel=medium or -mcmodel=large/,
  );
});
