// Emulated thread-local storage: control variables, common and weak, and libgcc's __emutls_get_address.
// compile: clang-22 -O{0,2} {-fPIE,-fPIC,-fno-pic} -femulated-tls
#include <pthread.h>
#include <stdio.h>
#include <stdint.h>
__thread int a = 5;
static __thread long b[3] = {1, 2, 3};
__thread char zero[70000];
extern __thread int other;
int *addr(void);
__thread _Alignas(256) int al = 4;
__thread int weak __attribute__((weak)) = 77;
static void *f(void *x) { a++; b[1] += a; zero[69999]++; other += 2;
 printf("%s %d %ld %d %d %d %d %d %d\n", (char *)x, a, b[1], zero[69999], other, *addr(), &other == addr(), (int)((uintptr_t)&al % 256), weak); return x; }
int main(void) {
  for (int i = 0; i < 3; i++) {
  pthread_t t; f("main");
  pthread_create(&t, NULL, f, "thread");
  pthread_join(t, NULL);
  }
  return 0;
}
// file: other.c
__thread int other = 6;
__thread int weak __attribute__((weak)) = 77;
int *addr(void) { return &other; }
