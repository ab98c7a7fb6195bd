import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { slablink } from "../support/slablink.ts";
import { freshDirectory } from "../support/workspace.ts";

/** Lists its own descriptors, and those of programs that it starts in every way there is. */
const SOURCE = `
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(void) {
  /* The shell alone: a pipe of its own would be seen now and then. */
  char *words[] = {"sh", "-c", "cd /proc/$$/fd && echo *", 0};
  pid_t child;
  int status;
  system(words[2]);
  posix_spawn(&child, "/bin/sh", 0, 0, words, environ);
  waitpid(child, &status, 0);
  if ((child = fork()) == 0) execv("/bin/sh", words);
  waitpid(child, &status, 0);
  if ((child = vfork()) == 0) { execv("/bin/sh", words); _exit(1); }
  waitpid(child, &status, 0);
  FILE *stream = popen(words[2], "r");
  for (int c; (c = getc(stream)) != EOF;) putchar(c);
  pclose(stream);
  fflush(stdout);
  execv("/bin/sh", words);
}
`;

test("programs that linked code starts get the descriptors that they get from an ordinary program", async () => {
  const folder = freshDirectory();
  const [source, object, program] = ["list.c", "list.o", "list"].map((name) => join(folder, name));
  writeFileSync(source, SOURCE);
  assert.equal(spawnSync("cc", ["-c", source, "-o", object]).status, 0);
  assert.equal(spawnSync("cc", [object, "-o", program]).status, 0);
  const expected = spawnSync(program, { encoding: "utf8" }).stdout;
  assert.equal(expected.trim().split("\n").length, 6);
  for (const memory of ["shared", "rpc"]) {
    const { stdout, stderr } = await slablink(["run", "--memory", memory, object]);
    assert.equal(stderr, "");
    assert.equal(stdout, expected, memory);
  }
});
