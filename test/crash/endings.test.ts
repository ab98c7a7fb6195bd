import assert from "node:assert/strict";
import { test } from "node:test";
import { compile } from "../support/compile.ts";
import { type Mode, modesUnderTest, runIn } from "../support/slablink.ts";
import { tableRow } from "../support/table.ts";

interface Ending {
  readonly program: string;
  readonly source: string;
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly words?: readonly string[];
  readonly status: number;
  /** Behind "slablink: program ended by "; addresses and numbers of processes as in `said`. Nothing: an empty text. */
  readonly says: string;
  readonly modes?: readonly Mode[];
}

const everywhere: readonly Mode[] = ["shared", "rpc", "in-process"];
const ways = `
  #include <assert.h>
  #include <pthread.h>
  #include <signal.h>
  #include <stdlib.h>
  #include <sys/mman.h>
  #include <unistd.h>
  static const int constant[4] = {1};
  static void *null(void) { void *volatile p = 0; return p; }
  static int deeper(volatile int *p) { volatile int a[100]; a[0] = *p; return deeper(a) + a[0]; }
  static void *thread(void *p) { *(volatile int *)null() = 1; return p; }
  __attribute__((noinline)) static int smash(void) {
    volatile char a[16];
    for (int i = 0; i < 64; i++) a[i] = 1;
    return a[3];
  }
`;
const program = (body: string) => `${ways} int main(void) { volatile int zero = 0; (void)zero; ${body} return 0; }`;

