import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ByteReader } from "../../src/bytes/byte-reader.ts";
import { SlablinkError } from "../../src/errors.ts";
import { Archive } from "../../src/formats/archive.ts";
import { ArchiveBytes, mutate, randomNumbers, readAll, toleratesDamage, Workspace } from "./archive-fixture.ts";

const MUTANTS = 4000;

/** A GNU index of one entry. */
function gnuIndex(memberOffset: number, name = "sym\0", count = 1): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(count, 0);
  bytes.writeUInt32BE(memberOffset, 4);
  return Buffer.concat([bytes, Buffer.from(name)]);
}

describe("damaged archives are refused by name, place and both numbers", () => {
  const cases: [name: string, build: (bytes: ArchiveBytes) => void, expected: RegExp][] = [
    [
      "index entry beyond the end",
      (a) => a.member("/", gnuIndex(5000)),
      /^test\.a: index entry 0 of 1 refers to a member at 0x1388, outside the archive of 0x50 bytes$/,
    ],
    ["index entry before the first member", (a) => a.member("/", gnuIndex(4)), /refers to a member at 0x4, outside/],
    [
      "index entry into a member's data",
      (a) => {
        a.member("/", gnuIndex(90));
        a.member("a.o/", "x".repeat(80));
      },
      /^test\.a: the member header at 0x5a ends in 0x\w+, expected 0xa60/,
    ],
    [
      "index entry at the index",
      (a) => a.member("/", gnuIndex(8)),
      /the index refers to 0x8, where \/ is, expected a member/,
    ],
    [
      "index count beyond its size",
      (a) => a.member("/", gnuIndex(8, "sym\0", 99)),
      /says 99 entries; its 8 bytes hold at most 1/,
    ],
    [
      "index names without a NUL",
      (a) => {
        a.member("/", gnuIndex(80, "symb"));
        a.member("a.o/", "x");
      },
      /the name of index entry 0 of 1, at 0x4c, has no NUL/,
    ],
    ["index too short", (a) => a.member("/", "abc"), /has 3 bytes, expected at least 4/],
    [
      "member size beyond the end",
      (a) => a.member("a.o/", "xx", 1000),
      /^test\.a\(a\.o\): member size 0x3e8 at 0x38 is beyond the archive's end, 0x2 bytes on$/,
    ],
    [
      "member size no numeral",
      (a) => a.header("a.o/", "12x"),
      /^test\.a: member size at 0x38 is "12x {7}", expected a decimal number$/,
    ],
    ["member size empty", (a) => a.header("a.o/", ""), /member size at 0x38 is " {10}"/],
    ["member size negative", (a) => a.header("a.o/", "-1"), /member size at 0x38 is "-1/],
    ["no name", (a) => a.member("", ""), /the member header at 0x8 has an empty name/],
    ["reference without a name table", (a) => a.member("/0", ""), /is named "\/0 +", but there is no name table/],
    [
      "reference outside the name table",
      (a) => {
        a.member("//", "long.o/\n");
        a.member("/8", "");
      },
      /has its name at 0x8 of a name table of 0x8 bytes/,
    ],
    [
      "name table without an end",
      (a) => {
        a.member("//", "long.o");
        a.member("/0", "");
      },
      /the name at 0x0 of the name table does not end before its end at 0x6/,
    ],
    [
      "endless name",
      (a) => {
        a.member("//", "x".repeat(9000));
        a.member("/0", "");
      },
      /has 4096 bytes or more, expected at most 4096/,
    ],
    ["BSD name longer than its member", (a) => a.member("#1/20", "short.o"), /has 20 bytes, its data only 7/],
    ["BSD name length no numeral", (a) => a.member("#1/x", "short.o"), /length of a BSD member name at 0xb is "x/],
    [
      "nested reference in an ordinary archive",
      (a) => {
        a.member("//", "long.o/\n");
        a.member("/0:8", "");
      },
      /is named "\/0:8 +"; only thin archives/,
    ],
    [
      "BSD entries of odd size",
      (a) => a.member("__.SYMDEF", Buffer.from([7, 0, 0, 0, 0, 0, 0, 0, 0])),
      /take 0x7 bytes, expected a multiple of 8 up to 0x1/,
    ],
    [
      "BSD name outside the names",
      (a) => {
        a.member("__.SYMDEF", Buffer.from([8, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 65, 0]));
      },
      /index entry 0 of 1 has its name at 0x9; no name ends there in 0x2 bytes/,
    ],
    [
      "BSD name without a NUL",
      (a) => {
        a.member("__.SYMDEF", Buffer.from([8, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 2, 0, 0, 0, 65, 66]));
      },
      /has its name at 0x0; no name ends there/,
    ],
    [
      "BSD names beyond the index",
      (a) => a.member("__.SYMDEF", Buffer.from([0, 0, 0, 0, 9, 0, 0, 0])),
      /names at 0x4c take 0x9 bytes, expected at most 0x0/,
    ],
  ];
  for (const [name, build, expected] of cases) {
    test(name, () => {
      const bytes = new ArchiveBytes();
      build(bytes);
      assert.throws(() => readAll(Archive.read(bytes.reader())), { name: "ObjectFormatError", message: expected });
    });
  }

  test("bad terminator", () => {
    const bytes = new ArchiveBytes();
    bytes.member("a.o/", "xx");
    const damaged = bytes.bytes();
    damaged[8 + 59] = 0x0d;
    assert.throws(() => readAll(Archive.read(ByteReader.of(damaged, "test.a"))), {
      message: /^test\.a: the member header at 0x8 ends in 0xd60, expected 0xa60/,
    });
  });

  test("bad magic", () => {
    assert.throws(() => Archive.read(ByteReader.of(Buffer.from("!<arc"), "test.a")), {
      message: 'test.a: the magic is "!<arc", expected "!<arch>\\n" or "!<thin>\\n"',
    });
  });

  test("thin archives that hold each other", () => {
    const outer = new ArchiveBytes("!<thin>\n");
    outer.member("//", "outer.a/\n");
    outer.header("/0:78", "0");
    const open = (path: string) => outer.reader(path);
    assert.throws(() => readAll(Archive.read(outer.reader("outer.a"), open)), {
      message: "outer.a: the nested archive outer.a is thin, expected an ordinary one",
    });
  });

  test("a thin archive without a way to open files", () => {
    const bytes = new ArchiveBytes("!<thin>\n");
    bytes.header("a.o/", "0");
    assert.throws(() => readAll(Archive.read(bytes.reader())), { message: /no way was given to open its member a\.o/ });
  });
});

describe("truncated and mutated archives", () => {
  let work: Workspace;
  const samples = new Map<string, Buffer>();
  before(() => {
    work = new Workspace();
    for (const name of ["a.o", "a_name_longer_than_sixteen.o"]) work.file(name, "");
    work.object("a.o", "int f(void) { return 1; }");
    work.run("ar", "rcs", "gnu.a", "a.o", "a_name_longer_than_sixteen.o");
    work.run("ar", "rcsT", "thin.a", "a.o", "a_name_longer_than_sixteen.o");
    for (const name of ["gnu.a", "thin.a"]) {
      const reader = work.reader(name);
      samples.set(name, Buffer.from(reader.bytes(0, reader.length, "all")));
    }
    const bsd = new ArchiveBytes();
    const index = Buffer.from([16, 0, 0, 0, 0, 0, 0, 0, 108, 0, 0, 0, 2, 0, 0, 0, 108, 0, 0, 0, 8, 0, 0, 0]);
    bsd.member("__.SYMDEF", Buffer.concat([index, Buffer.from("aa\0bb\0\0\0"), Buffer.alloc(8)]));
    bsd.member("#1/12", "some name.o\0contents");
    samples.set("bsd.a", bsd.bytes());
  });
  after(() => work.remove());

  /** Reading the members' files is the host's part: stand in for it. */
  const open = (path: string) => ByteReader.of(samples.get("gnu.a")!, path);

  test("the samples themselves are sound", () => {
    for (const [name, bytes] of samples) readAll(Archive.read(ByteReader.of(bytes, name), open));
  });

  test("every truncation is read or refused, and some are refused", () => {
    for (const [name, bytes] of samples) {
      let refused = 0;
      for (let length = 0; length < bytes.length; length++) {
        const reader = ByteReader.of(bytes.subarray(0, length), name);
        if (toleratesDamage(() => readAll(Archive.read(reader, open))) === "refused") refused++;
      }
      assert.ok(refused > bytes.length / 2, `${name}: ${refused} of ${bytes.length} truncations were refused`);
    }
  });

  test(`${MUTANTS} mutants each are read or refused`, () => {
    for (const [name, bytes] of samples) {
      const random = randomNumbers(0x51ab);
      // The object's contents are not the archive's business: change what is around it.
      const head = bytes.subarray(0, Math.min(bytes.length, 400));
      let refused = 0;
      for (let i = 0; i < MUTANTS; i++) {
        const mutant = Buffer.concat([mutate(head, random), bytes.subarray(head.length)]);
        const outcome = toleratesDamage(() => readAll(Archive.read(ByteReader.of(mutant, name), open)));
        if (outcome === "refused") refused++;
      }
      assert.ok(refused > 100 && refused < MUTANTS, `${name}: ${refused} of ${MUTANTS} mutants were refused`);
    }
  });

  test("what the opener throws is passed on", () => {
    const missing = () => {
      throw new SlablinkError("file", "a.o: no such file");
    };
    const archive = Archive.read(ByteReader.of(samples.get("thin.a")!, "thin.a"), missing);
    assert.throws(() => readAll(archive), { code: "file", message: "thin.a: thin archive: a.o: no such file" });
  });
});
