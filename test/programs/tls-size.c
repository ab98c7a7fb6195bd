// Thread-local storage of many sizes, beside what the C library keeps for libraries and beyond.
// compile: gcc -O2 -fPIC -DSIZE={1000,2000,33000,2000000,7000000}
// compile: gcc -O2 -DSIZE=20000
// compile: clang-22 -O2 -fPIC -DSIZE=300000 -ftls-model={local-dynamic,initial-exec}
// compile: gcc -O2 -fPIC -mtls-dialect=gnu2 -DSIZE=300000
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
__thread char zero[SIZE];
static __thread int last = 5;
static void *f(void *x) {
  zero[SIZE - 1]++; zero[SIZE/2] += 2; last++;
  printf("%s %d %d %d %d\n", (char *)x, zero[0], zero[SIZE / 2], zero[SIZE - 1], last);
  return x;
}
int main(void) {
  for (int i = 0; i < 2; i++) {
    pthread_t t;
    int e = pthread_create(&t, NULL, f, "thread");
    if (e) return printf("%s\n", strerror(e)), 1;
    pthread_join(t, NULL);
    f("main");
  }
  return 0;
}
