import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { expandResponseFiles, splitResponseFile } from "../../src/inputs/response-file.ts";
import { splitShellWords } from "../../src/inputs/words.ts";
import { Workspace } from "../formats/archive-fixture.ts";

describe("response files", () => {
  let work: Workspace;
  before(() => {
    work = new Workspace();
  });
  after(() => work.remove());

  for (const [text, words] of [
    ["", []],
    [" \n\t ", []],
    ["a b\nc\r\nd", ["a", "b", "c", "d"]],
    ["'a b' \"c d\" e' 'f", ["a b", "c d", "e f"]],
    ["'' \"\"", ["", ""]],
    ["a\\ b \\'c\\' \\\\", ["a b", "'c'", "\\"]],
    ["'a\\'b' \"c\\\"d\"", ["a'b", 'c"d']],
    ["'\"' \"'\"", ['"', "'"]],
    ["'open to the end", ["open to the end"]],
    ['-DX=\\"s\\"', ['-DX="s"']],
  ] as const) {
    test(`words of ${JSON.stringify(text)}`, () => assert.deepEqual(splitResponseFile(text), words));
  }

  test("gcc splits the same way", () => {
    const path = work.file("gcc.rsp", "-DA='x\\'y' -DB=\"p q\" '-DC=a\\\\b' -DD=\\ z");
    const defined = work.run("gcc", "-E", "-dM", "-xc", "/dev/null", `@${path}`);
    const words = expandResponseFiles([`@${path}`]);
    assert.equal(words.length, 4);
    for (const word of words) {
      const [, name, value] = /^-D(.)=(.*)$/s.exec(word)!;
      assert.ok(defined.includes(`#define ${name} ${value.trimStart()}\n`), `${word} in ${defined}`);
    }
  });

  test("files name files; the order stays", () => {
    const inner = work.file("inner.rsp", "c 'd d'");
    const outer = work.file("outer.rsp", `b @${inner} e`);
    assert.deepEqual(expandResponseFiles(["a", `@${outer}`, "f"]), ["a", "b", "c", "d d", "e", "f"]);
    assert.deepEqual(expandResponseFiles([`@${inner}`, `@${inner}`]), ["c", "d d", "c", "d d"]);
  });

  test("a missing file is an ordinary argument", () => {
    assert.deepEqual(expandResponseFiles(["@/no/such/file", "@"]), ["@/no/such/file", "@"]);
  });

  test("what follows -- is the program's", () => {
    const file = work.file("x.rsp", "x");
    const stop = work.file("stop.rsp", `y -- @${file}`);
    assert.deepEqual(expandResponseFiles([`@${file}`, "--", `@${file}`]), ["x", "--", `@${file}`]);
    assert.deepEqual(expandResponseFiles([`@${stop}`, `@${file}`]), ["y", "--", `@${file}`, `@${file}`]);
  });

  test("a circle is refused and shown", () => {
    const a = work.file("a.rsp", `@${work.path}/b.rsp`);
    const b = work.file("b.rsp", `@${a}`);
    assert.throws(() => expandResponseFiles([`@${a}`]), {
      name: "UsageError",
      message: `response files name each other in a circle: @${a} → @${b} → @${a}`,
    });
  });

  test("a directory is refused", () => {
    assert.throws(() => expandResponseFiles([`@${work.path}`]), { code: "file", message: /is a directory/ });
  });
});

describe("words of CC and CFLAGS", () => {
  for (const [text, words] of [
    ["", []],
    ["ccache  gcc -m64", ["ccache", "gcc", "-m64"]],
    ["-DX='a b' \"c d\"e", ["-DX=a b", "c de"]],
    ['-DS=\\"x\\" \'a\\b\' "a\\b" "a\\"b"', ['-DS="x"', "a\\b", "a\\b", 'a"b']],
    ["'' a", ["", "a"]],
  ] as const) {
    test(JSON.stringify(text), () => {
      assert.deepEqual(splitShellWords(text, "CFLAGS"), words);
      const shell = execFileSync("sh", ["-c", `for word in ${text}; do printf '%s\\n' "$word"; done`], {
        encoding: "utf8",
      });
      assert.deepEqual(shell.split("\n").slice(0, -1), words);
    });
  }

  test("an open quotation is refused", () => {
    assert.throws(() => splitShellWords("-DX='a", "CFLAGS"), {
      name: "UsageError",
      message: "CFLAGS: a quotation opened by ' does not end: -DX='a",
    });
  });
});
