import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { executorPath } from "../../src/index.ts";
import { compile, mustRun } from "../support/compile.ts";
import { run } from "../support/process.ts";
import { type Mode, modesUnderTest, runIn, slablink } from "../support/slablink.ts";
import { findLibrary, has } from "../support/tools.ts";
import { freshDirectory } from "../support/workspace.ts";

/** Prints what a program can ask the C library about actions and stacks of signals, while it changes them; flags of the default action mean nothing. */
const asks = `
  #define _GNU_SOURCE
  #include <setjmp.h>
  #include <signal.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <sys/wait.h>
  #include <unistd.h>
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGUSR1, SIGPIPE};
  static sigjmp_buf back;
  static void plain(int number) { siglongjmp(back, number); }
  static void full(int number, siginfo_t *info, void *context) { (void)context; siglongjmp(back, number + (info->si_addr != (void *)8)); }
  static void show(const char *what) {
    printf("%s:", what);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
      struct sigaction now;
      sigaction(signals[i], NULL, &now);
      printf(" %s/%x", now.sa_handler == SIG_DFL ? "default" : now.sa_handler == SIG_IGN ? "ignore" : now.sa_handler == plain ? "plain" : "full",
             now.sa_handler == SIG_DFL ? 0 : (unsigned)now.sa_flags);
    }
    stack_t stack;
    sigaltstack(NULL, &stack);
    printf(" stack %d %zu\\n", stack.ss_flags, stack.ss_size);
  }
  static char room[65536];
  int main(void) {
    show("first");
    for (int i = 0; i < 7; i++) printf("%d", signal(signals[i], plain) == SIG_DFL);
    for (int i = 0; i < 7; i++) printf("%d", signal(signals[i], SIG_IGN) == plain);
    for (int i = 0; i < 7; i++) printf("%d", signal(signals[i], SIG_DFL) == SIG_IGN);
    printf("%d%d\\n", sysv_signal(SIGSEGV, SIG_DFL) == SIG_DFL, signal(1000, SIG_DFL) == SIG_ERR);
    show("back");
    struct sigaction action = {.sa_sigaction = full, .sa_flags = SA_SIGINFO | SA_ONSTACK}, before;
    stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    printf("%d %d\\n", sigaltstack(&stack, NULL), sigaction(SIGSEGV, &action, &before));
    show("set");
    int number = sigsetjmp(back, 1);
    if (number == 0) *(volatile int *)8 = 1;
    printf("caught %d\\n", number);
    sigaction(SIGSEGV, &before, &action);
    printf("%d\\n", action.sa_sigaction == full);
    action.sa_flags |= SA_RESETHAND;
    sigaction(SIGSEGV, &action, NULL);
    number = sigsetjmp(back, 1);
    if (number == 0) *(volatile int *)8 = 1;
    show("reset");
    fflush(stdout);
    if (fork() == 0) {
      show("child");
      fflush(stdout);
      abort();
    }
    int status;
    wait(&status);
    printf("child %d\\n", WTERMSIG(status));
    fflush(stdout);
    if (fork() == 0) {
      execl("/bin/sh", "sh", "-c", "grep SigCgt /proc/self/status; kill -SEGV $$", (char *)0);
    }
    wait(&status);
    printf("shell %d\\n", WTERMSIG(status));
    fflush(stdout);
    signal(SIGFPE, SIG_DFL);
    raise(SIGFPE);
    return 0;
  }`;

// In this process they are Node's, which has one for SIGSEGV.
for (const mode of (["shared", "rpc"] as Mode[]).filter((each) => modesUnderTest.includes(each))) {
  test(`${mode}: a program sees the actions of signals that it would see`, async () => {
    const object = await compile(["gcc", "-O1"], "test.c", asks);
    const executable = join(freshDirectory(), "reference");
    await mustRun("gcc", ["-o", executable, object]);
    const { status, stdout } = await run(executable, []);
    const actual = await runIn(mode, [object], { timeout: 120_000 });
    assert.deepEqual({ status: actual.status, stdout: actual.stdout }, { status, stdout });
    assert.match(actual.stderr, /^slablink: program ended by SIGFPE: it sent that to itself$/m);
  });
}

test("what CPython's faulthandler says comes first, then the report", async (t) => {
  if (!has(t, "libpython3.11-pic.a")) return;
  const object = await compile(
    ["gcc"],
    "python.c",
    "int Py_BytesMain(int, char **);\nint main(int count, char **words) { return Py_BytesMain(count, words); }",
  );
  const code = "import faulthandler as f; f.enable(); f._sigsegv()";
  const words = [object, findLibrary("libpython3.11-pic.a")!, "-lexpat", "-lz", "-lm", "--", "-c", code];
  const { status, stderr } = await slablink(["run", ...words], { timeout: 120_000 });
  assert.equal(status, 139);
  assert.match(
    stderr,
    /^Fatal Python error: Segmentation fault\n[\s\S]*\nslablink: program ended by SIGSEGV: [^\n]*\n/,
  );
  assert.match(stderr, /\nslablink: {3}#\d+ 0x[0-9a-f]+ \S+ \(.*libpython3\.11-pic\.a\(\w+\.o\), \.text\S*\)/);
});

test("a crash behind a command is told of too", async () => {
  const object = await compile(["gcc", "-O1", "-g"], "test.c", "int main(void) {\n  __builtin_trap();\n}");
  const command = `'${executorPath()}' --stdio`;
  const { status, stderr } = await slablink(["run", "--executor-command", command, object], { timeout: 120_000 });
  assert.equal(status, 132, stderr);
  assert.match(stderr, /^slablink: program ended by SIGILL: there is no such instruction at 0x[0-9a-f]+\n/m);
  assert.match(stderr, /^slablink: {3}#0 0x[0-9a-f]+ main\+0x[0-9a-f]+ \(.*test\.o, \.text\S*\) at .*test\.c:2$/m);
});
