// Libraries whose initial-exec blocks need more room than the C library keeps, beside the program's own.
// compile: gcc -O2 -fPIC -DOWN={4,3000}
// before: gcc -shared -fPIC -O2 -x c library.txt -DSIZE=3000 -ftls-model=initial-exec -o libsmall.so
// before: gcc -shared -fPIC -O2 -x c library.txt -DSIZE=60000 -ftls-model=initial-exec -o libbig.so
// inputs: tls-library-big.o ./lib{small,big}.so
// reference: -Wl,-rpath,.
#include <pthread.h>
#include <stdio.h>
int getie(void);
__thread char own[OWN] = {3};
static void *f(void *x) {
  own[1]++;
  printf("%s %d %d\n", (char *)x, getie(), own[1]);
  return x;
}
int main(void) {
  for (int i = 0; i < 2; i++) {
    pthread_t t;
    pthread_create(&t, NULL, f, "thread");
    pthread_join(t, NULL);
    f("main");
  }
  return 0;
}
// file: library.txt
static __thread int loc = 6; static __thread char block[SIZE]; int getie(void) { return loc++ + block[SIZE-3]++; }
