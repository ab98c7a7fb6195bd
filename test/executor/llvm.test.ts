import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { executorPath } from "./controller.ts";
import { withFolder } from "./fixture.ts";

const HELLO = `
#include <stdio.h>
static int numbers[] = {1, 2, 3, 4};
int main(int argc, char **argv) {
  int sum = 0;
  for (int i = 0; i < 4; i++) sum += numbers[i];
  printf("hello %d %d %s\\n", sum, argc, argc > 1 ? argv[1] : "-");
  fflush(stdout);
  return 7;
}
`;

const JITLINK = ["llvm-jitlink-22", "/usr/lib/llvm-22/bin/llvm-jitlink"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);
const skip = JITLINK || process.env.CI === "true" ? false : "llvm-jitlink is missing: install Debian's llvm-22";

for (const manager of ["default", "generic", "shared", "simple-remote"]) {
  test(`llvm-jitlink with -use-memmgr=${manager} runs a program in the executor`, { skip }, async () => {
    assert.ok(JITLINK, "llvm-jitlink is missing: install Debian's llvm-22");
    await withFolder((folder) => {
      writeFileSync(join(folder, "hello.c"), HELLO);
      const object = join(folder, "hello.o");
      assert.equal(spawnSync("cc", ["-fPIC", "-O1", "-c", join(folder, "hello.c"), "-o", object]).status, 0);
      const args = [`-oop-executor=${executorPath}`, `-use-memmgr=${manager}`, object, "-args", "a", "b c"];
      const { status, stdout, stderr } = spawnSync(JITLINK, args, { encoding: "utf8", timeout: 30_000 });
      assert.equal(stderr, "");
      assert.equal(stdout, "hello 10 2 b c\n");
      assert.equal(status, 7);
      assert.deepEqual(leftBehind(), []);
    });
  });
}

/** Shared memory of executors that are gone; other tests' executors may be running. */
function leftBehind(): string[] {
  return readdirSync("/dev/shm").filter((name) => {
    const pid = /^jitlink_(\d+)_/.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
}
