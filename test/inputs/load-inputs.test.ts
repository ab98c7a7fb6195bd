import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { FileOpener } from "../../src/inputs/file-opener.ts";
import { readingOpener } from "../../src/inputs/file-opener.ts";
import type { InputItem } from "../../src/inputs/input.ts";
import { LibrarySearch } from "../../src/inputs/library-search.ts";
import { loadInputs } from "../../src/inputs/load-inputs.ts";
import { Workspace } from "../formats/archive-fixture.ts";

describe("inputs of a command line", () => {
  let work: Workspace;
  before(() => {
    work = new Workspace();
    work.object("a.o", "int a(void) { return 1; }");
    work.object("b.o", "int b(void) { return 2; }");
    work.run("ar", "rcs", "libb.a", "b.o");
    work.run("ar", "rcsT", "libthin.a", "a.o", "b.o");
    work.object("pic.o", "int c(void) { return 3; }", "-fPIC");
    work.run("cc", "-shared", "-nostdlib", "pic.o", "-o", "libc1.so");
  });
  after(() => work.remove());

  const path = (name: string) => join(work.path, name);
  const file = (name: string, more: { wholeArchive?: boolean; asNeeded?: boolean } = {}): InputItem => ({
    kind: "file",
    path: path(name),
    ...more,
  });
  const library = (name: string, more: { static?: boolean; wholeArchive?: boolean } = {}): InputItem => ({
    kind: "library",
    name,
    ...more,
  });

  /** `kind name` of each input, with `whole` and `as-needed` behind it. */
  async function load(items: InputItem[], opener?: FileOpener): Promise<string[]> {
    const search = new LibrarySearch({ directories: [work.path], environment: {}, systemDirectories: () => [] });
    const inputs = await loadInputs(items, { search, opener });
    return inputs.map(({ kind, name, wholeArchive, asNeeded }) => {
      const short = name.startsWith(`${work.path}/`) ? name.slice(work.path.length + 1) : name;
      return `${kind} ${short}${wholeArchive ? " whole" : ""}${asNeeded ? " as-needed" : ""}`;
    });
  }

  test("objects, archives, shared libraries and sources, in order", async () => {
    work.file("s.c", "int s;");
    work.file("t.s", ".globl t\nt:\n");
    const items = [
      file("s.c"),
      file("a.o"),
      library("b", { wholeArchive: true }),
      file("t.s"),
      library("c1"),
      file("libthin.a"),
    ];
    assert.deepEqual(await load(items), [
      "object s.c",
      "object a.o",
      "archive libb.a whole",
      "object t.s",
      "shared-library libc1.so",
      "archive libthin.a",
    ]);
  });

  test("each kind comes with its reader", async () => {
    const [object, archive, shared, thin] = await loadInputs([
      file("a.o"),
      file("libb.a"),
      file("libc1.so"),
      file("libthin.a"),
    ]);
    assert.equal(object.reader.length, readFileSync(path("a.o")).length);
    assert.ok(archive.kind === "archive" && archive.archive.index?.nameAt(0) === "b");
    assert.ok(shared.kind === "shared-library" && shared.library.lookup("c")?.type === 2);
    assert.ok(thin.kind === "archive");
    const windows = [...thin.archive.members()].map((member) => member.window().name);
    assert.deepEqual(windows, [`${path("libthin.a")}(a.o)`, `${path("libthin.a")}(b.o)`]);
  });

  test("each file is opened once, a thin archive's members when they are asked for", async () => {
    const opened: string[] = [];
    const opener: FileOpener = {
      open(name) {
        opened.push(name.slice(work.path.length + 1));
        return readingOpener.open(name);
      },
    };
    const inputs = await loadInputs([file("libthin.a"), file("libb.a"), file("libb.a")], { opener });
    assert.deepEqual(opened, ["libthin.a", "libb.a"]);
    assert.ok(inputs[1].kind === "archive" && inputs[2].kind === "archive" && inputs[0].kind === "archive");
    assert.equal(inputs[1].archive, inputs[2].archive);
    [...inputs[0].archive.members()][1].window();
    assert.deepEqual(opened, ["libthin.a", "libb.a", "b.o"]);
  });

  describe("linker scripts", () => {
    test("their files, beside the script first, and libraries; --whole-archive and AS_NEEDED reach them", async () => {
      work.file("sub/libs.so", "INPUT(x.o -lb AS_NEEDED(libc1.so))");
      work.run("cp", "a.o", "sub/x.o");
      assert.deepEqual(await load([file("sub/libs.so", { wholeArchive: true })]), [
        "object sub/x.o whole",
        "archive libb.a whole",
        "shared-library libc1.so whole as-needed",
      ]);
    });

    test("scripts name scripts", async () => {
      work.file("outer.so", `GROUP(AS_NEEDED(${path("inner.so")}) a.o)`);
      work.file("inner.so", "INPUT(libc1.so)");
      assert.deepEqual(await load([file("outer.so")]), ["shared-library libc1.so as-needed", "object a.o"]);
    });

    test("SEARCH_DIR counts from there on", async () => {
      work.file("dir/libfar.a", "!<arch>\n");
      work.file("far.so", `SEARCH_DIR(${path("dir")}) INPUT(-lfar)`);
      assert.deepEqual(await load([file("far.so")]), ["archive dir/libfar.a"]);
    });

    test("a static library's script asks for static libraries", async () => {
      work.file("libscript.a", "GROUP(-lc1)");
      await assert.rejects(load([library("script", { static: true })]), {
        code: "file",
        message: `-lc1: there is no libc1.a in ${work.path} (wanted by the linker script ${path("libscript.a")})`,
      });
      assert.deepEqual(await load([library("script")]), ["shared-library libc1.so"]);
    });

    test("a circle ends", async () => {
      work.file("ring1.so", "INPUT(ring2.so)");
      work.file("ring2.so", "INPUT(ring1.so)");
      await assert.rejects(load([file("ring1.so")]), {
        name: "ObjectFormatError",
        message: `${path("ring1.so")}: linker scripts name each other in a circle or too deeply: ${path("ring1.so")} → ${path("ring2.so")} → ${path("ring1.so")}`,
      });
    });

    test("a missing file is named together with the script", async () => {
      const script = work.file("gone.so", "INPUT(/no/such/file.so)");
      await assert.rejects(load([file("gone.so")]), {
        code: "file",
        message: `/no/such/file.so: no such file (wanted by the linker script ${script})`,
      });
    });

    test("this system's C and math libraries", async (context) => {
      if (!existsSync("/usr/lib/x86_64-linux-gnu/libc.so")) return context.skip("not Debian's layout");
      const inputs = await loadInputs([library("c"), library("m"), library("m", { static: true })]);
      const names = inputs.map(
        ({ kind, name, asNeeded }) => `${kind} ${name.replace(/.*\//, "")}${asNeeded ? "?" : ""}`,
      );
      assert.deepEqual(names.slice(0, 3), [
        "shared-library libc.so.6",
        "archive libc_nonshared.a",
        "shared-library ld-linux-x86-64.so.2?",
      ]);
      assert.ok(names.includes("shared-library libm.so.6"));
      assert.ok(inputs.at(-1)?.kind === "archive");
    });
  });

  describe("what cannot be linked is refused in one sentence", () => {
    const EXPECTED = "an object, an archive, a shared library or a linker script";

    function elfHeader(elfClass: number, machine: number, data = 1): Buffer {
      const bytes = Buffer.alloc(64);
      bytes.set([0x7f, 0x45, 0x4c, 0x46, elfClass, data, 1]);
      if (data === 2) {
        bytes.writeUInt16BE(1, 16);
        bytes.writeUInt16BE(machine, 18);
      } else {
        bytes.writeUInt16LE(1, 16);
        bytes.writeUInt16LE(machine, 18);
      }
      return bytes;
    }

    for (const [name, contents, message] of [
      ["AArch64", elfHeader(2, 183), "is for AArch64 (e_machine 183), expected x86-64 (62)"],
      ["i386", elfHeader(1, 3), "is for i386 (e_machine 3), expected x86-64 (62)"],
      ["s390x", elfHeader(2, 22, 2), "is for s390x (e_machine 22), big-endian (EI_DATA 2), expected x86-64 (62)"],
      ["x32", elfHeader(1, 62), "is 32-bit, for the x32 ABI (EI_CLASS 1), expected 64-bit (2)"],
      ["strange", elfHeader(2, 4711), "is for an unknown machine (e_machine 4711), expected x86-64 (62)"],
      [
        "bitcode",
        Buffer.from("BC\xc0\xde", "latin1"),
        "holds LLVM bitcode, no machine code; recompile without -flto, or with -ffat-lto-objects",
      ],
      ["mach-o", Buffer.from([0xcf, 0xfa, 0xed, 0xfe]), `is a Mach-O file (macOS), expected ${EXPECTED}`],
      ["coff", Buffer.from([0x64, 0x86, 1, 0]), `is a COFF or PE file (Windows), expected ${EXPECTED}`],
      ["empty", Buffer.alloc(0), `is empty, expected ${EXPECTED}`],
      ["noise", Buffer.from([1, 2, 3, 0]), `is in no known format, expected ${EXPECTED}`],
      [
        "text",
        Buffer.from("hello world\n"),
        'is text that is no linker script for a library: line 1: linker script command "hello" is not supported; expected GROUP, INPUT, OUTPUT_FORMAT, OUTPUT_ARCH or SEARCH_DIR',
      ],
      ["long text", Buffer.alloc((1 << 20) + 1, "x"), "is text of 1048577 bytes; a linker script has at most 1048576"],
    ] as const) {
      test(name, async () => {
        const input = work.file(`refused-${name}`, contents);
        await assert.rejects(load([{ kind: "file", path: input }]), {
          name: "ObjectFormatError",
          message: `${input}: ${message}`,
        });
      });
    }

    test("executables", async () => {
      work.object("main.o", "int main(void) { return 0; }");
      work.run("cc", "-no-pie", "main.o", "-o", "fixed");
      work.run("cc", "-pie", "main.o", "-o", "movable");
      await assert.rejects(load([file("fixed")]), {
        message: `${path("fixed")}: is an executable (ET_EXEC), expected ${EXPECTED}`,
      });
      await assert.rejects(load([file("movable")]), {
        message: `${path("movable")}: is a position-independent executable (DF_1_PIE), expected ${EXPECTED}`,
      });
    });

    test("LTO objects without machine code; fat ones are fine", async () => {
      work.object("slim.o", "int x(void) { return 1; }", "-flto", "-fno-fat-lto-objects");
      work.object("fat.o", "int x(void) { return 1; }", "-flto", "-ffat-lto-objects");
      await assert.rejects(load([file("slim.o")]), {
        message: `${path("slim.o")}: holds only gcc's LTO intermediate code, no machine code; recompile without -flto, or with -ffat-lto-objects`,
      });
      assert.deepEqual(await load([file("fat.o")]), ["object fat.o"]);
    });

    test("directories and missing files", async () => {
      work.file("some-directory/file", "");
      await assert.rejects(load([file("some-directory")]), {
        code: "file",
        message: `${path("some-directory")}: is a directory, expected a file`,
      });
      for (const name of ["missing.o", "missing.c"]) {
        await assert.rejects(load([file(name)]), { code: "file", message: `${path(name)}: no such file` });
      }
      await assert.rejects(load([file("a.o/b.o")]), { message: /a\.o\/b\.o: no such file \(a part of its path/ });
    });

    test("a thin archive's missing member, when it is asked for", async () => {
      work.object("soon-gone.o", "int gone;");
      work.run("ar", "rcsT", "stale.a", "soon-gone.o");
      work.run("rm", "soon-gone.o");
      const [input] = await loadInputs([file("stale.a")]);
      assert.ok(input.kind === "archive");
      const [member] = input.archive.members();
      assert.throws(() => member.window(), {
        code: "file",
        message: `${path("stale.a")}: thin archive: ${path("soon-gone.o")}: no such file`,
      });
    });
  });
});
