// Functions that libc.so's linker script takes from libc_nonshared.a: at_quick_exit, atexit, pthread_atfork, stat under its old name.
// compile: {gcc,clang-22} -O1 {-fPIE,-fno-pic}
// link: -lc
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static void bye(void) { puts("bye"); }
static void nothing(void) {}

int main(void) {
  struct stat status;
  pthread_atfork(nothing, nothing, nothing);
  printf("%d %d %d\n", atexit(bye), at_quick_exit(nothing), stat("/", &status));
  return 0;
}
