// longjmp over frames, and a thread that ends in the middle: its frames are unwound and their clean-ups run.
// compile: {gcc,clang-22} -O2 -fexceptions {-fPIE,-fno-pic}
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>

static jmp_buf back;
static int cleaned;
static void clean(int *value) { cleaned += *value; }
__attribute__((noinline)) static void jump(int n) {
  if (n == 0) longjmp(back, 7);
  jump(n - 1);
}
static void *cancelled(void *x) {
  __attribute__((cleanup(clean))) int value = 5;
  pthread_exit(x);
}

int main(void) {
  int result = setjmp(back);
  if (result == 0) jump(20);
  pthread_t thread;
  pthread_create(&thread, NULL, cancelled, &thread);
  void *from;
  pthread_join(thread, &from);
  printf("%d %d %d\n", result, cleaned, from == &thread);
  return 0;
}
