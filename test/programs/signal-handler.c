// Signals that the program raises and handles itself, on its own stack and on an alternative one; a mask; a timer.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static sigjmp_buf back;
static char *alternative, *inside;

static void count(int signal) { seen += signal; }
static void fault(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  char here;
  inside = &here;
  siglongjmp(back, info->si_addr == (void *)16 ? 2 : 1);
}

int main(void) {
  signal(SIGUSR1, count);
  raise(SIGUSR1);
  kill(getpid(), SIGUSR1);
  while (seen < 2 * SIGUSR1) usleep(1000);
  printf("SIGUSR1 twice\n");

  size_t size = 64 * 1024;
  alternative = malloc(size);
  stack_t stack = {.ss_sp = alternative, .ss_size = size};
  sigaltstack(&stack, NULL);
  struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigaction(SIGSEGV, &action, NULL);
  int jumped = sigsetjmp(back, 1);
  if (jumped == 0) *(volatile int *)16 = 1;
  printf("fault caught: %d, on the alternative stack: %d\n", jumped, inside > alternative && inside < alternative + size);

  seen = 0;
  signal(SIGALRM, count);
  struct itimerval timer = {.it_value = {.tv_usec = 5000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  while (seen == 0) usleep(1000);
  printf("SIGALRM\n");
  return 0;
}
