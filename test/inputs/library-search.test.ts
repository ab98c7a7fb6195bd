import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LibrarySearch } from "../../src/inputs/library-search.ts";
import { compareVersions, systemLibraryDirectories } from "../../src/inputs/system-directories.ts";
import { Workspace } from "../formats/archive-fixture.ts";

/** The first bytes of an ELF shared object. */
function elfHeader(elfClass: number, machine: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, elfClass, 1, 1]);
  bytes.writeUInt16LE(3, 16);
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

describe("library search", () => {
  let work: Workspace;
  let search: LibrarySearch;
  before(() => {
    work = new Workspace();
    for (const name of ["one/liba.a", "one/libb.so", "one/libb.a", "two/liba.so", "two/libc.a", "two/exact.o"]) {
      work.file(name, "");
    }
    for (const name of ["three/libv.so.9", "three/libv.so.10.2", "three/libv.so.10.2.bak", "three/libw.so.1"]) {
      work.file(name, "");
    }
    work.file("three/libdirectory.so/file", "");
    work.file("old/libx.so", elfHeader(1, 3));
    work.file("old/liby.so", elfHeader(1, 3));
    work.file("new/libx.so", elfHeader(2, 62));
    search = new LibrarySearch({
      directories: ["one", "two"].map((name) => join(work.path, name)),
      environment: { LIBRARY_PATH: join(work.path, "three") },
      systemDirectories: () => ["old", "new"].map((name) => join(work.path, name)),
    });
  });
  after(() => work.remove());

  const found = (name: string, preferStatic = false) => search.find(name, { preferStatic }).slice(work.path.length + 1);

  test("directories in order; in each, .so before .a", () => {
    assert.equal(found("a"), "one/liba.a");
    assert.equal(found("b"), "one/libb.so");
    assert.equal(found("c"), "two/libc.a");
  });

  test("static: archives only", () => {
    assert.equal(found("b", true), "one/libb.a");
    assert.throws(() => search.find("w", { preferStatic: true }), { message: /^-lw: there is no libw\.a in / });
  });

  test("-l:FILE is that file", () => {
    assert.equal(found(":exact.o"), "two/exact.o");
    assert.equal(found(":liba.so"), "two/liba.so");
  });

  test("without a development link the newest version serves", () => {
    assert.equal(found("v"), "three/libv.so.10.2");
  });

  test("libraries for other machines are passed over, and named if nothing else is found", () => {
    assert.equal(found("x"), "new/libx.so");
    assert.throws(() => search.find("y"), { message: /; not for x86-64: .*old\/liby\.so$/ });
  });

  test("a directory is no library; the error lists what was searched", () => {
    const directories = ["one", "two", "three", "old", "new"].map((name) => join(work.path, name)).join(", ");
    assert.throws(() => search.find("directory"), {
      code: "file",
      message: `-ldirectory: there is no libdirectory.so or libdirectory.a in ${directories}`,
    });
  });

  test("SEARCH_DIR's directories come behind -L's", () => {
    const own = new LibrarySearch({ directories: ["=/a"], environment: {}, systemDirectories: () => ["/s"] });
    own.addDirectory("/b");
    own.addDirectory("/b");
    assert.deepEqual(own.directories, ["/a", "/b", "/s"]);
  });

  test("an empty part of LIBRARY_PATH is the working directory", () => {
    const own = new LibrarySearch({ environment: { LIBRARY_PATH: "/a::/b" }, systemDirectories: () => [] });
    assert.deepEqual(own.directories, ["/a", ".", "/b"]);
  });
});

describe("the system's library directories", () => {
  let work: Workspace;
  before(() => {
    work = new Workspace();
  });
  after(() => work.remove());

  test("the newest complete gcc first, then the directories that exist", () => {
    for (const version of ["9", "12", "13.2.1"]) work.file(`usr/lib/gcc/x86_64-redhat-linux/${version}/libgcc.a`, "");
    work.file("usr/lib/gcc/x86_64-redhat-linux/14/include/stddef.h", "");
    work.file("usr/lib/gcc/x86_64-w64-mingw32/15/libgcc.a", "");
    work.file("usr/lib/gcc/aarch64-linux-gnu/15/libgcc.a", "");
    work.file("usr/lib64/libc.so", "");
    work.file("usr/local/lib/libx.so", "");
    work.run("ln", "-s", "usr/lib64", "lib64");
    assert.deepEqual(
      systemLibraryDirectories(work.path).map((path) => path.slice(work.path.length + 1)),
      ["usr/lib/gcc/x86_64-redhat-linux/13.2.1", "usr/lib64", "usr/lib", "usr/local/lib"],
    );
  });

  for (const triple of ["x86_64-linux-gnu", "x86_64-pc-linux-gnu", "x86_64-alpine-linux-musl", "x86_64-linux-musl"]) {
    test(`gcc for ${triple}`, () => {
      const root = join(work.path, triple);
      work.file(`${triple}/usr/lib/gcc/${triple}/12/libgcc.a`, "");
      assert.equal(systemLibraryDirectories(root)[0], join(root, `usr/lib/gcc/${triple}/12`));
    });
  }

  test("versions are compared by number", () => {
    assert.ok(compareVersions("10", "9.5") > 0);
    assert.ok(compareVersions("1.2", "1.2.1") < 0);
    assert.equal(compareVersions("1.2", "1.2"), 0);
  });

  test("this system: the directory of gcc and those where gcc finds its libraries", () => {
    const directories = systemLibraryDirectories().map((path) => realpathSync(path));
    for (const file of ["libgcc.a", "libc.so", "libstdc++.so"]) {
      const path = execFileSync("gcc", [`-print-file-name=${file}`], { encoding: "utf8" }).trim();
      if (path === file) continue; // Not installed.
      const directory = realpathSync(join(path, ".."));
      assert.ok(directories.includes(directory), `${directory} of ${file} is not in ${directories}`);
    }
  });
});
