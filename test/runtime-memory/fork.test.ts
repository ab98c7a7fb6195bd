import assert from "node:assert/strict";
import { test } from "node:test";
import { viewSymbol } from "slablink";
import { inSession, link, sharedWays } from "./sessions.ts";

const source = `
  #include <stdlib.h>
  #include <string.h>
  #include <sys/wait.h>
  #include <unistd.h>
  int number = 1;
  int zero[1 << 20];
  char sparse[200 << 20];
  char *given;                                       /* allocated memory */
  static int child_says(int (*child)(int), int ends[2]) {
    int status;
    char go = 1;
    pid_t pid = fork();
    if (pid == 0) {
      close(ends[1]);
      if (read(ends[0], &go, 1) != 1) _exit(99);     /* the parent has written by now */
      _exit(child(number));
    }
    number = 2;
    zero[1000] = 2;
    sparse[150 << 20] = 2;
    if (given) given[5] = 2;
    if (write(ends[1], &go, 1) != 1) return -1;
    if (waitpid(pid, &status, 0) != pid) return -2;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -3;
  }
  static int child(int seen) {
    int sum = seen + zero[1000] + sparse[150 << 20] + (given ? given[5] : 1);
    number = zero[1000] = zero[5] = 77;
    sparse[150 << 20] = sparse[1] = 77;
    if (given) memset(given, 77, 64);
    return sum;
  }
  static int grandchild(int seen) {
    int status;
    pid_t pid = fork();
    if (pid == 0) _exit(child(seen));
    number = 50;
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
  }
  static int run(int (*child)(int)) {
    int ends[2];
    if (pipe(ends)) return -4;
    number = zero[1000] = sparse[150 << 20] = 1;
    if (given) given[5] = 1;
    int said = child_says(child, ends);
    close(ends[0]);
    close(ends[1]);
    return said;
  }
  int with_child(void) { return run(child); }
  int with_grandchild(void) { return run(grandchild); }
  int with_system(void) { return system("exit 7") >> 8; }
  int descriptors(void) {
    int first = dup(0);
    close(first);
    return first;
  }
`;

for (const way of sharedWays) {
  test(`${way.name}: a forked child has a copy of shared data, as of the moment of the fork`, async () => {
    await inSession(way, async (session) => {
      const { dylib, job, call } = await link(session, source);
      const given = await session.allocate(Uint8Array, 4096);
      viewSymbol(session, dylib, "given", BigUint64Array)[0] = BigInt(session.memory.addressOf(given)!);
      const number = viewSymbol(session, dylib, "number", Int32Array);
      const zero = viewSymbol(session, dylib, "zero", Int32Array);
      const sparse = viewSymbol(session, job, "sparse", Int8Array);
      const before = await call("descriptors");
      for (const name of ["with_child", "with_grandchild"]) {
        number[0] = 0;
        assert.equal(await call(name), 4, `${name}: it sees nothing that its parent wrote later`);
        const seen = [number[0], zero[1000], zero[5], sparse[150 * 2 ** 20], sparse[1], given[5], given[6]];
        assert.deepEqual(seen, [2, 2, 0, 2, 0, 2, 0], `${name}: nor does anybody see what it wrote`);
      }
      assert.equal(await call("with_system"), 7);
      assert.equal(await call("descriptors"), before, "and no descriptor is left");
    });
  });
}
