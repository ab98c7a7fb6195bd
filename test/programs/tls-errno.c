// errno and other thread-local data of the C library, from code that the program's threads run.
// compile: {gcc,clang-22} -O2 {-fPIE,-fno-pic}
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *fail(void *x) {
  errno = 0;
  close(-1);
  return errno == EBADF ? x : NULL;
}

int main(void) {
  errno = ERANGE;
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, fail, &thread);
  pthread_join(thread, &result);
  printf("%d %d\n", result == &thread, errno == ERANGE);
  return 0;
}
