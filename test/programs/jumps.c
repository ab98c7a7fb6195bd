// setjmp, sigsetjmp out of a fault, compilers' own jumps, and contexts.
// compile: {gcc,clang-22} -O{0,2} {-fPIE,-fPIC}
// compile: gcc -O2 -fno-pic -D_FORTIFY_SOURCE=2 -fcf-protection
#include <setjmp.h>
#include <stdio.h>
#include <signal.h>
#include <ucontext.h>
#include <stdlib.h>
#include <string.h>
static jmp_buf j; static sigjmp_buf s;
static void *bj[5];
__attribute__((noinline)) void deep(int n) { volatile char b[100]; b[0] = n; if (n) deep(n - 1); else longjmp(j, 3); (void)b; }
__attribute__((noinline)) void bdeep(int n) { volatile char b[100]; b[0] = n; if (n) bdeep(n - 1); else __builtin_longjmp(bj, 1); (void)b; }
static void on(int x) { siglongjmp(s, x); }
static ucontext_t m, c; static int steps;
static void co(int x) { for (int i = 0; i < 3; i++) { steps += x; swapcontext(&c, &m); } }
__attribute__((noinline)) int bset(void) { if (__builtin_setjmp(bj) == 0) { bdeep(10); return 0; } return 7; }
int main(void) {
  volatile int n = 0;
  int r = setjmp(j); if (n++ < 2) deep(50);
  printf("%d %d\n", r, n);
  printf("%d\n", bset());
  signal(SIGSEGV, on);
  for (volatile int i = 0; i < 3; i++) if (!(r = sigsetjmp(s, 1))) *(volatile int *)0 = 1; else printf("signal %d\n", r);
  getcontext(&c); c.uc_stack.ss_sp = malloc(65536); c.uc_stack.ss_size = 65536; c.uc_link = &m; makecontext(&c, (void (*)(void))co, 1, 5);
  for (int i = 0; i < 3; i++) swapcontext(&m, &c);
  printf("%d\n", steps);
  return 0;
}
