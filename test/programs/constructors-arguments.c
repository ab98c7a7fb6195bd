// Constructors and .preinit_array get main's argc, argv and envp, may use stdio, threads and environment, and change the latter.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// args: one "two words"
// argv0: ./called
// env: FROM_OUTSIDE=yes
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **seen;
extern char **environ;

static void *speak(void *text) {
  printf("thread says %s\n", (char *)text);
  return NULL;
}

static void before(int argc, char **argv, char **envp) {
  printf("preinit %d %s %d\n", argc, argv[0], envp[0] != NULL);
}
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = before;

__attribute__((constructor)) static void early(int argc, char **argv, char **envp) {
  printf("constructor %d %s %s %d\n", argc, argv[1], argv[2], argv[argc] == NULL);
  seen = argv;
  printf("environment %d %s\n", envp == environ, getenv("FROM_OUTSIDE"));
  setenv("FROM_CONSTRUCTOR", "set early", 1);
  unsetenv("FROM_OUTSIDE");
  pthread_t thread;
  pthread_create(&thread, NULL, speak, "hello");
  pthread_join(thread, NULL);
  fputs("on standard error\n", stderr);
}

__attribute__((constructor(200))) static void prior(int argc, char **argv) {
  printf("prior %d %s\n", argc, argv[argc - 1]);
}

__attribute__((destructor)) static void late(void) { printf("destructor %s\n", getenv("FROM_CONSTRUCTOR")); }

int main(int argc, char **argv, char **envp) {
  printf("main %d %d %d %s\n", argc, argv == seen, envp == environ || envp != NULL, getenv("FROM_CONSTRUCTOR"));
  printf("%d %s %s\n", getenv("FROM_OUTSIDE") == NULL, program_invocation_name, program_invocation_short_name);
  argv[1] = "changed";
  putenv("NEW=1");
  clearenv();
  printf("%d\n", environ == NULL || *environ == NULL);
  setenv("FROM_CONSTRUCTOR", "after clearenv", 1);
  return 0;
}