const endings: readonly Ending[] = [
  { program: "returns 3", source: program("return 3;"), status: 3, says: "", modes: everywhere },
  { program: "`exit(4)`", source: program("exit(4);"), status: 4, says: "", modes: everywhere },
  { program: "`_exit(5)`", source: program("_exit(5);"), status: 5, says: "", modes: everywhere },
  {
    program: "reads through a null pointer",
    source: program("return *(volatile int *)null();"),
    status: 139,
    says: "SIGSEGV: it read from 0x0, where nothing is mapped",
    modes: ["shared", "rpc"],
  },
  {
    program: "writes to a constant",
    source: program("*(volatile int *)(constant + 1) = 2;"),
    status: 139,
    says: "SIGSEGV: it wrote to ADDRESS, which it may not write (constant in .rodata of OBJECT)",
  },
  {
    program: "calls a null pointer",
    source: program("((void (*)(void))null())();"),
    status: 139,
    says: "SIGSEGV: it jumped to 0x0, where nothing is mapped",
  },
  {
    program: "calls a constant",
    source: program("((void (*)(void))constant)();"),
    status: 139,
    says: "SIGSEGV: it jumped to ADDRESS, which holds no code (constant in .rodata of OBJECT)",
  },
  {
    program: "reads from an address with wrong upper bits",
    source: program("return *(volatile int *)0xdead000000000000;"),
    status: 139,
    says: "SIGSEGV: it used an address that no memory can have, or an operand that must be aligned and is not",
  },
  {
    program: "writes to the last address",
    source: program("*(volatile char *)-1 = 1;"),
    status: 139,
    says: "SIGSEGV: it wrote to 0xffffffffffffffff, where nothing is mapped",
  },
  {
    program: "recurses without end",
    source: program("int one = 1; return deeper(&one);"),
    flags: ["-O0"],
    status: 139,
    says: "SIGSEGV: its stack has overflowed at ADDRESS",
    modes: ["shared", "rpc"],
  },
  {
    program: "reads behind the end of a mapped file",
    source: program(`
      char name[] = "/tmp/slablink-test-XXXXXX";
      int fd = mkstemp(name);
      unlink(name);
      return *(volatile char *)mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);`),
    status: 135,
    says: "SIGBUS: it read from ADDRESS: the mapped file or memory ends before",
  },
  {
    program: "divides by zero",
    source: program("return 7 / zero;"),
    status: 136,
    says: "SIGFPE: it divided an integer by zero, or the quotient is too large",
  },
  {
    program: "`__builtin_trap()`",
    source: program("__builtin_trap();"),
    status: 132,
    says: "SIGILL: there is no such instruction at ADDRESS",
  },
  {
    program: "`int3`",
    source: program('__asm__("int3");'),
    status: 133,
    says: "SIGTRAP: it ran into a trap instruction",
  },
  {
    program: "`abort()`",
    source: program("abort();"),
    status: 134,
    says: "SIGABRT: it called abort()",
    modes: ["shared", "rpc"],
  },
  {
    program: "a failed assertion",
    source: program("assert(zero);"),
    status: 134,
    says: "SIGABRT: an assertion failed",
  },
  {
    program: "overwrites its part of the stack",
    source: program("return smash();"),
    flags: ["-fstack-protector-all", "-O1"],
    status: 134,
    says: "SIGABRT: a function found its part of the stack overwritten",
  },
  {
    program: "throws what nobody catches",
    name: "test.cc",
    source: "int main() { throw 1; }",
    words: ["-lstdc++", "-lgcc_s"],
    status: 134,
    says: "SIGABRT: nobody caught a C++ exception",
    modes: ["shared", "rpc"],
  },
  {
    program: "an exception that leaves `noexcept`",
    name: "test.cc",
    source: "void f() noexcept { throw 1; }\nint main() { f(); }",
    words: ["-lstdc++", "-lgcc_s"],
    status: 134,
    says: "SIGABRT: nobody caught a C++ exception",
  },
  {
    program: "`std::terminate()`",
    name: "test.cc",
    source: "#include <exception>\nint main() { std::terminate(); }",
    words: ["-lstdc++"],
    status: 134,
    says: "SIGABRT: it called std::terminate()",
  },
  {
    program: "a thread of it crashes",
    source: program("pthread_t t; pthread_create(&t, 0, thread, 0); pthread_join(t, 0);"),
    status: 139,
    says: "SIGSEGV: it wrote to 0x0, where nothing is mapped",
  },
  {
    program: "`raise(SIGSEGV)`",
    source: program("raise(SIGSEGV);"),
    status: 139,
    says: "SIGSEGV: it sent that to itself",
  },
  {
    program: "another process sends SIGSEGV",
    source: program("if (fork() == 0) { kill(getppid(), SIGSEGV); _exit(0); } for (;;) pause();"),
    status: 139,
    says: "SIGSEGV: process N sent it",
  },
  {
    program: "`kill -9`",
    source: program("kill(getpid(), SIGKILL); pause();"),
    status: 137,
    says: "SIGKILL",
    modes: ["shared", "rpc"],
  },
  { program: "`raise(SIGTERM)`", source: program("raise(SIGTERM);"), status: 143, says: "SIGTERM" },
  {
    program: "`raise(SIGRTMIN + 3)`",
    source: program("raise(SIGRTMIN + 3);"),
    status: 165,
    says: "signal 37",
    modes: ["shared", "rpc"],
  },
  {
    program: "its own handler ends it with `_exit(6)`",
    source: `${ways} static void on(int s) { _exit(s - 5); }\nint main(void) { signal(SIGSEGV, on); return *(volatile int *)null(); }`,
    status: 6,
    says: "",
    modes: everywhere,
  },
  {
    program: "its own handler puts SIG_DFL back",
    source: `${ways} static void on(int s) { signal(s, SIG_DFL); }\nint main(void) { signal(SIGSEGV, on); return *(volatile int *)null(); }`,
    status: 139,
    says: "SIGSEGV: it read from 0x0, where nothing is mapped",
  },
  {
    program: "it has SIGABRT blocked and ignored before `abort()`",
    source: program(
      "sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, 0); signal(SIGABRT, SIG_IGN); abort();",
    ),
    status: 134,
    says: "SIGABRT",
  },
  {
    program: "a forked child of it crashes",
    source: `${ways}
      #include <stdio.h>
      #include <sys/wait.h>
      int main(void) {
        int status;
        if (fork() == 0) return *(volatile int *)null();
        wait(&status);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 1;
      }`,
    status: 11,
    says: "",
  },
];

/** The text behind the first words, with what differs from run to run as in the table. */
function said(stderr: string): string {
  const line = /^slablink: program ended by (.*)$/m.exec(stderr)?.[1] ?? "";
  return line
    .replace(/0x[0-9a-f]{5,15}\b/g, "ADDRESS")
    .replace(/process \d+/, "process N")
    .replace(/[\w./-]+\.o\b/, "OBJECT");
}

for (const ending of endings) {
  const { program: name, source, flags = ["-O1"], words = [], status, says } = ending;
  const modes: readonly Mode[] = ending.modes ?? ["shared"];
  for (const mode of modes.filter((each) => modesUnderTest.includes(each))) {
    test(`${mode}: ${name}`, async () => {
      const object = await compile(["gcc", ...flags], ending.name ?? "test.c", source);
      const outcome = await runIn(mode, [object, ...words], { timeout: 120_000 });
      assert.deepEqual({ status: outcome.status, says: said(outcome.stderr) }, { status, says }, outcome.stderr);
      tableRow("endings", name, mode, `${status}`, says || "nothing");
    });
  }
}
