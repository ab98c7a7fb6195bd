/* A program as a shared library, for the tests of programs in this process: `main` does what its first argument says,
   `leave` is what it calls as exit(). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void (*leave)(int);
extern int __cxa_atexit(void (*)(void *), void *, void *);
char dso; /* stands for the __dso_handle of linked code */

static void handler(void *unused) { (void)unused; printf("handler\n"); }
static void late(void *unused) { (void)unused; printf("late\n"); leave(4); }
/* The process's environ is Node's copy of it, which a library that is opened apart does not reach by its name. */
void initialize(int argc, char **argv, char **envp) {
  char ***environment = dlsym(dlopen(NULL, RTLD_LAZY), "environ");
  printf("initialize %d %s %d\n", argc, argv[0], environment && envp == *environment);
}
void finish_first(void) { printf("finish first\n"); }
void finish_last(void) { printf("finish last\n"); }
static void *from_thread(void *unused) { leave(9); return unused; }

typedef void (*with_arguments)(int, char **, char **);
typedef void (*without)(void);
with_arguments init_array[] = {initialize, 0, (with_arguments)-1};
without fini_array[] = {finish_last, finish_first};
const unsigned long init_size = sizeof init_array, fini_size = sizeof fini_array;

static int in_child(int status) {
  pid_t child = fork();
  if (child == 0) {
    printf("child\n");
    if (status < 0) return -status;
    leave(status);
  }
  int end = 0;
  waitpid(child, &end, 0);
  return WIFEXITED(end) ? WEXITSTATUS(end) : 100 + WTERMSIG(end);
}

int main(int argc, char **argv) {
  const char *what = argv[1];
  __cxa_atexit(handler, NULL, &dso);
  if (argv[argc]) return 99;
  if (!strcmp(what, "return")) return 3;
  if (!strcmp(what, "negative")) return -1;
  if (!strcmp(what, "stack")) {
    volatile char large[6 << 20];
    memset((char *)large, 1, sizeof large);
    return large[argc];
  }
  if (!strcmp(what, "exit")) leave(7);
  if (!strcmp(what, "libc-exit")) exit(8);
  if (!strcmp(what, "exit-in-handler")) { __cxa_atexit(late, NULL, &dso); return 5; }
  if (!strcmp(what, "thread")) {
    pthread_t thread;
    pthread_create(&thread, NULL, from_thread, NULL);
    for (;;) pause();
  }
  if (!strcmp(what, "pthread_exit")) pthread_exit(NULL);
  if (!strcmp(what, "fork-exit")) return in_child(5) + 10;
  if (!strcmp(what, "fork-return")) return in_child(-6) + 10;
  if (!strcmp(what, "abort")) abort();
  return 98;
}
