import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { parseLinkerScript, type ScriptEntry } from "../../src/formats/linker-script.ts";

function path(name: string, group = 0, asNeeded = false): ScriptEntry {
  return { kind: "path", name, asNeeded, group };
}

describe("linker scripts in a library's place", () => {
  test("glibc's libc.so", () => {
    const text = `/* GNU ld script
   Use the shared library, but some functions are only in
   the static library, so try that secondarily.  */
OUTPUT_FORMAT(elf64-x86-64)
GROUP ( /lib/x86_64-linux-gnu/libc.so.6 /usr/lib/x86_64-linux-gnu/libc_nonshared.a  AS_NEEDED ( /lib64/ld-linux-x86-64.so.2 ) )
`;
    assert.deepEqual(parseLinkerScript(text, "libc.so"), [
      path("/lib/x86_64-linux-gnu/libc.so.6", 1),
      path("/usr/lib/x86_64-linux-gnu/libc_nonshared.a", 1),
      path("/lib64/ld-linux-x86-64.so.2", 1, true),
    ]);
  });

  test("files, libraries, directories and commas, in order", () => {
    const text = 'INPUT(libncurses.so.6, -ltinfo "a name" -l:exact.a)SEARCH_DIR(=/opt/lib);SEARCH_DIR("/o p t")';
    assert.deepEqual(parseLinkerScript(text, "x.so"), [
      path("libncurses.so.6"),
      { kind: "library", name: "tinfo", asNeeded: false, group: 0 },
      path("a name"),
      { kind: "library", name: ":exact.a", asNeeded: false, group: 0 },
      { kind: "search-dir", name: "/opt/lib", asNeeded: false, group: 0 },
      { kind: "search-dir", name: "/o p t", asNeeded: false, group: 0 },
    ]);
  });

  test("AS_NEEDED may be nested and ends with its parenthesis", () => {
    const text = "GROUP(a.so AS_NEEDED(b.so AS_NEEDED(c.so) d.so) e.so) GROUP(f.a)";
    assert.deepEqual(parseLinkerScript(text, "x.so"), [
      path("a.so", 1),
      path("b.so", 1, true),
      path("c.so", 1, true),
      path("d.so", 1, true),
      path("e.so", 1),
      path("f.a", 2),
    ]);
  });

  test("there is no sysroot to prefix", () => {
    const text = "INPUT(=/usr/lib/a.a $SYSROOT/usr/lib/b.a)";
    assert.deepEqual(parseLinkerScript(text, "x.so"), [path("/usr/lib/a.a"), path("/usr/lib/b.a")]);
  });

  test("a name ends at a comment, and slashes do not begin one", () => {
    assert.deepEqual(parseLinkerScript("INPUT(a/b.o/* c.o */d.o)", "x.so"), [path("a/b.o"), path("d.o")]);
  });

  test("OUTPUT_FORMAT with three names", () => {
    assert.deepEqual(parseLinkerScript('OUTPUT_FORMAT("a", "b", "c") OUTPUT_ARCH(i386:x86-64)', "x.so"), []);
  });

  for (const [text, message] of [
    ["\n\nSECTIONS { }", /^x\.so: line 3: linker script command "SECTIONS" is not supported; expected GROUP, INPUT/],
    ["INPUT(a.o", /^x\.so: the linker script ends, expected "\)" after INPUT$/],
    ["INPUT a.o", /^x\.so: line 1: "a\.o" in INPUT, expected "\("$/],
    ["GROUP(a.o (b.o))", /line 1: "\(" inside GROUP, expected a file name/],
    ["GROUP(AS_NEEDED a.o)", /"a\.o" in AS_NEEDED, expected "\("/],
    ["/* open", /^x\.so: line 1: the comment does not end$/],
    ['INPUT("a.o\n")', /^x\.so: line 1: a quoted name does not end on its line$/],
    ["SEARCH_DIR(a b)", /"b" in SEARCH_DIR, expected "\)"/],
    ['INPUT("")', /"" inside INPUT, expected a file name/],
    [")", /command "\)" is not supported/],
  ] as const) {
    test(`refused: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseLinkerScript(text, "x.so"), { name: "ObjectFormatError", message });
    });
  }

  const installed = ["libc.so", "libm.so", "libm.a", "libncurses.so", "libtermcap.so"];
  for (const file of installed.map((name) => `/usr/lib/x86_64-linux-gnu/${name}`).filter(existsSync)) {
    test(`${file} names files that exist`, () => {
      const entries = parseLinkerScript(readFileSync(file, "utf8"), file);
      assert.ok(entries.length > 0);
      for (const { kind, name } of entries) {
        if (kind === "path" && name.startsWith("/")) assert.ok(existsSync(name), name);
      }
    });
  }
});
