// The ways in which a program ends, one a run: what runs, in which order, what is flushed, which status the parent sees.
// The program runs itself as its children, by fork: they end as a process does that never was anything else.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// status: 44
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int way;
static void with_status(int status, void *argument) { printf("on_exit %d %s\n", status, (char *)argument); }
static void last(void) { printf("registered last\n"); }
static void nested(void) { printf("registered by a handler\n"); }
static void first(void) {
  printf("registered first\n");
  atexit(nested);
  if (way == 1) exit(7);
}
static void quick(void) {
  printf("at_quick_exit\n");
  fflush(stdout);
}
static void *exits(void *x) { return exit(33), x; }
static void *ends_main(void *main_thread) {
  pthread_join(*(pthread_t *)main_thread, NULL);
  exit(34);
}
static void aborted(int signal) {
  printf("signal %d\n", signal);
  fflush(stdout);
  if (way == 9) _exit(45);
}
__attribute__((destructor)) static void fini(void) { printf("destructor\n"); }

static int end(void) {
  static pthread_t main_thread;
  pthread_t thread;
  main_thread = pthread_self();
  printf("way %d\n", way);
  switch (way) {
    case 0: return 300;
    case 1: return 1;
    case 2: quick_exit(9);
    case 3: _exit(11);
    case 4: _Exit(12);
    case 5: return pthread_create(&thread, NULL, exits, NULL), pthread_join(thread, NULL), 1;
    case 6: exit(-1);
    case 7: abort();
    case 8: return signal(SIGABRT, aborted), abort(), 1;
    case 9: return signal(SIGABRT, aborted), abort(), 1;
    case 10: return signal(SIGABRT, SIG_IGN), abort(), 1;
    case 11: return fclose(stdout), 13;
    case 12: return close(1), 14;
    case 13: return raise(SIGTERM), 1;
    case 14: return raise(SIGKILL), 1;
    case 15: return setvbuf(stdout, NULL, _IOFBF, 1 << 16), memset(malloc(1), 0, 1), exit(15), 0;
    case 16: return pthread_create(&thread, NULL, ends_main, &main_thread), pthread_exit(NULL), 0;
  }
  return 0;
}

int main(void) {
  atexit(first);
  on_exit(with_status, "argument");
  atexit(last);
  at_quick_exit(quick);
  for (way = 0; way <= 16; way++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) exit(end());
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) printf("= signal %d\n", WTERMSIG(status));
    else printf("= status %d\n", WEXITSTATUS(status));
  }
  way = 0;
  return end();
}
