// Thread-local storage aligned up to 32 KiB, as far as the threads of every mode can have it.
// compile: gcc -O2 -fPIC -DALIGN={64,1024,4096,32768}
// compile: gcc -O2 -fno-pic -DALIGN=8192
// compile: clang-22 -O2 -fPIE -DALIGN=4096
// reference: -Wl,-z,norelro
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
__thread _Alignas(ALIGN) char zero[3];
__thread _Alignas(ALIGN) int data[2] = {7, 8};
__thread char after = 'x';
static void *f(void *x) {
  printf("%s %d %d %d %d %c %d\n", (char *)x, (int)((uintptr_t)zero % ALIGN), (int)((uintptr_t)data % ALIGN), data[0], data[1], after, zero[2]);
  data[0]++, zero[2] = 1;
  return x;
}
int main(void) {
  for (int i = 0; i < 3; i++) {
    pthread_t t;
    pthread_create(&t, NULL, f, "thread");
    pthread_join(t, NULL);
    f("main");
  }
  return 0;
}
