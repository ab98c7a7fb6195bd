import { compile } from "../support/compile.ts";

/** Objects for runs in which something goes wrong; each says its process's number before it waits. */
const sources = {
  hello: `#include <stdio.h>
int main(void) { puts("hello"); return 0; }
`,
  /** More than an executor has room for, so that it is started a second time. */
  threadLocals: `#include <stdio.h>
_Thread_local volatile char block[8192] = {1};
int main(void) { puts(block[0] == 1 ? "hello" : "no"); return 0; }
`,
  spins: `#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\\n", getpid()); fflush(stdout); for (volatile int i = 0;; i++) continue; }
`,
  spinsWithThreads: `#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void *spin(void *unused) { for (volatile int i = 0;; i++) continue; return unused; }
int main(void) {
  sigset_t all;
  pthread_t thread;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, 0);
  for (int i = 0; i < 3; i++) pthread_create(&thread, 0, spin, 0);
  printf("%d\\n", getpid());
  fflush(stdout);
  spin(0);
}
`,
  /** Does not want to end with its parent, ignores what can be ignored. */
  clings: `#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void) {
  prctl(PR_SET_PDEATHSIG, 0);
  for (int i = 1; i < 32; i++) signal(i, SIG_IGN);
  setsid();
  printf("%d\\n", getpid());
  fflush(stdout);
  for (;;) pause();
}
`,
  /** Is stopped by itself. */
  stops: `#include <signal.h>
#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\\n", getpid()); fflush(stdout); for (;;) raise(SIGSTOP); }
`,
  /** Spins in an exit handler. */
  exits: `#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void linger(void) { printf("%d\\n", getpid()); fflush(stdout); for (;;) pause(); }
int main(void) { atexit(linger); return 3; }
`,
  /** Has become another program. */
  executes: `#include <stdio.h>
#include <unistd.h>
int main(void) { printf("%d\\n", getpid()); fflush(stdout); execl("/bin/sleep", "sleep", "600", (char *)0); return 9; }
`,
  /** Has a child of its own, which holds what fork(2) gave it. */
  forks: `#include <stdio.h>
#include <unistd.h>
int main(void) {
  pid_t child = FORK;
  if (child == 0) for (;;) pause();
  printf("%d %d\\n", getpid(), child);
  fflush(stdout);
  for (;;) pause();
}
`,
} as const;

/** The object of one of the programs. */
export function program(name: keyof typeof sources, ...flags: string[]): Promise<string> {
  return compile(["cc", "-O1", "-w", "-D_GNU_SOURCE", ...flags], `${name}.c`, sources[name]);
}
