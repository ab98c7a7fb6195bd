import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../support/process.ts";
import { has } from "../support/tools.ts";
import { packageRoot } from "../support/workspace.ts";
import { pack } from "./support.ts";

const tool = (name: string) => join(packageRoot, "node_modules", ".bin", name);

test("the package holds what runs without a compiler", async () => {
  const { files } = await pack();
  const modes = new Map(files.map(({ path, mode }) => [path, mode]));
  const needed = [
    ...["dist/src/index.js", "dist/src/index.d.ts", "dist/slablink.cjs", "dist/kernel.wasm", "bin/slablink"],
    ...[
      "executor/build/slablink-services.so",
      "executor/build/slablink-interpose.o",
      "executor/build/slablink-calls.o",
      "LICENSE",
      "README.md",
    ],
    ...["CHANGELOG.md", "SECURITY.md", "docs/limits.md"],
    // For a C library that is older than the one it was built with.
    ...["scripts/build-executor.mjs", "executor/main.c"],
  ];
  assert.deepEqual(
    needed.filter((path) => !modes.has(path)),
    [],
  );
  assert.equal(modes.get("executor/build/slablink-executor"), 0o755);
});

test("the package holds nothing of the workplace", async () => {
  const { files } = await pack();
  const strange =
    /(^|\/)(test|node_modules|\.[^/]*)\/|\.(cache|tgz|tsbuildinfo)$|^(docs\/(api|reference)\/|scripts\/(?!build-executor))/;
  assert.deepEqual(
    files.map(({ path }) => path).filter((path) => strange.test(path)),
    [],
  );
});

test("source maps lead to sources that are in the package", async () => {
  const { files } = await pack();
  const paths = new Set(files.map(({ path }) => path));
  const maps = [...paths].filter((path) => path.startsWith("dist/src/") && path.endsWith(".js.map"));
  assert.ok(maps.length > 100, `${maps.length} maps`);
  const lost = maps.filter((path) => {
    const { sources } = JSON.parse(readFileSync(join(packageRoot, path), "utf8"));
    return !sources.every((source: string) => paths.has(join(path, "..", source)));
  });
  assert.deepEqual(lost, []);
});

test("publint finds nothing", async () => {
  const { path } = await pack();
  const { status, stdout, stderr } = await run(tool("publint"), ["run", path, "--strict"]);
  assert.equal(status, 0, stdout + stderr);
});

test("attw finds that types and modules agree", async () => {
  const { path } = await pack();
  const { status, stdout, stderr } = await run(tool("attw"), [
    path,
    "--profile",
    "esm-only",
    "--no-emoji",
    "--no-color",
  ]);
  assert.equal(status, 0, stdout + stderr);
});

/** Ubuntu 22.04, Debian 12, Red Hat 9 and everything later. What is older builds the executor with its own compiler. */
const oldestLibrary = [2, 34];

for (const name of ["slablink-executor", "slablink-services.so"]) {
  test(`${name} asks for no C library newer than ${oldestLibrary.join(".")}`, async (context) => {
    if (!has(context, "readelf")) return;
    const words = ["--version-info", "--wide", join(packageRoot, "executor", "build", name)];
    const { stdout } = await run("readelf", words, { env: { LC_ALL: "C" } });
    const versions = [...stdout.matchAll(/Name: GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [+major, +minor]);
    assert.ok(versions.length > 0, stdout);
    const newer = versions.filter(([major, minor]) => major > oldestLibrary[0] || minor > oldestLibrary[1]);
    assert.deepEqual(newer, []);
  });
}
