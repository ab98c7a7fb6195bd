// Thread-local storage aligned to more than a page of any size.
// compile: gcc -O2 {-fPIC,-fno-pic} -DALIGN=65536
// compile: clang-22 -O2 -fPIE -DALIGN=1048576
// reference: -Wl,-z,norelro
// only: shared rpc
// because: one of Node's threads has a stack of 32 KiB, which holds no such block
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
__thread _Alignas(ALIGN) char zero[3];
__thread _Alignas(ALIGN) int data[2] = {7, 8};
__thread char after = 'x';
static void *f(void *x) {
  printf("%s %d %d %d %d %c %d\n", (char *)x, (int)((uintptr_t)zero % ALIGN), (int)((uintptr_t)data % ALIGN), data[0], data[1], after, zero[2]);
  data[0]++, zero[2] = 1;
  return x;
}
int main(void) {
  // What a second start needs is gone when the program runs.
  printf("%s %s %d\n", getenv("LD_PRELOAD") ? "set" : "unset", getenv("GLIBC_TUNABLES") ? "set" : "unset", open("/dev/null", O_RDONLY));
  for (int i = 0; i < 3; i++) {
    pthread_t t;
    pthread_create(&t, NULL, f, "thread");
    pthread_join(t, NULL);
    f("main");
  }
  return 0;
}
